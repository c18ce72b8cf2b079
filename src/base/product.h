/* Products with a matrix that stays: packed once, multiplied often.
 *
 *   ret (m, n) = f(left (m, k) * right (k, n))
 *
 * in one of three precisions, summed in float (f32, bf16) or exactly (int8), and finished on the
 * way out: scales, bias, activation, addition to what is there, conversion. Each precision has
 * several kinds of kernels, of which the best that this CPU can run is taken. All read memory in
 * words of four bytes along k: one float, two bf16 or four bytes.
 *
 *   left   row-major, made by base/rows.h; a row begins every stride bytes. Rows are read in blocks
 * and depth words far: up to ED_LEFT_SLACK rows and 64 bytes beyond the end must be readable, and
 * finite; what stands there goes into no result. right  panels of 16 columns: (n / 16, depth, 16)
 * words, zeros behind n and k
 *
 * A row's result has the same bits whatever else is in the product (but for OpenBLAS, which is told
 * so by whole_only); another kind of kernels may differ in the last bits, but for int8. All
 * functions: any number of threads. */
#ifndef ED_BASE_PRODUCT_H
#define ED_BASE_PRODUCT_H

#include <stddef.h>
#include <stdint.h>

#define ED_PANEL      16
#define ED_LEFT_SLACK 32

enum ed_precision { ED_F32, ED_BF16, ED_INT8 };
#define ED_PRECISIONS 3

enum ed_activation { ED_LINEAR, ED_GELU, ED_GELU_TANH, ED_RELU };

/* Rows on the left side. The value of a byte q of row i is scale[i] q + low[i]. */
struct ed_left {
    const void *at;     /* (m, stride) float, bf16 (as uint16_t) or uint8_t */
    size_t stride;      /* bytes */
    const float *scale; /* (m) int8: of its bytes; else each row's product is multiplied by it, or
                           NULL */
    const float *low;   /* (m) int8 alone */
};

/* The matrix on the right side; borrows the memory that it was packed into. */
struct ed_right {
    size_t n, k;
    size_t depth;       /* words along k */
    const void *at;     /* the panels; OpenBLAS: the rows as they were given */
    size_t stride;      /* OpenBLAS: floats between two rows */
    int across;         /* OpenBLAS: the rows run along n */
    const float *scale; /* (n, rounded up to a panel) int8: value of one step of the column */
    const float *sum;   /* the same; int8: sum of the column */
};

/* What becomes of a sum on its way out. */
struct ed_finish {
    const float *bias; /* (n), or NULL */
    enum ed_activation activation;
    int add;       /* 1: to what stands in ret (float); OpenBLAS: neither activated nor scaled */
    int to_bf16;   /* ret is bf16, rounded to nearest even; else float */
    void *ret;     /* (m, stride) */
    size_t stride; /* elements between two rows of ret */
    int roomy;     /* 1: behind m and n, up to the next multiples of 32, anything may be written */
};

struct ed_kernels {
    const char *name; /* "avx512-bf16": the instructions */
    enum ed_precision precision;
    int whole_only; /* bits of a row depend on which rows stand beside it */
    int (*usable)(void);
    void (*product)(const struct ed_left *left, size_t m, const struct ed_right *right,
                    const struct ed_finish *finish);
};

/* The best kernels that this CPU has for a precision. There always are some. */
const struct ed_kernels *ed_kernels_best(enum ed_precision precision);
/* The i-th of all kinds that were compiled in, usable here or not; NULL: there are no more. */
const struct ed_kernels *ed_kernels_at(size_t i);
/* 1: this CPU multiplies in this precision by itself, so that it is faster than f32. */
int ed_precision_is_fast(enum ed_precision precision);

/* "f32", "bf16", "int8". */
const char *ed_precision_name(enum ed_precision precision);
/* Bytes of an element on the left side. */
size_t ed_precision_size(enum ed_precision precision);

/* ---- packing ---- */

/* Bytes that a packed right side takes, aligned to 64, and a multiple of it; 0: it stays where it
 * is (OpenBLAS). */
size_t ed_right_bytes(const struct ed_kernels *kernels, size_t n, size_t k);
/* Pack columns that lie as float rows (n, k), as weights do: bf16 rounded to nearest even, int8 in
 * 127ths of the column's largest. The rows are borrowed where ed_right_bytes is 0. */
void ed_right_pack(const struct ed_kernels *kernels, const float *rows, size_t n, size_t k,
                   void *room, struct ed_right *ret);
/* The same of rows that are in the kernels' own form, f32 or bf16; stride in elements. */
void ed_right_pack_rows(const struct ed_kernels *kernels, const void *rows, size_t stride, size_t n,
                        size_t k, void *room, struct ed_right *ret);
/* And where rows (k, n) run along n. */
void ed_right_pack_across(const struct ed_kernels *kernels, const void *rows, size_t stride,
                          size_t n, size_t k, void *room, struct ed_right *ret);

#endif
