eddy_folder(parse
  SOURCES parser.c json.c flat.c vectors.c pointer.c time.c clean.c html.c control.c scan.c
  LINK PkgConfig::jansson PkgConfig::utf8proc)
