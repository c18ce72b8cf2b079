eddy_folder(publish SOURCES publish.c lines.c rules.c alerts.c)
