/* Scores: two partitions of the same documents, compared.
 *
 * All measures are sums over the cells of the contingency table and over its two margins. The
 * documents are sorted into cells, the cells by gold and then by found cluster, so that each
 * margin is a run. Counts stay integers as long as they can: squares of up to 2^32 documents fit
 * 64 bits, and what should cancel cancels exactly. */
#include "base/error.h"
#include "base/memory.h"
#include "base/number.h"

#include <eddy/score.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct cell {
    uint64_t gold, found; /* labels */
    uint32_t n, n_gold;   /* documents in the cell, in its gold cluster */
};

/* What the two walks over the table gather; n documents. */
struct sums {
    uint64_t n, gold, found;           /* documents, clusters */
    uint64_t pairs, of_gold, of_found; /* sums of squares of cells and of margins */
    uint64_t exact, in_exact;       /* clusters that are the same on both sides; their documents */
    double p, r;                    /* BCubed, times n */
    double h_gold, h_found, mutual; /* entropies and mutual information in nats, times n */
};

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_gold(const void *a, const void *b)
{
    const struct cell *x = a, *y = b;
    int c = compare(x->gold, y->gold);
    return c ? c : compare(x->found, y->found);
}

static int by_found(const void *a, const void *b)
{
    const struct cell *x = a, *y = b;
    int c = compare(x->found, y->found);
    return c ? c : compare(x->gold, y->gold);
}

/* Documents to cells: sort, then add equal neighbours up. Gives the number of cells. */
static size_t squeeze(struct cell *cells, size_t n)
{
    qsort(cells, n, sizeof *cells, by_gold);
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        if (m && by_gold(&cells[m - 1], &cells[i]) == 0)
            cells[m - 1].n += cells[i].n;
        else
            cells[m++] = cells[i];
    }
    return m;
}

/* -x log(x/n): the share of a cluster of x documents in n times the entropy. */
static double surprise(uint64_t x, uint64_t n)
{
    return x == n ? 0 : (double)x * ed_ln((double)n / (double)x);
}

static void walk_gold(struct cell *cells, size_t m, struct sums *s)
{
    for (size_t i = 0, end; i < m; i = end) {
        uint64_t size = 0;
        for (end = i; end < m && cells[end].gold == cells[i].gold; end++)
            size += cells[end].n;
        for (size_t k = i; k < end; k++)
            cells[k].n_gold = (uint32_t)size;
        s->gold++;
        s->of_gold += size * size;
        s->h_gold += surprise(size, s->n);
    }
}

static void cell_add(const struct cell *c, uint64_t n_found, struct sums *s)
{
    uint64_t n = c->n;
    s->pairs += n * n;
    s->p += (double)(n * n) / (double)n_found;
    s->r += (double)(n * n) / (double)c->n_gold;
    uint64_t seen = n * s->n, expected = n_found * c->n_gold;
    if (seen != expected)
        s->mutual += (double)n * ed_ln((double)seen / (double)expected);
    if (n == n_found && n == c->n_gold) {
        s->exact++;
        s->in_exact += n;
    }
}

static void walk_found(const struct cell *cells, size_t m, struct sums *s)
{
    for (size_t i = 0, end; i < m; i = end) {
        uint64_t size = 0;
        for (end = i; end < m && cells[end].found == cells[i].found; end++)
            size += cells[end].n;
        for (size_t k = i; k < end; k++)
            cell_add(&cells[k], size, s);
        s->found++;
        s->of_found += size * size;
        s->h_found += surprise(size, s->n);
    }
}

/* 2 (tp tn - fn fp) over what it is at most, on ordered pairs of documents. The counts are exact;
 * the denominator is at least 2 tp tn and 2 fn fp, so the rounding of the products stays below
 * 1e-15 of the index. */
static double rand_adjusted(const struct sums *s)
{
    double tp = (double)(s->pairs - s->n);
    double fp = (double)(s->of_found - s->pairs);
    double fn = (double)(s->of_gold - s->pairs);
    double tn = (double)(s->n * s->n - s->of_found - (s->of_gold - s->pairs));
    if (fn == 0 && fp == 0)
        return 1;
    return 2 * (tp * tn - fn * fp) / ((tp + fn) * (fn + tn) + (tp + fp) * (fp + tn));
}

static double ratio(double part, double whole, double when_empty)
{
    return whole > 0 ? fmin(part / whole, 1) : when_empty;
}

static double harmonic(double a, double b)
{
    return a + b > 0 ? 2 * a * b / (a + b) : 0;
}

static void conclude(const struct sums *s, eddy_scores *ret)
{
    double n = (double)s->n;
    /* One cluster on either side shares nothing; scikit-learn calls less than an epsilon nothing.
     */
    double mutual = s->gold == 1 || s->found == 1 ? 0 : fmax(s->mutual / n, 0);
    if (mutual < 2.220446049250313e-16)
        mutual = 0;
    double h_gold = s->h_gold / n, h_found = s->h_found / n;
    int both_whole = s->gold == 1 && s->found == 1;

    *ret = (eddy_scores){.n = s->n, .gold = s->gold, .found = s->found};
    ret->bcubed_p = s->p / n;
    ret->bcubed_r = s->r / n;
    ret->bcubed_f = harmonic(ret->bcubed_p, ret->bcubed_r);
    ret->nmi = both_whole ? 1 : ratio(mutual, (h_gold + h_found) / 2, 0);
    ret->nmi_geometric = both_whole ? 1 : ratio(mutual, sqrt(h_gold * h_found), 0);
    ret->homogeneity = ratio(mutual, h_gold, 1);
    ret->completeness = ratio(mutual, h_found, 1);
    ret->v_measure = harmonic(ret->homogeneity, ret->completeness);
    ret->ari = rand_adjusted(s);
    ret->ga = (double)s->in_exact / n;
    ret->fga = harmonic((double)s->exact / (double)s->found, (double)s->exact / (double)s->gold);
}

eddy_status eddy_score(const uint64_t *gold, const uint64_t *found, size_t n, eddy_scores *ret,
                       eddy_error *err)
{
    if (!n || n > UINT32_MAX)
        return eddy_fail(err, EDDY_INVALID, "score: %zu documents; 1 to %u can be scored", n,
                         UINT32_MAX);
    struct cell *cells = n > SIZE_MAX / sizeof *cells ? NULL : ed_alloc(n * sizeof *cells);
    if (!cells)
        return eddy_fail_nomem(err, "score", n * sizeof *cells);
    for (size_t i = 0; i < n; i++)
        cells[i] = (struct cell){.gold = gold[i], .found = found[i], .n = 1};

    struct sums s = {.n = n};
    size_t m = squeeze(cells, n);
    walk_gold(cells, m, &s);
    qsort(cells, m, sizeof *cells, by_found);
    walk_found(cells, m, &s);
    ed_free(cells);
    conclude(&s, ret);
    return EDDY_OK;
}
