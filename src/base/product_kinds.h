/* The kinds of kernels, one by one; base/product.c chooses. */
#ifndef ED_BASE_PRODUCT_KINDS_H
#define ED_BASE_PRODUCT_KINDS_H

#include "base/product.h"

typedef void ed_product(const struct ed_left *left, size_t m, const struct ed_right *right,
                        const struct ed_finish *finish);

ed_product ed_product_f32_avx2, ed_product_f32_avx512; /* product_avx2.c, product_avx512.c */
ed_product ed_product_bf16_avx512;                     /* product_bf16.c */
ed_product ed_product_int8_vnni;                       /* product_vnni.c */
ed_product ed_product_bf16_amx, ed_product_int8_amx;   /* product_amx.c */
/* The twins of all, in plain C; product_plain.c. */
ed_product ed_product_f32_plain, ed_product_bf16_plain, ed_product_int8_plain;
ed_product ed_product_f32_openblas; /* product_openblas.c */

/* A part of packing, which the compiler builds for several CPUs (product.c). */
void ed_panel_across(const char *rows, size_t stride, size_t size, size_t columns, size_t k,
                     uint32_t *ret);

#endif
