/* Point: one document as the engine sees it (ALGORITHM 5.3).
 *
 *   dense and extra views   y = (x - mean)/|x - mean|, mean of the stream so far, this one included
 *   words                   sum of sign(w) (1 + ln tf) idf(w) at hash(w) mod H, length 1
 *   weights                 short text 0.6 : 0.4; each doubling of the distinct words above 20
 *                           gives the words 0.1 more; a missing view leaves its share to the others
 *
 * Coordinates are rounded to multiples of POINT_STEP, which a similarity feels as 0.00003, a
 * thousandth of what it scatters. Sums of points are exact by that up to 1,024 (where weights are
 * whole), hence the same in any order, and little more than half as long in records (floats.c).
 *
 * Sums keep the mean of their time: its drift is slow after a few hundred documents.
 *
 * Points are made for a whole block ahead. The words' part depends on how many documents held each
 * word when its turn has come, so words are counted on over the block, beside the vocabulary. */
#include "engine/words.h"

#include "base/cpus.h"

/* The nearest multiple of POINT_STEP: beside a number this large what is finer has no place. */
static float stepped(double x)
{
    const double large = 0x1.8p52 * POINT_STEP;
    return (float)(x + large - large);
}

/* Centre the direction of x (n) by the running mean at sum, which it joins; ret has length root, or
 * is 0 where x is the mean itself. */
MANY_CPUS
void ed_point_centre(double *sum, uint64_t seen, const float *x, size_t n, double root, float *ret)
{
    double length = ed_norm(x, n), part = 1 / ((double)seen + MEAN_PSEUDO);
    for (size_t i = 0; i < n; i++) {
        double y = (double)x[i] / length;
        sum[i] += y;
        ret[i] = (float)(y - sum[i] * part);
    }
    double norm = ed_norm(ret, n), by = norm > 1e-12 ? root / norm : 0;
    for (size_t i = 0; i < n; i++)
        ret[i] = stepped((double)ret[i] * by);
}

void ed_point_centred(const eddy_clusterer *cl, const float *dense, float *ret)
{
    double length = ed_norm(dense, cl->o.dense_dim);
    for (size_t i = 0; i < cl->o.dense_dim; i++)
        ret[i] = (float)((double)dense[i] / length -
                         cl->sum[i] / ((double)cl->seen_dense + MEAN_PSEUDO));
}

/* The twelve words that say most, by tf-idf, go to the keywords. */
static void keep_top(struct ed_point *p, double *score, uint64_t hash, double weight)
{
    uint32_t i = p->n_top;
    if (i == TOP_WORDS) {
        if (score[TOP_WORDS - 1] >= weight)
            return;
        i = TOP_WORDS - 1;
    } else {
        p->n_top++;
    }
    for (; i && score[i - 1] < weight; i--) {
        score[i] = score[i - 1];
        p->top[i] = p->top[i - 1];
    }
    score[i] = weight;
    p->top[i] = hash;
}

/* The hashed words, unscaled; returns their length. place_of (terms_dim) is room to work in, idf
 * (n_terms) the rarity of each word. */
static double hash_words(const eddy_clusterer *cl, const eddy_row *row, uint16_t *place_of,
                         double *idf, struct ed_point *p)
{
    double top_score[TOP_WORDS];
    size_t h = cl->o.terms_dim;
    memset(place_of, 0xff, h * sizeof *place_of);
    ed_ln_each(idf, row->n_terms);
    for (size_t i = 0; i < row->n_terms; i++) {
        uint64_t hash = row->terms[i].hash;
        double said = row->terms[i].count == 1 ? 0 : ed_ln(row->terms[i].count);
        double weight = (1 + said) * idf[i];
        keep_top(p, top_score, hash, weight);
        size_t at = (size_t)(hash >> 8) % h;
        uint32_t k = place_of[at];
        if (k == UINT16_MAX) {
            k = place_of[at] = (uint16_t)p->n_words++;
            p->at[k] = (uint16_t)at;
            p->value[k] = 0;
        }
        p->value[k] += (float)((hash >> 62) & 1 ? weight : -weight);
    }
    double square = 0;
    for (uint32_t k = 0; k < p->n_words; k++)
        square += (double)p->value[k] * (double)p->value[k];
    return sqrt(square);
}

/* Square roots of the views' weights; a view that is missing leaves its share to the others. */
static void view_weights(const eddy_clusterer *cl, const eddy_row *row, int has_dense,
                         int has_words, double *dense, double *words, double *extra)
{
    double length = row->n_terms > 20 ? ed_log2((double)row->n_terms / 20) : 0;
    double floor = cl->o.dense_weight < WEIGHT_FLOOR ? cl->o.dense_weight : WEIGHT_FLOOR;
    double w = cl->o.dense_weight - WEIGHT_FALL * length;
    w = w < floor ? floor : w;
    double rest = 1;
    double total = 0;
    for (size_t v = 0; v < cl->o.n_extra; v++) {
        extra[v] = row->extra[v] ? cl->o.extra_weight[v] : 0;
        rest -= cl->o.extra_weight[v];
        total += extra[v];
    }
    *dense = has_dense ? rest * (has_words ? w : 1) : 0;
    *words = has_words ? rest * (has_dense ? 1 - w : 1) : 0;
    total += *dense + *words;
    *dense = sqrt(*dense / total);
    *words = sqrt(*words / total);
    for (size_t v = 0; v < cl->o.n_extra; v++)
        extra[v] = sqrt(extra[v] / total);
}

