/* Vector kernels. BLAS proposes, ed_dot decides.
 *
 * ed_gemm_nt is OpenBLAS: fast, and different in the last bits between CPUs and batch sizes. What
 * hangs on a comparison is computed again by ed_dot, whose additions have one fixed order on every
 * machine: sixteen double lanes, into each of which every sixteenth product goes (dot.c). */
#ifndef ED_BASE_VECTOR_H
#define ED_BASE_VECTOR_H

#include <stddef.h>
#include <stdint.h>

/* a.b of (n) floats in double, fixed order. */
double ed_dot(const float *a, const float *b, size_t n);
/* The same of a with each of n_rows rows, to the last bit, in half the time: ret (n_rows). */
void ed_dots(const float *a, const float *const *rows, size_t n_rows, size_t n, double *ret);
void ed_dots_four(const float *a, const float *const *rows, size_t n, double *ret);
/* a.b of (n) whole numbers, the product of whose lengths is below 2^31: exact. */
int32_t ed_dot_short(const int16_t *a, const int16_t *b, size_t n);
/* a.b in float, several times as fast: a filter. Error at most n 2^-24 |a| |b|; its last bits
 * differ between CPUs. */
float ed_dot_rough(const float *a, const float *b, size_t n);
/* The same of a with four rows, in less time than one by one: ret (4). */
void ed_dots_rough(const float *a, const float *const *rows, size_t n, float *ret);
/* y += w x in float; (n). Product and sum of each element are rounded once each, on every CPU. */
void ed_add_scaled(float *y, float w, const float *x, size_t n);
/* Each of (n) finite floats as a byte, in 127ths of the largest, which is returned; 0: all are 0,
 * and ret is not written. The same on every CPU. */
float ed_bytes_of(const float *x, size_t n, int8_t *ret);
/* And back. */
void ed_floats_of(const int8_t *bytes, size_t n, float largest, float *ret);
/* Length of (n) in double, fixed order. */
double ed_norm(const float *a, size_t n);
/* Sum of (n) in double, fixed order. */
double ed_sum(const float *a, size_t n);
/* *second += sum of the squares of their distances from the mean, *third += that of the cubes. */
void ed_moments_add(const float *a, size_t n, double mean, double *second, double *third);
/* The largest of (n), none of them a NaN; -INFINITY of none. */
float ed_most(const float *a, size_t n);
/* The first of (n), from `from` on, that is at least what is asked of it; n. */
size_t ed_reaching(const float *a, const float *asked, size_t from, size_t n);
/* 1 when all of (n) are finite. */
int ed_finite(const float *a, size_t n);
/* 1 when all of (n) are 0. */
int ed_is_zero(const float *a, size_t n);

/* c (m, n) = a (m, k) b (n, k)^T, row strides lda, ldb, ldc in floats. One thread, OpenBLAS.
 * Error of each element against exact arithmetic: at most k 2^-24 |a_i| |b_j|. */
void ed_gemm_nt(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                size_t ldb, float *c, size_t ldc);

/* Let OpenBLAS use the calling thread only: eddy parallelises over documents. Called by each
 * open or new that leads to a product; cheap. */
void ed_blas_single_thread(void);

#endif
