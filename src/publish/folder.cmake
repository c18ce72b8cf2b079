eddy_folder(publish SOURCES placeholder.c)
