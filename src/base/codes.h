/* Codes: vectors as bytes, whose products propose what a fixed-order dot decides.
 *
 * A code has two parts, each in 127ths of its largest element; a byte q is stored as q + 128, and
 * each part ends with bytes of 128, up to a multiple of 64. With it is kept how long each part is
 * and how far the code is from its vector, so that the product of two vectors is known within a
 * bound that holds for certain: with x~ and y~ for what the codes say,
 *
 *   x.y - x~.y~ = x~.(y - y~) + (x - x~).y        by Cauchy and Schwarz, part by part
 *
 * That bound is for vectors that conspire with the rounding of others. Those which do not are off
 * by a step at most, along whatever direction: three and a half standard deviations. A scan may
 * take that for granted where a miss does no harm.
 *
 * Beside the bytes there may be as many fine ones, stored likewise: 256ths of a step. Both together
 * say about as much as products in float, from half the memory, and most of what the bytes leave
 * open is settled by them.
 *
 * Sums of bytes are whole numbers, the same on every CPU. All functions: any number of threads. */
#ifndef ED_BASE_CODES_H
#define ED_BASE_CODES_H

#include "base/product.h"

#define ED_CODE_MAX  65536 /* elements of a part, so that 32 bits hold every sum */
#define ED_RUN_ROWS  16    /* rows at a time: a scan has a multiple of them */
#define ED_PEAK_ROWS 8     /* rows that a scan tells the highest of */
#define ED_SCAN_MAX  256   /* points of a scan */

struct ed_code_shape {
    size_t n[2];     /* elements of the parts */
    size_t depth[2]; /* bytes of each */
    size_t bytes;    /* of both */
};

struct ed_code {
    float step[2];  /* value of one step of a byte; 0: the part is 0 */
    float reach[2]; /* neither the part nor what its code says is longer */
    float error[2]; /* the distance between them is at most this */
    float close[2]; /* that between the part and what it says with the fine bytes */
    int32_t sum[2]; /* of its q */
    int32_t fine_sum[2];
};

struct ed_code_shape ed_code_shape_of(size_t n_first, size_t n_second);

/* Part 0 or 1 of a code, from its floats (n): bytes, fine (NULL: none wanted) and code are those of
 * the whole. */
void ed_code_part(const struct ed_code_shape *shape, int part, const float *x, uint8_t *bytes,
                  uint8_t *fine, struct ed_code *code);
/* Both parts, which lie one behind the other. */
void ed_code_of(const struct ed_code_shape *shape, const float *x, uint8_t *bytes, uint8_t *fine,
                struct ed_code *ret);

/* The product of two vectors is within this of what their codes say. */
static inline float ed_code_error(const struct ed_code *a, const struct ed_code *b)
{
    return a->reach[0] * b->error[0] + a->error[0] * b->reach[0] + a->reach[1] * b->error[1] +
           a->error[1] * b->reach[1];
}

/* One code with its bytes. */
struct ed_coded {
    const uint8_t *bytes;
    const struct ed_code *code;
    const uint8_t *fine; /* NULL: none */
};

/* What the codes say of the products of a with each of (n) rows, and how far they may be wrong. */
void ed_codes_dots(const struct ed_code_shape *shape, struct ed_coded a,
                   const struct ed_coded *rows, size_t n, float *ret, float *ret_error);
/* The same of (n_a) vectors with all rows, in a third of the time: ret, ret_error (n_a, n). */
void ed_codes_dots_many(const struct ed_code_shape *shape, const struct ed_coded *a, size_t n_a,
                        const struct ed_coded *rows, size_t n, float *ret, float *ret_error);
/* The same with the fine bytes of all. */
void ed_codes_dots_fine(const struct ed_code_shape *shape, struct ed_coded a,
                        const struct ed_coded *rows, size_t n, double *ret, double *ret_error);

/* ---- scans: the highest products of many rows with some points ---- */

/* (n) rows, as they are scanned: the product with a row is
 *
 *   (product of the codes) factor + rest      where rest covers the error of the codes
 */
struct ed_scan_rows {
    const uint8_t *bytes; /* (n, shape.bytes), and ED_LEFT_SLACK rows behind them */
    size_t n;             /* a multiple of ED_RUN_ROWS */
    float *scale[2];      /* (n) factor times step of the part */
    float *low[2];        /* (n) -128 times that */
    float *rest;          /* (n) */
};

/* (m) points on the right side, as the kernels want them. */
struct ed_scan_points {
    size_t m;
    struct ed_right right[2];
    struct ed_code most; /* reach, errors and step: the largest of all points */
};

/* Bytes that points take, aligned to 64. */
size_t ed_scan_points_bytes(const struct ed_code_shape *shape, size_t m);
/* Make them of (m) codes; each is multiplied by its factor, NULL: 1. */
void ed_scan_points_pack(const struct ed_code_shape *shape, const struct ed_coded *points,
                         const float *factor, size_t m, void *room, struct ed_scan_points *ret);

/* At most how far a product of the row's code, as the kernels say, may be from that of the vectors,
 * for any of the points: for certain; or (likely) but for one in a million where elements do not
 * follow the rounding, as equal ones would. */
float ed_scan_error(const struct ed_code_shape *shape, const struct ed_code *row,
                    const struct ed_code *most, int likely);

/* Columns of products: m, rounded up to two panels. */
static inline size_t ed_scan_columns(size_t m)
{
    return (m + 2 * ED_PANEL - 1) / (2 * ED_PANEL) * (2 * ED_PANEL);
}

/* What a scan shows as it goes along, while it is in the cache. */
struct ed_scan_view {
    size_t from, n;        /* rows; a multiple of ED_RUN_ROWS each */
    size_t columns;        /* of the points */
    const float *high;     /* (n / ED_PEAK_ROWS, columns) the highest of so many rows */
    const float *products; /* (n, columns) without their rests; where they are wanted */
};
typedef void ed_scan_show(void *context, const struct ed_scan_view *view);

/* Bytes of room that a scan needs, aligned to 64. */
size_t ed_scan_bytes(size_t m);
void ed_scan(const struct ed_kernels *kernels, const struct ed_code_shape *shape,
             const struct ed_scan_rows *rows, const struct ed_scan_points *points,
             int want_products, float *room, ed_scan_show *show, void *context);

#endif
