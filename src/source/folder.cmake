eddy_folder(source SOURCES placeholder.c)
