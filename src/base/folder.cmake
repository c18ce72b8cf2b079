set(kernels product_plain.c product_openblas.c rows_plain.c)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(APPEND kernels product_avx2.c product_avx512.c product_bf16.c product_vnni.c product_amx.c
    rows_avx2.c rows_avx512.c rows_bf16.c codes_vnni.c codes_amx.c)
endif()
eddy_folder(base
  SOURCES error.c memory.c bytes.c table.c number.c dot.c vector.c time.c utf8.c json.c order.c
    codes.c product.c ${kernels}
  PROGRAM clock.c histogram.c shelf.c message.c log.c kafka.c
  LINK PkgConfig::openblas)
# Products of floats are exact as doubles: fused or not, the sums have the same bits (dot.c).
set_source_files_properties(src/base/dot.c PROPERTIES COMPILE_OPTIONS -ffp-contract=fast)
# Kernels are written for one kind of CPU each, and are slow beyond use without the optimiser. Their
# vectors never cross a call, so it does not matter which registers would carry them.
set(avx512 -mavx512f -mavx512bw -mavx512vl -mavx512dq -mprefer-vector-width=512)
foreach(kernel product product_plain product_openblas rows_plain "rows_avx2 -mavx2 -mfma"
    codes "codes_vnni ${avx512} -mavx512vnni" "codes_amx ${avx512} -mamx-tile -mamx-int8"
    "rows_avx512 ${avx512}" "rows_bf16 ${avx512} -mavx512bf16" "product_avx2 -mavx2 -mfma"
    "product_avx512 ${avx512}" "product_bf16 ${avx512} -mavx512bf16" "product_vnni ${avx512}"
    "product_amx ${avx512} -mavx512bf16 -mamx-tile -mamx-bf16 -mamx-int8")
  string(REPLACE " " ";" options "${kernel}")
  list(POP_FRONT options name)
  set_source_files_properties(src/base/${name}.c PROPERTIES
    COMPILE_OPTIONS "-O3;-ffp-contract=fast;-Wno-psabi;${options}")
endforeach()
