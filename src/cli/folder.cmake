eddy_folder(cli SOURCES placeholder.c)
