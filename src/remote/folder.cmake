eddy_folder(remote SOURCES address.c pace.c setup.c http.c refusal.c envelope.c chat.c rows.c
  estimate.c embeddings.c alarms.c
  LINK PkgConfig::curl PkgConfig::jansson)
