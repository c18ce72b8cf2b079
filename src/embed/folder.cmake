eddy_folder(embed
  SOURCES terms.c hash.c embedder.c encoder.c bert.c config.c safetensors.c mapping.c wordpiece.c fold.c
    kernels.c
  LINK PkgConfig::jansson PkgConfig::utf8proc)
# gcc 12 turns loops of unknown length into vectors only from here on.
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/embed/kernels.c PROPERTIES COMPILE_OPTIONS
  "$<$<NOT:$<CONFIG:Debug>>:-O3>")
