/* Indexes: how well apart clusters are, from the vectors of all documents and their labels.
 *
 * All three need distances to means only. Which mean is nearest (silhouette) or worst (Davies-
 * Bouldin) is proposed by a product of blocks in float, in coordinates around the mean of all, so
 * that it loses nothing to a shift; whatever might be it, within the product's error, is computed
 * again in double from the rows as they are. */
#include "base/error.h"
#include "base/memory.h"
#include "base/vector.h"

#include <eddy/score.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 256

struct sheet {
    const float *rows; /* (n, dim) */
    size_t n, dim, k;
    uint32_t *of;   /* (n) cluster, 0 .. k - 1 by label */
    size_t *size;   /* (k) */
    double *mean;   /* (k, dim) */
    double *centre; /* (dim) mean of all */
    double *inside; /* (k) mean distance of the members to the mean */
    float *flat;    /* (k, dim) means around the centre */
    double *square; /* (k) squared length of a row of flat */
    double longest; /* of those rows */
    float *block;   /* (BLOCK, dim) */
    float *product; /* (BLOCK, k) */
};

struct labelled {
    uint64_t label;
    uint32_t i;
};

static int by_label(const void *a, const void *b)
{
    const struct labelled *x = a, *y = b;
    return x->label != y->label ? (x->label > y->label) - (x->label < y->label)
                                : (x->i > y->i) - (x->i < y->i);
}

/* ---- the sheet ---- */

static void sheet_clear(struct sheet *s)
{
    void *const all[] = {s->of,   s->size,   s->mean,  s->centre, s->inside,
                         s->flat, s->square, s->block, s->product};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ed_free(all[i]);
}

static int label(struct sheet *s, const uint64_t *labels)
{
    struct labelled *list = ed_alloc_zero(s->n, sizeof *list);
    s->of = ed_alloc_zero(s->n, sizeof *s->of);
    if (!list || !s->of) {
        ed_free(list);
        return 0;
    }
    for (size_t i = 0; i < s->n; i++)
        list[i] = (struct labelled){labels[i], (uint32_t)i};
    qsort(list, s->n, sizeof *list, by_label);
    for (size_t i = 0; i < s->n; i++) {
        s->k += !i || list[i].label != list[i - 1].label;
        s->of[list[i].i] = (uint32_t)(s->k - 1);
    }
    ed_free(list);
    return 1;
}

static int room(struct sheet *s)
{
    s->size = ed_alloc_zero(s->k, sizeof *s->size);
    s->inside = ed_alloc_zero(s->k, sizeof *s->inside);
    s->square = ed_alloc_zero(s->k, sizeof *s->square);
    s->centre = ed_alloc_zero(s->dim, sizeof *s->centre);
    s->block = ed_alloc_zero(s->dim, BLOCK * sizeof *s->block);
    s->product = ed_alloc_zero(s->k, BLOCK * sizeof *s->product);
    size_t cells = s->dim > SIZE_MAX / s->k ? SIZE_MAX : s->dim * s->k;
    s->mean = ed_alloc_zero(cells, sizeof *s->mean);
    s->flat = ed_alloc_zero(cells, sizeof *s->flat);
    return s->size && s->inside && s->square && s->centre && s->block && s->product && s->mean &&
           s->flat;
}

static double distance2(const struct sheet *s, const float *row, const double *mean)
{
    double sum = 0;
    for (size_t d = 0; d < s->dim; d++) {
        double off = (double)row[d] - mean[d];
        sum += off * off;
    }
    return sum;
}

static double between2(const struct sheet *s, const double *a, const double *b)
{
    double sum = 0;
    for (size_t d = 0; d < s->dim; d++)
        sum += (a[d] - b[d]) * (a[d] - b[d]);
    return sum;
}

static void means(struct sheet *s)
{
    for (size_t i = 0; i < s->n; i++) {
        double *mean = s->mean + s->of[i] * s->dim;
        s->size[s->of[i]]++;
        for (size_t d = 0; d < s->dim; d++)
            mean[d] += (double)s->rows[i * s->dim + d];
    }
    for (size_t c = 0; c < s->k; c++)
        for (size_t d = 0; d < s->dim; d++) {
            s->centre[d] += s->mean[c * s->dim + d] / (double)s->n;
            s->mean[c * s->dim + d] /= (double)s->size[c];
        }
    for (size_t c = 0; c < s->k; c++) {
        float *flat = s->flat + c * s->dim;
        for (size_t d = 0; d < s->dim; d++)
            flat[d] = (float)(s->mean[c * s->dim + d] - s->centre[d]);
        s->square[c] = ed_dot(flat, flat, s->dim);
        s->longest = fmax(s->longest, sqrt(s->square[c]));
    }
}

/* How far a squared distance by the product may be from the right one: rounding of the two sides to
 * float and of the sum of products, with room. */
static double error_of(const struct sheet *s, double length)
{
    return (double)(s->dim + 16) * 0x1p-22 * (length + s->longest) * (length + s->longest);
}

/* ---- Calinski-Harabasz, and the insides ---- */

