eddy_folder(engine SOURCES placeholder.c)
