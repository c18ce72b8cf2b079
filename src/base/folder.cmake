eddy_folder(base
  SOURCES error.c memory.c bytes.c table.c number.c vector.c time.c message.c
  LINK PkgConfig::openblas)
