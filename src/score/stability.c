/* Stability: clusters at two moments, held against each other (CSAI, arXiv 2406.10552).
 *
 * Written from the formula; nothing is taken from the published code. The published form fits one
 * space to each side and compares sums of coordinates across them; here both forms see one space.
 *
 * The corrected form is made a strip of coordinates at a time, so that memory grows with clusters
 * only. Tried and left: shares of each feature in place of profiles (random labels of fixed
 * proportions have stable shares in every feature), and one range for all features (the widest
 * decides alone). */
#include "base/error.h"
#include "base/memory.h"
#include "base/vector.h"

#include <eddy/score.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STRIP 16 /* coordinates at a time: a cache line of a row */
#define NONE  UINT32_MAX

struct strip {
    double above[STRIP], below[STRIP];
};

/* One cluster at one moment. */
struct side {
    double docs, share;
    struct strip sum;
};

struct stability {
    const float *rows; /* (n, dim) */
    size_t n, dim, k, folds;
    uint64_t *labels;     /* (k) ascending */
    uint32_t *of[2];      /* (n) cluster at the moment; NONE: not there */
    double *centre;       /* (dim) mean of all documents that are anywhere */
    struct side *side[2]; /* (k) */
    double *square;       /* (k) of the differences, over features */
};

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void clear(struct stability *s)
{
    void *const all[] = {s->labels,  s->of[0],   s->of[1], s->centre,
                         s->side[0], s->side[1], s->square};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ed_free(all[i]);
}

/* Labels to numbers of clusters. 0: no memory. */
static int label(struct stability *s, const uint64_t *const given[2])
{
    size_t m = 0;
    s->labels = ed_alloc_zero(s->n, 2 * sizeof *s->labels);
    if (!s->labels)
        return 0;
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < s->n; i++)
            if (given[side][i])
                s->labels[m++] = given[side][i];
    qsort(s->labels, m, sizeof *s->labels, by_number);
    for (size_t i = 0; i < m; i++)
        if (!s->k || s->labels[s->k - 1] != s->labels[i])
            s->labels[s->k++] = s->labels[i];
    for (int side = 0; side < 2; side++) {
        s->of[side] = ed_alloc_zero(s->n, sizeof *s->of[side]);
        if (!s->of[side])
            return 0;
        for (size_t i = 0; i < s->n; i++) {
            const uint64_t *at = given[side][i] ? bsearch(&given[side][i], s->labels, s->k,
                                                          sizeof *s->labels, by_number)
                                                : NULL;
            s->of[side][i] = at ? (uint32_t)(at - s->labels) : NONE;
        }
    }
    return 1;
}

static int room(struct stability *s)
{
    s->centre = ed_alloc_zero(s->dim, sizeof *s->centre);
    s->side[0] = ed_alloc_zero(s->k + 1, sizeof *s->side[0]);
    s->side[1] = ed_alloc_zero(s->k + 1, sizeof *s->side[1]);
    s->square = ed_alloc_zero(s->k + 1, sizeof *s->square);
    return s->centre && s->side[0] && s->side[1] && s->square;
}

static void find_centre(struct stability *s)
{
    double n = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (s->of[0][i] == NONE && s->of[1][i] == NONE)
            continue;
        n++;
        for (size_t d = 0; d < s->dim; d++)
            s->centre[d] += (double)s->rows[i * s->dim + d];
    }
    for (size_t d = 0; d < s->dim; d++)
        s->centre[d] /= n;
}

/* The cluster to which document i counts at this moment in this round; NULL: to none. */
static struct side *counts_to(const struct stability *s, size_t i, int side, size_t fold)
{
    uint32_t c = s->of[side][i];
    if (c == NONE || (s->folds > 1 && (i % s->folds == fold) != side))
        return NULL;
    return &s->side[side][c];
}

/* ---- as published ---- */

static void add_shares(struct stability *s, size_t fold)
{
    double all[2] = {0, 0};
    memset(s->side[0], 0, s->k * sizeof *s->side[0]);
    memset(s->side[1], 0, s->k * sizeof *s->side[1]);
    for (size_t i = 0; i < s->n; i++) {
        double sum = 0;
        for (size_t d = 0; d < s->dim; d++)
            sum += (double)s->rows[i * s->dim + d];
        for (int side = 0; side < 2; side++) {
            struct side *c = counts_to(s, i, side, fold);
            if (!c)
                continue;
            c->docs++;
            c->share += sum;
            all[side] += sum;
        }
    }
    for (size_t c = 0; c < s->k; c++) {
        for (int side = 0; side < 2; side++) /* of 0: not defined, and NaN from here on */
            s->side[side][c].share = all[side] != 0 ? s->side[side][c].share / all[side] : NAN;
    }
}

static double share_index(const struct stability *s)
{
    double least = INFINITY, most = -INFINITY, sum = 0, n = 0;
    for (size_t c = 0; c < s->k; c++) {
        double p = s->side[0][c].share, q = s->side[1][c].share;
        if (!(s->side[0][c].docs > 0))
            continue; /* the published loop runs over the clusters of the first side */
        least = fmin(least, fmin(p, q));
        most = fmax(most, fmax(p, q));
        sum += fabs(p - q);
        n++;
    }
    return sum / n / (most - least + 1e-8);
}

