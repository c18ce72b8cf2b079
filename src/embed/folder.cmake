eddy_folder(embed SOURCES placeholder.c)
