eddy_folder(parse
  SOURCES parser.c json.c flat.c vectors.c pointer.c time.c clean.c html.c control.c level.c stamp.c
    field.c trace.c layout.c layout_text.c layout_fields.c layout_wrap.c layout_bytes.c joiner.c scan.c
  LINK PkgConfig::jansson PkgConfig::utf8proc)
