eddy_folder(score SOURCES score.c lineage.c)