void ed_point_dense(eddy_clusterer *cl, const eddy_row *row, struct ed_point *p, float *dense)
{
    memset(p, 0, sizeof *p);
    p->dense = dense;
    memset(dense, 0, cl->n_dense * sizeof *dense);
    double extra[EDDY_EXTRA_MAX];
    double root;
    int has_dense = row->dense && cl->o.dense_dim;
    int has_words = row->n_terms && cl->o.terms_dim;
    view_weights(cl, row, has_dense, has_words, &root, &p->words_root, extra);
    if (has_dense)
        ed_point_centre(cl->sum, ++cl->seen_dense, row->dense, cl->o.dense_dim, root, dense);
    size_t from = cl->o.dense_dim;
    for (size_t v = 0; v < cl->o.n_extra; v++) {
        if (row->extra[v])
            ed_point_centre(cl->sum + from, ++cl->seen_extra[v], row->extra[v], cl->o.extra_dim[v],
                            extra[v], dense + from);
        from += cl->o.extra_dim[v];
    }
}

/* How rare each word is when the row's turn has come, `ahead` documents from now: idf (n_terms);
 * `seen` has what the rows before it add. 0: no memory. */
static int rarities(const eddy_clusterer *cl, const eddy_row *row, uint64_t ahead, int counted,
                    struct ed_table *seen, double *idf)
{
    for (size_t i = 0; i < row->n_terms && !counted; i++) {
        uint64_t *n = ed_table_put(seen, row->terms[i].hash ? row->terms[i].hash : 1, 0);
        if (!n)
            return 0;
        ++*n;
    }
    for (size_t i = 0; i < row->n_terms; i++) {
        uint64_t hash = row->terms[i].hash ? row->terms[i].hash : 1;
        const uint64_t *more = ed_table_find(seen, hash);
        idf[i] = ed_words_rarity(ed_words_df(cl, hash) + (more ? *more : 0), cl->position + ahead);
    }
    return 1;
}

static int words_room(const eddy_clusterer *cl, const eddy_row *row, struct ed_point *p)
{
    size_t most = row->n_terms < cl->o.terms_dim ? row->n_terms : cl->o.terms_dim;
    p->n_words = p->n_top = 0;
    p->at = ed_arena_alloc(cl->work, (most + 1) * sizeof *p->at);
    p->value = ed_arena_alloc(cl->work, (most + 1) * sizeof *p->value);
    return p->at && p->value;
}

eddy_status ed_points_words(eddy_clusterer *cl, const eddy_row *rows, struct ed_point *points,
                            size_t n, size_t counted, eddy_error *err)
{
    size_t most = 0;
    if (!cl->o.terms_dim)
        return EDDY_OK;
    for (size_t i = 0; i < n; i++)
        most = rows[i].n_terms > most ? rows[i].n_terms : most;
    uint16_t *place_of = ed_arena_alloc(cl->work, cl->o.terms_dim * sizeof *place_of);
    double *idf = ed_arena_alloc(cl->work, (most + 1) * sizeof *idf);
    int there = place_of && idf;
    struct ed_table seen;
    ed_table_init(&seen);
    for (size_t i = 0; i < n && there; i++) {
        struct ed_point *p = &points[i];
        there = words_room(cl, &rows[i], p) &&
                rarities(cl, &rows[i], i + 1 - counted, i < counted, &seen, idf);
        if (!there)
            break;
        double length = hash_words(cl, &rows[i], place_of, idf, p);
        for (uint32_t k = 0; k < p->n_words; k++)
            p->value[k] = length > 0 ? stepped((double)p->value[k] / length * p->words_root) : 0;
    }
    ed_table_clear(&seen);
    return there ? EDDY_OK : eddy_fail_nomem(err, "points", n * most * 8);
}

/* And the words, on top of what there is. */
static double words_dot(const eddy_clusterer *cl, const struct ed_point *p, const float *sum,
                        double dot)
{
    const float *words = sum + cl->n_dense;
    for (uint32_t k = 0; k < p->n_words; k++)
        dot += (double)p->value[k] * (double)words[p->at[k]];
    return dot;
}

double ed_point_dot(const eddy_clusterer *cl, const struct ed_point *p, const float *sum)
{
    return words_dot(cl, p, sum, ed_dot(p->dense, sum, cl->n_dense));
}

void ed_point_dots(const eddy_clusterer *cl, const struct ed_point *p, const float *const *sums,
                   size_t n, double *ret)
{
    ed_dots(p->dense, sums, n, cl->n_dense, ret);
    for (size_t i = 0; i < n; i++)
        ret[i] = words_dot(cl, p, sums[i], ret[i]);
}

void ed_point_add(const eddy_clusterer *cl, const struct ed_point *p, float *sum)
{
    float w = (float)p->weight;
    ed_add_scaled(sum, w, p->dense, cl->n_dense);
    for (uint32_t k = 0; k < p->n_words; k++)
        sum[cl->n_dense + p->at[k]] += w * p->value[k];
}
