eddy_folder(embed
  SOURCES terms.c hash.c embedder.c cache.c chunks.c encoder.c bert.c static.c config.c model_file.c safetensors.c
    mapping.c tokenizer.c wordpiece.c fold.c normalizer.c charsmap.c splitter.c added.c unigram.c trie.c
    bpe.c pieces.c
  LINK PkgConfig::jansson PkgConfig::utf8proc)
# Of xxHash only the header: it is compiled into the cache.
target_include_directories(ed_embed PRIVATE ${xxhash_INCLUDE_DIRS})
# gcc 12 turns loops of unknown length into vectors only from here on.
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/embed/static.c PROPERTIES COMPILE_OPTIONS
  "$<$<NOT:$<CONFIG:Debug>>:-O3>")
