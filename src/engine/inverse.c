/* Inverse: words that tell an event from all others, weighed against each other.
 *
 * Keywords (picture.c) are counted one by one: a word that says much goes to the top, and so do all
 * that come with it. Here all words of the window explain the event together: the weights a that
 * best give back who belongs to it,
 *
 *   a = y X^T (X X^T + lambda I)^-1          y (n) 1 for its documents, 0 for others
 *                                            X (words, n) 1/sqrt(words of the document), or 0
 *
 * which is the ridge form of AIME's approximate inverse operator (IEEE Access 2025), derived from
 * its formula. Words that come together share what they say; those which pull documents of other
 * events in go below 0.
 *
 * X X^T has millions of places and X a few ten thousand, so no matrix is made: conjugate gradients
 * (Hestenes and Stiefel 1952) need only X p and X^T q. They run in double in a fixed order, the
 * documents by position and the words as they first came, so the same state gives the same bits. */
#include "engine/words.h"

#define RIDGE  1.0 /* lambda: a word needs two or three documents to be believed */
#define ROUNDS 100
#define EXACT  1e-12 /* of the squared residue */

struct words {
    struct ed_table place; /* hash -> number + 1 */
    uint64_t *hash;        /* (n) */
    uint32_t *docs;        /* (n) that hold it */
    size_t n;
};

/* X by documents. */
struct matrix {
    size_t n_docs;
    size_t *from; /* (n_docs + 1) into number */
    uint32_t *number;
    double *y;    /* (n_docs) */
    size_t n_own; /* documents of the event */
};

static double held(const struct matrix *x, size_t doc)
{
    return 1 / sqrt((double)(x->from[doc + 1] - x->from[doc]));
}

static int document_add(const struct ed_point *p, struct words *w, struct matrix *x)
{
    size_t at = x->from[x->n_docs];
    for (uint32_t i = 0; i < p->n_top; i++) {
        uint64_t *number = ed_table_put(&w->place, p->top[i] ? p->top[i] : 1, w->n + 1);
        if (!number)
            return 0;
        if (*number == w->n + 1) {
            w->hash[w->n] = p->top[i];
            w->docs[w->n++] = 0;
        }
        w->docs[*number - 1]++;
        x->number[at++] = (uint32_t)(*number - 1);
    }
    x->from[++x->n_docs] = at;
    return 1;
}

/* Documents that live and have words. 0: no memory. */
static int gather(const eddy_clusterer *cl, uint32_t event, eddy_arena *arena, struct words *w,
                  struct matrix *x)
{
    uint32_t n = ed_window_n(cl);
    size_t most = n * (size_t)TOP_WORDS + 1;
    x->from = ed_arena_alloc(arena, (n + (size_t)1) * sizeof *x->from);
    x->number = ed_arena_alloc(arena, most * sizeof *x->number);
    x->y = ed_arena_alloc(arena, (n + (size_t)1) * sizeof *x->y);
    w->hash = ed_arena_alloc(arena, most * sizeof *w->hash);
    w->docs = ed_arena_alloc(arena, most * sizeof *w->docs);
    if (!x->from || !x->number || !x->y || !w->hash || !w->docs)
        return 0;
    x->from[0] = 0;
    for (uint32_t k = n; k > 0; k--) { /* the oldest first */
        struct ed_document doc;
        ed_window_read(cl, ed_window_slot(cl, cl->position - k), &doc);
        if (doc.event == NONE || !doc.point.n_top)
            continue;
        x->y[x->n_docs] = doc.event == event;
        x->n_own += doc.event == event;
        if (!document_add(&doc.point, w, x))
            return 0;
    }
    return 1;
}

/* ret (words) = X^T (X p) + lambda p */
static void apply(const struct matrix *x, size_t n, const double *p, double *ret)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = RIDGE * p[i];
    for (size_t d = 0; d < x->n_docs; d++) {
        double sum = 0;
        for (size_t k = x->from[d]; k < x->from[d + 1]; k++)
            sum += p[x->number[k]];
        sum /= (double)(x->from[d + 1] - x->from[d]);
        for (size_t k = x->from[d]; k < x->from[d + 1]; k++)
            ret[x->number[k]] += sum;
    }
}

