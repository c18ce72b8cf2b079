/* Judge: what answers to doubts say of the threshold (ALGORITHM 5.7).
 *
 * An answer is a pair of groups of documents, how alike they were when they were shown, and whether
 * somebody took them for one event, with the probability that this is wrong. All answers together
 * say where "one" begins:
 *
 *   P(yes | s) = e + (1 - 2e) sigmoid(beta (s - t))
 *
 * t is the most likely one beside a prior around what the stream itself has taught, so that few
 * answers move it little and none further than the grid. The similarity of a pair is told less what
 * its size takes, so t is what is asked of large groups. Every answer has its own e: one that is
 * hardly better than chance says hardly anything.
 *
 * The same evidence is worth a shift of the similarity of its own two sides (ed_answer_shift): in
 * their link while they are two events, and in the ring while they are halves of one. The last
 * answers are kept in that ring, as state; the fit is made anew from all of them wherever one of
 * them or what was learned changes, so that it has no history of its own.
 *
 * The prior is narrow (ALGORITHM 5.7 has 0.5 spreads), most of all below: links alone bring most of
 * what answers are worth and never do harm, while a tau that falls merges what nobody was asked
 * about. With 200 answers, a tenth of them wrong, news_uci2014 lost 0.011 by 0.5 on both sides;
 * ECB+ gains 0.008 by 0.1 below instead of 0.2, and S1 and T1, which need a higher tau, lose
 * nothing by 0.2 above. */
#include "engine/operations.h"
#include "engine/record.h"

#define T_BELOW  15 /* steps of the grid below what was learned */
#define T_STEPS  41
#define T_STEP   0.1 /* spreads */
#define T_FALL   0.1 /* of the prior of t below what was learned, in spreads ... */
#define T_RISE   0.2 /* ... and above */
#define B_STEPS  5
#define B_SPREAD 0.5 /* of the prior of ln beta */
#define T_LOW    0.5 /* tau stays between these, in spreads above the mean */
#define T_HIGH   6.0
#define FACTORS  16 /* likelihoods that are multiplied before a logarithm is taken */

int ed_answers_room(eddy_clusterer *cl)
{
    if (!cl->answers && !ed_marks_room(&cl->marks[ED_ANSWER], ANSWERS_KEPT))
        return 0;
    if (!cl->answers)
        cl->answers = ed_alloc_zero(ANSWERS_KEPT, sizeof *cl->answers);
    return cl->answers != NULL;
}

/* ---- the fit ---- */

/* Log likelihood (T_STEPS) of all answers for thresholds first + k step at one beta. */
static void likelihoods(const eddy_clusterer *cl, double beta, double first, double step,
                        double *ret)
{
    double rise[T_STEPS];
    double product[T_STEPS];
    uint32_t n = 0;
    for (uint32_t k = 0; k < T_STEPS; k++) {
        rise[k] = ed_exp(beta * step * k);
        product[k] = 1;
        ret[k] = 0;
    }
    for (uint32_t i = 0; i < ANSWERS_KEPT; i++) {
        const struct ed_answer *a = &cl->answers[i];
        if (!a->operation)
            continue;
        double fall = ed_exp(-beta * (a->similarity - first));
        for (uint32_t k = 0; k < T_STEPS; k++) {
            double p = a->error + (1 - 2 * a->error) / (1 + fall * rise[k]);
            product[k] *= a->same ? p : 1 - p;
        }
        int full = ++n % FACTORS == 0;
        for (uint32_t k = 0; full && k < T_STEPS; k++) {
            ret[k] += ed_ln(product[k]);
            product[k] = 1;
        }
    }
    for (uint32_t k = 0; k < T_STEPS; k++)
        ret[k] += ed_ln(product[k]);
}

static double clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

void ed_judge_fit(eddy_clusterer *cl)
{
    static const double steeps[B_STEPS] = {0.5, 0.7, 1, 1.4, 2};
    struct ed_threshold *th = &cl->th;
    double best = -INFINITY;
    uint32_t best_k = T_BELOW;
    th->tau = th->learned;
    th->steep = 1;
    if (!cl->answers || !(th->spread > 0))
        return;
    int fixed = !isnan(cl->o.threshold);
    double first = th->learned - T_BELOW * T_STEP * th->spread;
    for (uint32_t b = 0; b < B_STEPS; b++) {
        double likely[T_STEPS];
        double away = ed_ln(steeps[b]) / B_SPREAD;
        likelihoods(cl, steeps[b] * BETA / th->spread, first, T_STEP * th->spread, likely);
        for (uint32_t k = 0; k < T_STEPS; k++) {
            double far = ((double)k - T_BELOW) * T_STEP / (k < T_BELOW ? T_FALL : T_RISE);
            double sum = likely[k] - far * far / 2 - away * away / 2;
            if (sum > best && (!fixed || k == T_BELOW)) {
                best = sum;
                best_k = k;
                th->steep = steeps[b];
            }
        }
    }
    if (best_k == T_BELOW)
        return;
    double t = th->learned + ((double)best_k - T_BELOW) * T_STEP * th->spread;
    double low = th->mean + T_LOW * th->spread;
    double high = th->mean + T_HIGH * th->spread;
    th->tau = t < th->learned ? clamp(t, low < th->learned ? low : th->learned, th->learned)
                              : clamp(t, th->learned, high > th->learned ? high : th->learned);
}

