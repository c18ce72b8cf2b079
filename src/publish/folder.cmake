eddy_folder(publish SOURCES publish.c lines.c)
