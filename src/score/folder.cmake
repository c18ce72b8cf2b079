eddy_folder(score SOURCES score.c indexes.c stability.c lineage.c)
