eddy_folder(embed
  SOURCES terms.c hash.c embedder.c encoder.c bert.c config.c model_file.c tokenizer.c normalizer.c charsmap.c splitter.c added.c
    unigram.c trie.c bpe.c pieces.c safetensors.c mapping.c wordpiece.c fold.c
    kernels.c
  LINK PkgConfig::jansson PkgConfig::utf8proc)
# The insides of kernels: see base/folder.cmake.
set_source_files_properties(src/embed/kernels.c PROPERTIES
  COMPILE_OPTIONS "-O3;-ffp-contract=fast;-Wno-psabi")
