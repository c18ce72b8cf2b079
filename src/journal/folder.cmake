eddy_folder(journal SOURCES placeholder.c)
