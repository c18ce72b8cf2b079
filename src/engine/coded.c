/* Coded: the sums of events and groups as bytes, and the scans that propose by them.
 *
 * Beside each sum stands its code (base/codes.h), made anew by whoever changes the sum. Products of
 * codes cost a fraction of those of floats, in time and in memory that is read, and say within a
 * bound what the sums' product is. So whoever looks for the best of all events scans the codes for
 * the highest that each run of eight may have, looks into runs by falling promise, and computes
 * by the fixed-order dot whatever could be among the best, until nothing can any more: arrival's
 * answer is that of computing all; lists of neighbours are content with what is likely. Codes are
 * no state: they are a function of the sums. */
#include "engine/state.h"

#define CHUNK 64 /* runs */
#define TAKEN (-1e30F)

/* ---- upkeep ---- */

int ed_codes_room(const eddy_clusterer *cl, struct ed_codes *codes, size_t old, size_t room,
                  int fine)
{
    size_t n_old = old ? (old + ED_LEFT_SLACK) * cl->shape.bytes : 0;
    size_t n = (room + ED_LEFT_SLACK) * cl->shape.bytes;
    uint8_t *bytes = ed_grow(codes->bytes, n_old, n);
    if (!bytes)
        return 0;
    codes->bytes = bytes;
    if (fine) {
        bytes = ed_grow(codes->fine, n_old, n);
        if (!bytes)
            return 0;
        codes->fine = bytes;
    }
    struct ed_code *code = ed_grow(codes->code, old * sizeof *code, room * sizeof *code);
    if (!code)
        return 0;
    codes->code = code;
    return 1;
}

void ed_codes_free(struct ed_codes *codes)
{
    ed_grown_free(codes->bytes);
    ed_grown_free(codes->fine);
    ed_grown_free(codes->code);
}

void ed_event_code(eddy_clusterer *cl, uint32_t slot)
{
    size_t at = slot * cl->shape.bytes;
    const struct ed_codes *c = &cl->event_codes;
    ed_code_of(&cl->shape, ed_event_sum(cl, slot), c->bytes + at, c->fine + at, &c->code[slot]);
}

void ed_group_code(eddy_clusterer *cl, uint32_t group)
{
    size_t at = group * cl->shape.bytes;
    const struct ed_codes *c = &cl->group_codes;
    ed_code_of(&cl->shape, ed_group_sum(cl, group), c->bytes + at, NULL, &c->code[group]);
}

int ed_point_code(eddy_clusterer *cl, struct ed_point *p)
{
    uint8_t *bytes = ed_arena_alloc_aligned(cl->work, 2 * cl->shape.bytes);
    float *words = ed_arena_alloc_zero(cl->work, cl->o.terms_dim + 1, sizeof *words);
    if (!bytes || !words)
        return 0;
    uint8_t *fine = bytes + cl->shape.bytes;
    for (uint32_t k = 0; k < p->n_words; k++)
        words[p->at[k]] = p->value[k];
    ed_code_part(&cl->shape, 0, p->dense, bytes, fine, &p->code);
    ed_code_part(&cl->shape, 1, words, bytes, fine, &p->code);
    p->bytes = bytes;
    p->fine = fine;
    return 1;
}

/* ---- a few ---- */

void ed_dots_within(const eddy_clusterer *cl, struct ed_coded a, const struct ed_codes *of,
                    const uint32_t *numbers, size_t n, float *ret, float *ret_error)
{
    struct ed_coded rows[ED_RUN_ROWS];
    for (size_t from = 0; from < n; from += ED_RUN_ROWS) {
        size_t m = n - from < ED_RUN_ROWS ? n - from : ED_RUN_ROWS;
        for (size_t i = 0; i < m; i++)
            rows[i] = ed_coded(&cl->shape, of, numbers[from + i]);
        ed_codes_dots(&cl->shape, a, rows, m, ret + from, ret_error + from);
    }
}

void ed_dots_within_many(const eddy_clusterer *cl, const struct ed_codes *a,
                         const uint32_t *numbers_a, size_t n_a, const struct ed_codes *of,
                         const uint32_t *numbers, size_t n, float *ret, float *ret_error)
{
    struct ed_coded left[ED_RUN_ROWS], rows[ED_RUN_ROWS];
    for (size_t i = 0; i < n_a; i++)
        left[i] = ed_coded(&cl->shape, a, numbers_a[i]);
    for (size_t i = 0; i < n; i++)
        rows[i] = ed_coded(&cl->shape, of, numbers[i]);
    ed_codes_dots_many(&cl->shape, left, n_a, rows, n, ret, ret_error);
}

void ed_dots_within_fine(const eddy_clusterer *cl, struct ed_coded a, const struct ed_codes *of,
                         const uint32_t *numbers, size_t n, double *ret, double *ret_error)
{
    struct ed_coded rows[ED_RUN_ROWS];
    for (size_t from = 0; from < n; from += ED_RUN_ROWS) {
        size_t m = n - from < ED_RUN_ROWS ? n - from : ED_RUN_ROWS;
        for (size_t i = 0; i < m; i++)
            rows[i] = ed_coded(&cl->shape, of, numbers[from + i]);
        ed_codes_dots_fine(&cl->shape, a, rows, m, ret + from, ret_error + from);
    }
}

/* ---- all ---- */

