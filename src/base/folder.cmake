eddy_folder(base
  SOURCES error.c memory.c bytes.c table.c number.c vector.c time.c utf8.c json.c
  PROGRAM clock.c message.c log.c kafka.c
  LINK PkgConfig::openblas)
