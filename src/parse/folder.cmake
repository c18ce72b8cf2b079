eddy_folder(parse SOURCES placeholder.c)