/* Every event's row as arrival asks, what a point gains there, or a list: its similarity. A list is
 * content with what is likely: who is missed by it would have been among its last. */
static void rows_make(const eddy_clusterer *cl, const struct ed_code *most, int lists,
                      struct ed_scan_rows *rows)
{
    rows->bytes = cl->event_codes.bytes;
    for (size_t e = 0; e < rows->n; e++) {
        const struct ed_code *c = &cl->event_codes.code[e];
        int live = cl->slots.used[e / 64] >> e % 64 & 1;
        float power = lists ? 1 : cl->power[e];
        float factor = live ? cl->inverse[e] * power : 0;
        float more = ed_scan_error(&cl->shape, c, most, lists) * factor + ED_ROUNDING * power;
        for (int part = 0; part < 2; part++) {
            rows->scale[part][e] = c->step[part] * factor;
            rows->low[part][e] = -128 * rows->scale[part][e];
        }
        rows->rest[e] = !live ? TAKEN : lists ? more : more - cl->asked[e] * power;
    }
}

int ed_scan_begin(eddy_clusterer *cl, const struct ed_coded *points, const float *factor, size_t m,
                  int lists, struct ed_scan *ret)
{
    size_t n = ((size_t)cl->slots.n + ED_RUN_ROWS - 1) / ED_RUN_ROWS * ED_RUN_ROWS;
    ret->rows = (struct ed_scan_rows){.n = n};
    ret->room = ed_arena_alloc_aligned(cl->work, ed_scan_bytes(m));
    void *packed = ed_arena_alloc_aligned(cl->work, ed_scan_points_bytes(&cl->shape, m));
    float *lines = ed_arena_alloc_aligned(cl->work, (5 * n + 1) * sizeof(float));
    if (!ret->room || !packed || !lines)
        return 0;
    struct ed_scan_rows *rows = &ret->rows;
    float **line[] = {&rows->scale[0], &rows->scale[1], &rows->low[0], &rows->low[1], &rows->rest};
    for (size_t i = 0; i < 5; i++)
        *line[i] = lines + i * n;
    ed_scan_points_pack(&cl->shape, points, factor, m, packed, &ret->points);
    rows_make(cl, &ret->points.most, lists, rows);
    return 1;
}

/* ---- for arrival ---- */

/* A view's highest, point by point. */
static void peaks_keep(void *context, const struct ed_scan_view *view)
{
    const struct ed_peaks *peaks = context;
    size_t from = view->from / ED_PEAK_ROWS, runs = view->n / ED_PEAK_ROWS;
    for (size_t i = 0; i < peaks->m; i++)
        for (size_t r = 0; r < runs; r++)
            peaks->high[i * peaks->stride + from + r] = view->high[r * view->columns + i];
}

int ed_peaks_of(eddy_clusterer *cl, const struct ed_coded *points, size_t m, struct ed_peaks *ret)
{
    struct ed_scan scan;
    if (!ed_scan_begin(cl, points, NULL, m, 0, &scan))
        return 0;
    ret->m = m;
    ret->n_runs = scan.rows.n / ED_PEAK_ROWS;
    ret->stride = (ret->n_runs + CHUNK - 1) / CHUNK * CHUNK;
    ret->high = ed_arena_alloc_aligned(cl->work, (m * ret->stride + 1) * sizeof(float));
    ret->chunk_high = ed_arena_alloc(cl->work, (ret->stride / CHUNK + 1) * sizeof(float));
    if (!ret->high || !ret->chunk_high)
        return 0;
    ed_scan(cl->kernels, &cl->shape, &scan.rows, &scan.points, 0, scan.room, peaks_keep, ret);
    return 1;
}

void ed_peaks_begin(struct ed_peaks *peaks, size_t i)
{
    peaks->own = peaks->high + i * peaks->stride;
    for (size_t from = 0; from < peaks->n_runs; from += CHUNK) {
        size_t n = peaks->n_runs - from < CHUNK ? peaks->n_runs - from : CHUNK;
        peaks->chunk_high[from / CHUNK] = ed_most(peaks->own + from, n);
    }
}

uint32_t ed_peaks_take(struct ed_peaks *peaks, float least)
{
    size_t top = 0;
    for (size_t c = 1; c * CHUNK < peaks->n_runs; c++)
        if (peaks->chunk_high[c] > peaks->chunk_high[top])
            top = c;
    if (!peaks->n_runs || !(peaks->chunk_high[top] >= least))
        return NONE;
    float *high = peaks->own + top * CHUNK;
    size_t n = peaks->n_runs - top * CHUNK < CHUNK ? peaks->n_runs - top * CHUNK : CHUNK;
    size_t at = 0;
    while (high[at] < peaks->chunk_high[top])
        at++;
    high[at] = TAKEN;
    peaks->chunk_high[top] = ed_most(high, n);
    return (uint32_t)(top * CHUNK + at);
}

size_t ed_run_live(const eddy_clusterer *cl, uint32_t run, uint32_t *ret)
{
    uint32_t first = run * ED_PEAK_ROWS;
    uint64_t used = cl->slots.used[first / 64] >> first % 64 & ((UINT64_C(1) << ED_PEAK_ROWS) - 1);
    size_t n = 0;
    for (; used; used &= used - 1)
        ret[n++] = first + (uint32_t)__builtin_ctzll(used);
    return n;
}
