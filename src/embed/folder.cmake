eddy_folder(embed
  SOURCES terms.c hash.c embedder.c cache.c chunks.c encoder.c bert.c config.c safetensors.c mapping.c wordpiece.c fold.c
    kernels.c
  LINK PkgConfig::jansson PkgConfig::utf8proc)
# Of xxHash only the header: it is compiled into the cache.
target_include_directories(ed_embed PRIVATE ${xxhash_INCLUDE_DIRS})
# The insides of kernels: see base/folder.cmake.
set_source_files_properties(src/embed/kernels.c PROPERTIES
  COMPILE_OPTIONS "-O3;-ffp-contract=fast;-Wno-psabi")
