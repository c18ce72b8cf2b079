eddy_folder(base
  SOURCES error.c memory.c bytes.c table.c number.c dot.c vector.c time.c utf8.c json.c order.c
  PROGRAM clock.c message.c log.c kafka.c
  LINK PkgConfig::openblas)
# Products of floats are exact as doubles: fused or not, the sums have the same bits (dot.c).
set_source_files_properties(src/base/dot.c PROPERTIES COMPILE_OPTIONS -ffp-contract=fast)
