/* Threshold: how alike two documents must be to attract each other (ALGORITHM 5.4).
 *
 * Learned from a reservoir sample of the stream itself: the spread of the similarities of its pairs
 * (nearly all of different events: the null), and how close the most isolated tenth sits to its
 * nearest neighbour. On top of it comes off(m): the mean similarity to a small group is noisy, and
 * the best of hundreds of candidates is an extreme value, so more is asked of small groups. Answers
 * to doubts move what was learned (judge.c).
 *
 * The sample's products are kept; only rows of points that are new are computed again, in whole
 * numbers, so that tau has the same bits on every machine. A stream that has come far renews it
 * slowly, and is learned from less often. */
#include "engine/operations.h"

int ed_sample_room(eddy_clusterer *cl)
{
    struct ed_sample *s = &cl->sample;
    if (!s->points)
        s->points = ed_alloc_aligned(SAMPLE_MAX * cl->stride * sizeof *s->points);
    if (!s->product)
        s->product = ed_alloc_aligned((size_t)SAMPLE_MAX * SAMPLE_MAX * sizeof *s->product);
    if (!s->steps)
        s->steps = ed_alloc_aligned(SAMPLE_MAX * cl->stride * sizeof *s->steps);
    return s->points && s->product && s->steps;
}

eddy_status ed_threshold_sample(eddy_clusterer *cl, const struct ed_point *p, eddy_error *err)
{
    struct ed_sample *s = &cl->sample;
    uint64_t i = cl->position - 1;
    uint64_t at = i;
    if (i >= SAMPLE_MAX) {
        uint64_t span = i < SAMPLE_SPAN ? i : SAMPLE_SPAN;
        at = ed_mix64(i) % (span + 1);
    }
    if (at >= SAMPLE_MAX)
        return EDDY_OK;
    if (!ed_sample_room(cl))
        return eddy_fail_nomem(err, "calibration sample", SAMPLE_MAX * cl->stride * 4);
    float *row = s->points + at * cl->stride;
    memset(row, 0, cl->stride * sizeof *row);
    memcpy(row, p->dense, cl->n_dense * sizeof *row);
    for (uint32_t k = 0; k < p->n_words; k++)
        row[cl->n_dense + p->at[k]] = p->value[k];
    s->stale[at] = 1;
    ed_mark(cl, ED_SAMPLE, (uint32_t)at);
    if (at >= s->n)
        s->n = (uint32_t)at + 1;
    return EDDY_OK;
}

static void steps_of(eddy_clusterer *cl, uint32_t i)
{
    const float *point = cl->sample.points + i * cl->stride;
    int16_t *steps = cl->sample.steps + i * cl->stride;
    for (size_t d = 0; d < cl->stride; d++)
        steps[d] = (int16_t)(point[d] * (float)(1 / POINT_STEP));
}

/* Each point with all that are new at once, so that the sample is read once, not for each of them.
 * Of whole steps the sum is exact in any order. */