static double calinski_harabasz(struct sheet *s)
{
    double inside = 0, between = 0;
    for (size_t i = 0; i < s->n; i++) {
        double square = distance2(s, s->rows + i * s->dim, s->mean + s->of[i] * s->dim);
        inside += square;
        s->inside[s->of[i]] += sqrt(square);
    }
    for (size_t c = 0; c < s->k; c++) {
        s->inside[c] /= (double)s->size[c];
        between += (double)s->size[c] * between2(s, s->mean + c * s->dim, s->centre);
    }
    if (!(inside > 0))
        return 1;
    return between / inside * (double)(s->n - s->k) / (double)(s->k - 1);
}

/* ---- silhouette ---- */

/* Squared distance of row i to the nearest mean but its own. product: (k) of it with the means. */
static double nearest2(const struct sheet *s, size_t i, const float *at, const float *product)
{
    uint32_t own = s->of[i];
    double square = ed_dot(at, at, s->dim), rough = INFINITY, best = INFINITY;
    for (size_t c = 0; c < s->k; c++)
        if (c != own)
            rough = fmin(rough, square + s->square[c] - 2 * (double)product[c]);
    rough += 2 * error_of(s, sqrt(square));
    for (size_t c = 0; c < s->k; c++)
        if (c != own && square + s->square[c] - 2 * (double)product[c] <= rough)
            best = fmin(best, distance2(s, s->rows + i * s->dim, s->mean + c * s->dim));
    return best;
}

static double silhouette(const struct sheet *s)
{
    double sum = 0;
    for (size_t first = 0; first < s->n; first += BLOCK) {
        size_t m = s->n - first < BLOCK ? s->n - first : BLOCK;
        for (size_t j = 0; j < m; j++)
            for (size_t d = 0; d < s->dim; d++)
                s->block[j * s->dim + d] =
                    (float)((double)s->rows[(first + j) * s->dim + d] - s->centre[d]);
        ed_gemm_nt(m, s->k, s->dim, s->block, s->dim, s->flat, s->dim, s->product, s->k);
        for (size_t j = 0; j < m; j++) {
            size_t i = first + j;
            if (s->size[s->of[i]] == 1)
                continue;
            double b = sqrt(nearest2(s, i, s->block + j * s->dim, s->product + j * s->k));
            double a = sqrt(distance2(s, s->rows + i * s->dim, s->mean + s->of[i] * s->dim));
            sum += a == b ? 0 : (b - a) / fmax(a, b);
        }
    }
    return sum / (double)s->n;
}

/* ---- Davies-Bouldin ---- */

/* The worst other of cluster c; *farthest grows with the distances seen. */
static double worst(const struct sheet *s, size_t c, const float *product, double *farthest)
{
    double error = error_of(s, sqrt(s->square[c])), ret = 0;
    for (size_t e = 0; e < s->k; e++) {
        double rough = s->square[c] + s->square[e] - 2 * (double)product[e];
        double both = s->inside[c] + s->inside[e];
        if (e == c ||
            (*farthest > 1e-8 && rough > error && both * both <= ret * ret * (rough - error)))
            continue; /* cannot be it */
        double dist = sqrt(between2(s, s->mean + c * s->dim, s->mean + e * s->dim));
        *farthest = fmax(*farthest, dist);
        if (dist > 0)
            ret = fmax(ret, both / dist);
    }
    return ret;
}

/* With scikit-learn's conventions: 0 where all members or all means are in one place (within 1e-8),
 * and of two means in one place nothing is said. */
static double davies_bouldin(const struct sheet *s)
{
    double sum = 0, farthest = 0, loosest = 0;
    for (size_t c = 0; c < s->k; c++)
        loosest = fmax(loosest, s->inside[c]);
    for (size_t first = 0; first < s->k; first += BLOCK) {
        size_t m = s->k - first < BLOCK ? s->k - first : BLOCK;
        ed_gemm_nt(m, s->k, s->dim, s->flat + first * s->dim, s->dim, s->flat, s->dim, s->product,
                   s->k);
        for (size_t j = 0; j < m; j++)
            sum += worst(s, first + j, s->product + j * s->k, &farthest);
    }
    return loosest <= 1e-8 || farthest <= 1e-8 ? 0 : sum / (double)s->k;
}

eddy_status eddy_score_internal(const float *rows, size_t n, size_t dim, const uint64_t *labels,
                                eddy_internal_scores *ret, eddy_error *err)
{
    if (!n || n > UINT32_MAX || !dim)
        return eddy_fail(err, EDDY_INVALID,
                         "indexes: %zu documents of %zu dimensions; 1 to %u of at least 1 can be "
                         "judged",
                         n, dim, UINT32_MAX);
    if (!ed_finite(rows, n * dim))
        return eddy_fail(err, EDDY_INVALID, "indexes: a vector is not finite");
    struct sheet s = {.rows = rows, .n = n, .dim = dim};
    eddy_internal_scores got = {
        .n = n, .silhouette = NAN, .davies_bouldin = NAN, .calinski_harabasz = NAN};
    eddy_status st = EDDY_OK;
    ed_blas_single_thread();
    if (!label(&s, labels) || !room(&s)) {
        st = eddy_fail_nomem(err, "indexes", s.k * s.dim * (sizeof *s.mean + sizeof *s.flat));
        goto out;
    }
    got.clusters = s.k;
    if (s.k >= 2 && s.k < n) {
        means(&s);
        got.calinski_harabasz = calinski_harabasz(&s); /* first: it measures the insides */
        got.silhouette = silhouette(&s);
        got.davies_bouldin = davies_bouldin(&s);
    }
    *ret = got;
out:
    sheet_clear(&s);
    return st;
}
