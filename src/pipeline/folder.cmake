eddy_folder(pipeline
  SOURCES ring.c batch.c front.c logs.c pipeline.c reader.c worker.c meters.c pulse.c stability.c answers.c lines.c turns.c
    control.c reasoner.c keyphraser.c shard.c shards.c)
