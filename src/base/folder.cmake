eddy_folder(base
  SOURCES error.c memory.c bytes.c table.c number.c dot.c vector.c time.c utf8.c json.c order.c
    codes.c codes_vnni.c codes_amx.c product.c product_plain.c product_openblas.c
    product_avx2.c product_avx512.c product_bf16.c product_vnni.c product_amx.c
  PROGRAM clock.c message.c log.c kafka.c
  LINK PkgConfig::openblas)
# Products of floats are exact as doubles: fused or not, the sums have the same bits (dot.c).
set_source_files_properties(src/base/dot.c PROPERTIES COMPILE_OPTIONS -ffp-contract=fast)
# Kernels are written for one kind of CPU each, and are slow beyond use without the optimiser. Their
# vectors never cross a call, so it does not matter which registers would carry them.
set(avx512 -mavx512f -mavx512bw -mavx512vl -mavx512dq -mprefer-vector-width=512)
foreach(kernel plain openblas "avx2 -mavx2 -mfma" "avx512 ${avx512}" "bf16 ${avx512}"
    "vnni ${avx512}" "amx ${avx512} -mamx-tile -mamx-bf16 -mamx-int8")
  string(REPLACE " " ";" options "${kernel}")
  list(POP_FRONT options name)
  set_source_files_properties(src/base/product_${name}.c PROPERTIES
    COMPILE_OPTIONS "-O3;-ffp-contract=fast;-Wno-psabi;${options}")
endforeach()
set_source_files_properties(src/base/codes_vnni.c PROPERTIES
  COMPILE_OPTIONS "-O3;${avx512};-mavx512vnni")
set_source_files_properties(src/base/codes_amx.c PROPERTIES
  COMPILE_OPTIONS "-O3;-ffp-contract=fast;-Wno-psabi;${avx512};-mamx-tile;-mamx-int8")
set_source_files_properties(src/base/product.c src/base/codes.c PROPERTIES COMPILE_OPTIONS
  "$<$<NOT:$<CONFIG:Debug>>:-O3>")
