/* The kernel of codes for one kind of CPU; base/codes.c chooses. */
#ifndef ED_BASE_CODES_KINDS_H
#define ED_BASE_CODES_KINDS_H

#include "base/codes.h"
#include "base/product_kinds.h"

/* What bytes say of floats, together. */
struct ed_code_sums {
    int32_t sum, fine_sum;
    float square;          /* of the q */
    float distance, close; /* squared, without the fine bytes and with them */
};
/* Bytes and fine ones (NULL: none) of (n) floats, a multiple of 16; adds to sums. The bytes of
 * twins are the same, half a step going to the even one. */
void ed_code_make_vnni(const float *x, size_t n, float step, uint8_t *bytes, uint8_t *fine,
                       struct ed_code_sums *sums);
void ed_code_make_plain(const float *x, size_t n, float step, uint8_t *bytes, uint8_t *fine,
                        struct ed_code_sums *sums);

/* Sums of a's q times the bytes of each of four rows as they are stored; depth is a multiple of 64:
 * ret (4). */
void ed_code_sums_vnni(const uint8_t *a, const uint8_t *const *rows, size_t depth, int32_t *ret);
void ed_code_sums_plain(const uint8_t *a, const uint8_t *const *rows, size_t depth, int32_t *ret);
/* The same of four vectors a: ret (4, 4). */
void ed_code_block_vnni(const uint8_t *const *a, const uint8_t *const *rows, size_t depth,
                        int32_t *ret);
void ed_code_block_plain(const uint8_t *const *a, const uint8_t *const *rows, size_t depth,
                         int32_t *ret);
/* The same of two planes of a with two of a row: ret (4) has a0.b0, a0.b1, a1.b0, a1.b1. */
void ed_code_planes_vnni(const uint8_t *const *a, const uint8_t *const *b, size_t depth,
                         int32_t *ret);
void ed_code_planes_plain(const uint8_t *const *a, const uint8_t *const *b, size_t depth,
                          int32_t *ret);

/* The rows from `from` on (n) of a scan, by AMX, in one go: products (n, columns) or NULL, high
 * (n / ED_PEAK_ROWS, columns). */
void ed_scan_amx(const struct ed_code_shape *shape, const struct ed_scan_rows *rows,
                 const struct ed_scan_points *points, size_t from, size_t n, float *products,
                 float *high);

/* Parts of codes.c that the compiler builds for several CPUs. */
float ed_code_largest(const float *x, size_t n);
void ed_code_bytes(const float *x, size_t n, float step, uint8_t *ret, struct ed_code_sums *sums);
void ed_code_fines(const float *x, size_t n, float step, const uint8_t *bytes, uint8_t *ret,
                   struct ed_code_sums *sums);
int32_t ed_code_sum(const uint8_t *a, const uint8_t *b, size_t depth);
void ed_run_highest(const float *products, const float *rest, size_t columns, float *ret);

#endif
