/* Work on single rows of floats, for each kind of CPU: what stands between the products of a
 * network, and what makes the left side of one. Any number of threads. */
#ifndef ED_BASE_ROWS_H
#define ED_BASE_ROWS_H

#include <stddef.h>
#include <stdint.h>

struct ed_rows {
    /* ret = a + b + c; (n). */
    void (*add_three)(const float *a, const float *b, const float *c, size_t n, float *ret);
    /* Each row of x (m, n) to mean 0 and variance 1, with eps added to the variance, and then times
     * g (n) plus b (n). */
    void (*norm)(float *x, const float *g, const float *b, double eps, size_t m, size_t n);
    /* Each row of x (m, n), a row every stride floats: exp(scale (x - c)), where c is 0 or the
     * row's largest, and 0 from n up to the next multiple of 16, for which there is room in both.
     *
     *   ret      (m, n) a row every ret_stride bytes: floats, or bf16 where halves
     *   inverse  (m) 1 / the sum of the row, as it stands in ret
     *
     * x is work memory. */
    void (*softmax)(float *x, size_t stride, float scale, size_t m, size_t n, void *ret,
                    size_t ret_stride, int halves, float *inverse);
    /* bf16 of floats, rounded to nearest even. */
    void (*bf16_of)(const float *x, size_t n, uint16_t *ret);
    /* The bytes of one row (n) of finite floats: x is about *scale q + *low. */
    void (*levels_of)(const float *x, size_t n, uint8_t *ret, float *scale, float *low);
    /* The same of bf16. */
    void (*levels_of_halves)(const uint16_t *x, size_t n, uint8_t *ret, float *scale, float *low);
    /* Words (m, n) of rows, a row every stride bytes, turned to (n, 16), of which the first m <= 16
     * are written. */
    void (*turn)(const void *x, size_t stride, size_t m, size_t n, uint32_t *ret);
};

/* The best for this CPU. */
const struct ed_rows *ed_rows_best(void);
/* The i-th of all that this CPU runs; NULL: there are no more. */
const struct ed_rows *ed_rows_at(size_t i);

extern const struct ed_rows ed_rows_plain, ed_rows_avx2, ed_rows_avx512, ed_rows_bf16;

#endif