/* ---- corrected ---- */

static void add_strip(struct stability *s, size_t fold, size_t from, size_t width)
{
    for (size_t c = 0; c < s->k; c++)
        s->side[0][c].sum = s->side[1][c].sum = (struct strip){{0}, {0}};
    for (size_t i = 0; i < s->n; i++)
        for (int side = 0; side < 2; side++) {
            struct side *c = counts_to(s, i, side, fold);
            for (size_t d = 0; c && d < width; d++) {
                double off = (double)s->rows[i * s->dim + from + d] - s->centre[from + d];
                c->sum.above[d] += fmax(off, 0);
                c->sum.below[d] += fmax(-off, 0);
            }
        }
}

/* The mean of a feature, named by its place in a strip; NaN: no member. */
static double mean_of(const struct side *side, size_t feature)
{
    const struct strip *sum = &side->sum;
    double value = feature < STRIP ? sum->above[feature] : sum->below[feature - STRIP];
    return side->docs > 0 ? value / side->docs : NAN;
}

/* Differences of all clusters in one feature, in units of its range. */
static void add_feature(struct stability *s, size_t feature)
{
    double least = INFINITY, most = -INFINITY;
    for (size_t c = 0; c < s->k; c++)
        for (int side = 0; side < 2; side++) {
            double mean = mean_of(&s->side[side][c], feature); /* fmin passes NaN over */
            least = fmin(least, mean);
            most = fmax(most, mean);
        }
    if (!(most > least))
        return; /* the same everywhere */
    for (size_t c = 0; c < s->k; c++) {
        double off = mean_of(&s->side[0][c], feature) - mean_of(&s->side[1][c], feature);
        if (off == off)
            s->square[c] += off / (most - least) * (off / (most - least));
    }
}

static double profile_index(struct stability *s, size_t fold)
{
    memset(s->square, 0, s->k * sizeof *s->square);
    for (size_t from = 0; from < s->dim; from += STRIP) {
        size_t width = s->dim - from < STRIP ? s->dim - from : STRIP;
        add_strip(s, fold, from, width);
        for (size_t d = 0; d < width; d++) {
            add_feature(s, d);
            add_feature(s, STRIP + d);
        }
    }
    double sum = 0, weight = 0;
    for (size_t c = 0; c < s->k; c++) {
        double n[2] = {s->side[0][c].docs, s->side[1][c].docs};
        int both = n[0] > 0 && n[1] > 0;
        weight += n[0] + n[1];
        sum += (n[0] + n[1]) * (both ? sqrt(s->square[c] / (2 * (double)s->dim)) : 1);
    }
    return sum / weight;
}

static eddy_status check(const float *rows, size_t n, size_t dim, size_t folds, eddy_error *err)
{
    if (!n || n > UINT32_MAX || !dim)
        return eddy_fail(err, EDDY_INVALID,
                         "stability: %zu documents of %zu dimensions; 1 to %u of at least 1 can be "
                         "judged",
                         n, dim, UINT32_MAX);
    if (folds > n)
        return eddy_fail(err, EDDY_INVALID, "stability: %zu folds of %zu documents", folds, n);
    if (!ed_finite(rows, n * dim))
        return eddy_fail(err, EDDY_INVALID, "stability: a vector is not finite");
    return EDDY_OK;
}

/* Rounds in which one moment has no document say nothing, and are left out. */
static eddy_status judge(struct stability *s, eddy_stability *ret, eddy_error *err)
{
    eddy_stability sum = {.clusters = s->k};
    size_t rounds = 0;
    for (size_t fold = 0; fold < (s->folds > 1 ? s->folds : 1); fold++) {
        double docs[2] = {0, 0};
        add_shares(s, fold);
        for (size_t c = 0; c < s->k; c++) {
            docs[0] += s->side[0][c].docs;
            docs[1] += s->side[1][c].docs;
        }
        if (!(docs[0] > 0) || !(docs[1] > 0))
            continue;
        rounds++;
        sum.csai_share += share_index(s);
        sum.csai_profile += profile_index(s, fold);
    }
    if (!rounds)
        return eddy_fail(err, EDDY_INVALID, "stability: no document has a label at one moment");
    sum.csai_share /= (double)rounds;
    sum.csai_profile /= (double)rounds;
    *ret = sum;
    return EDDY_OK;
}

eddy_status eddy_score_stability(const float *rows, size_t n, size_t dim, const uint64_t *first,
                                 const uint64_t *second, size_t folds, eddy_stability *ret,
                                 eddy_error *err)
{
    eddy_status st = check(rows, n, dim, folds, err);
    if (st != EDDY_OK)
        return st;
    struct stability s = {.rows = rows, .n = n, .dim = dim, .folds = folds};
    const uint64_t *const given[2] = {first, second};
    if (!label(&s, given) || !room(&s)) {
        st = eddy_fail_nomem(err, "stability", n * sizeof *s.labels);
    } else {
        find_centre(&s);
        st = judge(&s, ret, err);
    }
    clear(&s);
    return st;
}
