eddy_folder(embed
  SOURCES terms.c hash.c embedder.c cache.c encoder.c bert.c config.c safetensors.c mapping.c wordpiece.c fold.c
   
  LINK PkgConfig::jansson PkgConfig::utf8proc)
# Of xxHash only the header: it is compiled into the cache.
target_include_directories(ed_embed PRIVATE ${xxhash_INCLUDE_DIRS})