static double product(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* a (n) in the arena; NULL: no memory. */
static const double *solve(const struct matrix *x, size_t n, eddy_arena *arena)
{
    double *a = ed_arena_alloc_zero(arena, 4 * n + 1, sizeof *a);
    if (!a)
        return NULL;
    double *residue = a + n;
    double *p = residue + n;
    double *applied = p + n;
    for (size_t d = 0; d < x->n_docs; d++)
        for (size_t k = x->from[d]; k < x->from[d + 1]; k++)
            residue[x->number[k]] += x->y[d] * held(x, d);
    memcpy(p, residue, n * sizeof *p);
    double left = product(residue, residue, n);
    double enough = EXACT * left;
    for (int round = 0; round < ROUNDS && left > enough; round++) {
        apply(x, n, p, applied);
        double step = left / product(p, applied, n);
        for (size_t i = 0; i < n; i++) {
            a[i] += step * p[i];
            residue[i] -= step * applied[i];
        }
        double next = product(residue, residue, n);
        for (size_t i = 0; i < n; i++)
            p[i] = residue[i] + next / left * p[i];
        left = next;
    }
    return a;
}

struct weighed {
    double weight;
    uint64_t hash;
};

static int heavier(const void *a, const void *b)
{
    const struct weighed *x = a;
    const struct weighed *y = b;
    if (x->weight < y->weight || x->weight > y->weight)
        return x->weight > y->weight ? -1 : 1;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

/* The first n_max whose spelling is known; said once they are accidents, unless all of the event's
 * are. */
static eddy_status answer(const eddy_clusterer *cl, const struct words *w, const struct matrix *x,
                          const double *a, size_t n_max, eddy_arena *arena,
                          const eddy_term_weight **ret, size_t *n_ret, eddy_error *err)
{
    struct weighed *all = ed_arena_alloc(arena, (w->n + 1) * sizeof *all);
    size_t n = 0;
    for (size_t i = 0; all && i < w->n; i++)
        if (w->docs[i] > 1 || x->n_own < 3)
            all[n++] = (struct weighed){a[i], w->hash[i]};
    if (all)
        qsort(all, n, sizeof *all, heavier);
    eddy_term_weight *list = ed_arena_alloc(arena, ((n < n_max ? n : n_max) + 1) * sizeof *list);
    size_t kept = 0;
    for (size_t i = 0; all && list && i < n && kept < n_max; i++) {
        eddy_str word = ed_words_surface(cl, all[i].hash);
        if (!word.n)
            continue;
        list[kept].word = ed_arena_str(arena, word.at, word.n);
        list[kept].weight = (float)all[i].weight;
        if (!list[kept++].word.at)
            list = NULL;
    }
    if (!all || !list)
        return eddy_fail_nomem(err, "terms", n * sizeof *all);
    *ret = list;
    *n_ret = kept;
    return EDDY_OK;
}

eddy_status eddy_clusterer_terms(const eddy_clusterer *cl, uint64_t event, size_t n_max,
                                 eddy_arena *arena, const eddy_term_weight **ret, size_t *n_ret,
                                 eddy_error *err)
{
    uint32_t slot = cl->load ? NONE : ed_event_slot(cl, event);
    if (slot == NONE)
        return eddy_fail(err, EDDY_INVALID, "event E%llu is not in memory",
                         (unsigned long long)event);
    if (!cl->o.window)
        return eddy_fail(err, EDDY_INVALID, "engine: there is no window of documents");
    struct words w = {0};
    struct matrix x = {0};
    ed_table_init(&w.place);
    const double *a = gather(cl, slot, arena, &w, &x) ? solve(&x, w.n, arena) : NULL;
    ed_table_clear(&w.place);
    if (!a)
        return eddy_fail_nomem(err, "terms", w.n * 4 * sizeof *a);
    return answer(cl, &w, &x, a, n_max, arena, ret, n_ret, err);
}