/* Fit anew, and ask accordingly. */
static void refit(eddy_clusterer *cl)
{
    ed_judge_fit(cl);
    ed_threshold_ask(cl);
}

/* ---- the ring ---- */

double ed_answer_shift(const eddy_clusterer *cl, int same, double error)
{
    double shift = ed_ln((1 - error) / error) / ed_beta(cl);
    return same ? shift : -shift;
}

void ed_answer_keep(eddy_clusterer *cl, struct ed_answer answer)
{
    uint32_t at = (uint32_t)(cl->next_answer++ % ANSWERS_KEPT);
    cl->answers[at] = answer;
    ed_mark(cl, ED_ANSWER, at);
    refit(cl);
}

struct ed_answer *ed_answer_find(const eddy_clusterer *cl, uint64_t operation)
{
    for (uint32_t i = 0; cl->answers && i < ANSWERS_KEPT; i++)
        if (operation && cl->answers[i].operation == operation)
            return &cl->answers[i];
    return NULL;
}

void ed_answer_void(eddy_clusterer *cl, struct ed_answer *answer)
{
    memset(answer, 0, sizeof *answer);
    ed_mark(cl, ED_ANSWER, (uint32_t)(answer - cl->answers));
    refit(cl);
}

/* ---- halves of one event ---- */

static uint64_t groups_hash(const eddy_clusterer *cl, const uint32_t *groups, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ed_mix64(cl->groups[groups[i]].id);
    return sum;
}

void ed_sides_hash(const eddy_clusterer *cl, uint32_t slot, const uint32_t *groups, size_t n,
                   uint64_t ret[2])
{
    const struct ed_event_state *ev = &cl->events[slot];
    uint64_t one = groups_hash(cl, groups, n);
    uint64_t rest = groups_hash(cl, ev->groups, ev->n_groups) - one;
    ret[0] = one ? one : 1;
    ret[1] = rest ? rest : 1;
}

struct ed_side_answers ed_side_answered(const eddy_clusterer *cl, uint32_t slot,
                                        const uint64_t side[2])
{
    struct ed_side_answers ret = {{0, 0}, 0};
    for (uint32_t i = 0; cl->answers && i < ANSWERS_KEPT; i++) {
        const struct ed_answer *a = &cl->answers[(cl->next_answer + i) % ANSWERS_KEPT];
        if (!a->operation || !a->side || (a->side != side[0] && a->side != side[1]) ||
            eddy_clusterer_where(cl, a->event) != cl->events[slot].id)
            continue;
        ret.shift += a->shift;
        if (ret.answers[0])
            ret.answers[1] = a->operation;
        else
            ret.answers[0] = a->operation;
    }
    double most = COHESION * cl->th.spread; /* as for links */
    ret.shift = ret.shift < most ? ret.shift : most;
    return ret;
}

void ed_answers_merged(eddy_clusterer *cl, uint32_t into, uint32_t from)
{
    const struct ed_event_state *ev = &cl->events[from];
    const struct ed_link *link = ev->n_links && cl->events[into].n_links
                                     ? ed_link_find(cl, cl->events[into].id, ev->id)
                                     : NULL;
    for (size_t k = 0; link && k < 2; k++) {
        struct ed_answer *answer = ed_answer_find(cl, link->answers[k]);
        uint64_t side = groups_hash(cl, ev->groups, ev->n_groups);
        if (!answer)
            continue;
        answer->event = cl->events[into].id;
        answer->side = side ? side : 1;
        ed_mark(cl, ED_ANSWER, (uint32_t)(answer - cl->answers));
    }
}

/* ---- as records ---- */

ed_out ed_answer_record_put(ed_out at, const struct ed_answer *answer)
{
    const double real[] = {answer->error, answer->similarity, answer->shift};
    at = ed_put_varint(at, answer->operation);
    at = ed_put_varint(at, answer->event);
    at = ed_put_u64(at, answer->side);
    *at++ = (unsigned char)answer->same;
    return ed_put_doubles(at, real, sizeof real / sizeof *real);
}

int ed_answer_record_get(eddy_clusterer *cl, struct ed_unpack *u, uint32_t i)
{
    if (!ed_answers_room(cl))
        return 0;
    struct ed_answer *answer = &cl->answers[i];
    double real[3] = {0};
    answer->operation = ed_get_varint(u);
    answer->event = ed_get_varint(u);
    answer->side = ed_unpack_u64(u);
    answer->same = ed_unpack_u8(u);
    ed_get_doubles(u, real, 3);
    answer->error = real[0];
    answer->similarity = real[1];
    answer->shift = real[2];
    u->failed |= !answer->operation || !answer->event != !answer->side || answer->same > 1 ||
                 !(answer->error > 0 && answer->error < 0.5 && fabs(answer->similarity) < 2 &&
                   fabs(answer->shift) < 1e9);
    return 1;
}

/* Answers were given by operations that there were, and are no more than were given. */
eddy_status ed_answers_fit(const eddy_clusterer *cl, eddy_error *err)
{
    for (uint32_t i = 0; i < cl->marks[ED_ANSWER].room; i++)
        if (cl->answers[i].operation >= cl->next_operation ||
            (cl->answers[i].operation && i >= cl->next_answer))
            return ed_unfit(err, "answer", i);
    return EDDY_OK;
}
