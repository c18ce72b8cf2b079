eddy_folder(pipeline SOURCES placeholder.c)
