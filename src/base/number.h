/* Elementary functions whose last bit is the same on every machine.
 *
 * libm may change between versions; a decision of the engine may not. These use only additions,
 * multiplications, divisions and sqrt of IEEE double in a written order. */
#ifndef ED_BASE_NUMBER_H
#define ED_BASE_NUMBER_H

#include <stddef.h>

/* x > 0 and finite; relative error below 1e-14. */
double ed_log2(double x);
double ed_ln(double x);
/* ed_ln of each of (n), in place, the same bits, several at a time; none below 2^-1022. */
void ed_ln_each(double *x, size_t n);
/* 0 where less than 2^-1000 is due, or x is NaN, 2^1000 where more is; else the relative error is
 * below 1e-14 (exp2) and 1e-12 (exp). */
double ed_exp2(double x);
double ed_exp(double x);
/* ln of the gamma function, x > 0 and below 2^900; error below 1e-12 of the larger of 1 and the
 * result. */
double ed_lgamma(double x);
/* Error below 1e-12; relative to the result only where x >= 0. */
double ed_sigmoid(double x);

#endif
