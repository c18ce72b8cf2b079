eddy_folder(score SOURCES placeholder.c)
