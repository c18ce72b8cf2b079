/* Elementary functions whose last bit is the same on every machine.
 *
 * libm may change between versions; a decision of the engine may not. These use only additions,
 * multiplications, divisions and sqrt of IEEE double in a written order. Relative error below
 * 1e-14. */
#ifndef ED_BASE_NUMBER_H
#define ED_BASE_NUMBER_H

double ed_log2(double x); /* x > 0 and finite */
double ed_ln(double x);
double ed_exp2(double x); /* 0 below -1000, 2^1000 above 1000 */
double ed_exp(double x);
double ed_sigmoid(double x);

#endif