static void products_refresh(eddy_clusterer *cl)
{
    struct ed_sample *s = &cl->sample;
    uint32_t stale[SAMPLE_MAX];
    size_t n = 0;
    for (uint32_t i = 0; i < s->n; i++)
        if (s->stale[i]) {
            steps_of(cl, i);
            stale[n++] = i;
        }
    size_t turn = 0;
    for (uint32_t j = 0; j < s->n; j++) {
        const int16_t *steps = s->steps + j * cl->stride;
        size_t from = s->stale[j] ? turn++ : 0; /* of two new ones the first did it */
        for (size_t k = from; k < n; k++) {
            int32_t dot = ed_dot_short(steps, s->steps + stale[k] * cl->stride, cl->stride);
            s->product[stale[k] * SAMPLE_MAX + j] = s->product[j * SAMPLE_MAX + stale[k]] =
                (float)(dot * (POINT_STEP * POINT_STEP));
        }
    }
    memset(s->stale, 0, sizeof s->stale);
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a;
    float y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The 10 % quantile, linearly interpolated, of each sampled point's nearest similarity. */
static double nearest_tenth(const struct ed_sample *s)
{
    float nearest[SAMPLE_MAX];
    for (uint32_t i = 0; i < s->n; i++) {
        const float *row = s->product + i * SAMPLE_MAX;
        float left = ed_most(row, i), right = ed_most(row + i + 1, s->n - i - 1);
        nearest[i] = left > right ? left : right;
        nearest[i] = nearest[i] > -1 ? nearest[i] : -1;
    }
    qsort(nearest, s->n, sizeof *nearest, by_value);
    double at = 0.1 * (s->n - 1);
    uint32_t low = (uint32_t)at;
    uint32_t high = low + 1 < s->n ? low + 1 : low;
    return (double)nearest[low] + (at - low) * ((double)nearest[high] - (double)nearest[low]);
}

static double clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

/* Moments of all pairs i < j. */
static void pair_moments(const struct ed_sample *s, double *mean, double *spread, double *skew)
{
    double n = (double)s->n * (s->n - 1) / 2;
    double sum = 0;
    double second = 0;
    double third = 0;
    for (size_t i = 0; i < s->n; i++)
        sum += ed_sum(s->product + i * SAMPLE_MAX + i + 1, s->n - i - 1);
    *mean = sum / n;
    for (size_t i = 0; i < s->n; i++)
        ed_moments_add(s->product + i * SAMPLE_MAX + i + 1, s->n - i - 1, *mean, &second, &third);
    *spread = sqrt(second / n);
    *skew = *spread > 0 ? third / n / (*spread * *spread * *spread) : 0;
}

/* Share of the mass in events lighter than SIZE_SMALL documents; 1 while there are none. */
static double small_share(const eddy_clusterer *cl)
{
    double small = 0;
    double all = 0;
    for (uint32_t e = 0; e < cl->slots.n; e++) {
        const struct ed_event_state *ev = &cl->events[e];
        if (!ev->id)
            continue;
        all += ev->weight;
        if (ev->weight < SIZE_SMALL * cl->weight_now)
            small += ev->weight;
    }
    return all > 0 ? small / all : 1;
}

static void learn(eddy_clusterer *cl)
{
    struct ed_sample *s = &cl->sample;
    struct ed_threshold *th = &cl->th;
    products_refresh(cl);
    double mean, sd, skew;
    pair_moments(s, &mean, &sd, &skew);
    double k = s->n;
    double nn10 = nearest_tenth(s) + G_NEAREST * sd * ed_log2(SAMPLE_MAX / k);
    double null = mean + KAPPA * sd;
    double near = clamp(nn10 - C_NEAREST * sd, mean + CLAMP_LOW * sd, mean + CLAMP_HIGH * sd);
    if (near < null) { /* a lower tau only for broad streams */
        double broad = clamp((SKEW_HIGH - skew) / (SKEW_HIGH - SKEW_LOW), 0, 1);
        near = broad * near + (1 - broad) * null;
    }
    double ramp = k < RAMP ? k / RAMP : 1;
    double w = k / (k + TAU_PRIOR_N);
    double tau = w * (ramp * near + (1 - ramp) * null) + (1 - w) * TAU_PRIOR;

    double slack = tau > null ? tau - null : 0; /* asked already: never counted twice */
    th->delta = SIZE_STEP * (sd < SPREAD_MAX ? sd : SPREAD_MAX);
    th->full = th->delta > 0 ? SIZE_FULL * ed_exp2(-slack / th->delta) : 0;
    th->mean = mean;
    th->spread = sd;
    th->learned = isnan(cl->o.threshold) ? tau + cl->o.granularity * sd : cl->o.threshold;
    ed_judge_fit(cl);
}

/* Of a long stream so many documents renew a sixteenth of the sample at most, and ever less. */
#define SETTLED     16384
#define LEARN_EVERY 1024

void ed_threshold_begin(eddy_clusterer *cl, uint64_t stretch)
{
    if (cl->sample.n >= 8 && (cl->position < SETTLED || cl->position % LEARN_EVERY < stretch))
        learn(cl);
    cl->th.phi = small_share(cl);
    ed_threshold_ask(cl);
}

void ed_threshold_ask(eddy_clusterer *cl)
{
    for (uint32_t e = 0; e < cl->slots.n; e++)
        if (cl->events[e].id)
            ed_event_ask(cl, e);
}

double ed_threshold_off_at(const eddy_clusterer *cl, double m, double now)
{
    double n = m / now;
    if (!(cl->th.delta > 0) || n >= cl->th.full)
        return 0;
    return cl->th.delta * ed_log2(cl->th.full / n);
}
