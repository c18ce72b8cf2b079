eddy_folder(pipeline SOURCES ring.c batch.c pipeline.c answers.c turns.c control.c reasoner.c shard.c shards.c)
