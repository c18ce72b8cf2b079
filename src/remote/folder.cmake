eddy_folder(remote SOURCES address.c pace.c setup.c http.c envelope.c chat.c
  LINK PkgConfig::curl PkgConfig::jansson)
