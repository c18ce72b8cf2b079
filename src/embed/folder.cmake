eddy_folder(embed
  SOURCES terms.c hash.c embedder.c encoder.c bert.c static.c config.c model_file.c safetensors.c
    mapping.c tokenizer.c wordpiece.c fold.c normalizer.c charsmap.c splitter.c added.c unigram.c trie.c
    bpe.c pieces.c kernels.c
  LINK PkgConfig::jansson PkgConfig::utf8proc)
# The insides of kernels: see base/folder.cmake.
set_source_files_properties(src/embed/kernels.c PROPERTIES
  COMPILE_OPTIONS "-O3;-ffp-contract=fast;-Wno-psabi")
# gcc 12 turns loops of unknown length into vectors only from here on.
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/embed/static.c PROPERTIES COMPILE_OPTIONS
  "$<$<NOT:$<CONFIG:Debug>>:-O3>")
