eddy_folder(pipeline SOURCES ring.c batch.c pipeline.c answers.c shard.c shards.c)
