eddy_folder(pipeline SOURCES ring.c batch.c pipeline.c meters.c stability.c answers.c turns.c control.c reasoner.c keyphraser.c shard.c shards.c)
