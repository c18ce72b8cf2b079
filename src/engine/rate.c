/* Rate: the e-detector of LOGS 5.1, with empty buckets in closed form.
 *
 * Under the null the counts of a bucket are negative binomial, their mean at most NULL_LIFT times
 * the larger of the two baselines. (LOGS has 1.5 there, and with it misses what it need not: the
 * null is as far from a burst of three times the mean as from the mean. What it stood in for was a
 * dispersion that is not known well; see below.) For each lift r
 *
 *   M <- L (M + 1),  L = NB(n; mean r m0) / NB(n; mean m0),  both with variance v * mean
 *
 * and the mean S of the four M less the number of buckets is a supermartingale, so that it takes at
 * least c buckets on average until S reaches c by chance (Shiryaev-Roberts; e-detectors of Shin,
 * Ramdas and Rinaldo). Whatever baseline is fixed before a bucket's count is known will do: so a
 * run of empty buckets is held against the baseline of its first one, which gives a closed form.
 *
 * The lower side is the same with r = 0: L is 0 where anything came, and 1 / NB(0; m0) where
 * nothing did, so M is a function of how long the silence is, and the bucket in which it reaches c
 * is known when it begins. Nights are silent, too: a silence is only told when it is twice as long
 * as any before.
 *
 * What goes on and off is one burst soon: each that follows another closely takes twice as long to
 * be over, until it has lasted long enough to be usual.
 *
 * The dispersion is a mean of (n - m)^2 / m, m the fast mean, so that a day and a night are not
 * taken for noise. The variance of that term is about 2 + 1/m in units of the squared dispersion:
 * so much less does a bucket of a rare thing say, and m / (1 + 2 m) is its weight. As a mean of so
 * many buckets, as LOGS has it, the dispersion of a thing with one document an hour is what the
 * last eight documents made it, and each clump that follows a few lone ones is a burst. What is
 * used is above the estimate, by the more the less it rests on: as with the mean.
 *
 * Where a burst began is where its log-likelihood (at the second lift) was lowest last, as in a
 * cumulative sum. Walking back over counts above the mean, as LOGS has it, stops at the first empty
 * bucket: of an event with three documents an hour that is any minute. */
#include "engine/rate.h"

#include "base/number.h"

#include <string.h>

#define SLOW_HALF      1440.0             /* buckets */
#define SLOW_KEPT      0.9995187636226662 /* of a count in each: 2^(-1 / SLOW_HALF) */
#define FAST_HALF      60.0
#define FAST_KEPT      0.9885140203528962
#define NULL_LIFT      1.2  /* what is below is no burst, and the end of one */
#define USUAL_LIFT     1.5  /* within this of a mean is no silence and no other level */
#define DISPERSION     1.5  /* to begin with, and always as if seen with this weight: */
#define DISPERSION_N   15.0 /* of 30 buckets in which much came */
#define DISPERSION_MIN 1.05
#define DISPERSION_FAR 100.0 /* what one bucket may say of it at most, of a mean of 1 or more */
#define DISPERSION_Z   0.5   /* standard errors by which what is used is above the estimate */
#define LN_LIFT_MAX    50.0
#define EVIDENCE_MAX   1e15
#define ONSET          1   /* the lift whose log-likelihood dates the start */
#define BURST_LEAST    2.0 /* documents in the bucket that tells */
#define CALM           3 /* buckets without more than usual that end it; after each repeat twice */
#define REPEATS_MAX    5
#define HOLD           3.0 /* drift above which the fast mean and the dispersion wait */
#define BURST_LEARNS   60
#define BURST_MAX      360
#define QUIET_LEARNS   1440 /* told silence beyond this is usual */
#define QUIET_LATEST   (30 * 1440)
#define SILENCE_MAX    0x7fffffff
#define COUNT_MOST     0x1p40 /* in a bucket */
/* History that is asked, as buckets that fade slowly: of 2 hours, 1 day, 2 days. */
#define HISTORY_BURST 116.6
#define HISTORY_QUIET 1039.0
#define HISTORY_TREND 1558.0

static const double lifts[ED_LIFTS] = {1.5, 2.5, 5, 12};

void ed_rate_begin(struct ed_rate *r, int64_t bucket)
{
    *r = (struct ed_rate){.bucket = bucket, .dispersion = (float)DISPERSION, .ended = INT64_MIN};
}

/* ---- the null ---- */

struct null {
    double slow, fast;      /* means */
    double mean;            /* the larger */
    double uncertain;       /* 1 + what is not known of it */
    double ratio;           /* variance over mean, that uncertainty included */
    double size, log_ratio; /* of the null NB: m0 / (ratio - 1); ln ratio */
};

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

/* The dispersion that counts are held against. */
static double dispersion_of(const struct ed_rate *r)
{
    double n = (double)r->informed + DISPERSION_N;
    return larger(DISPERSION_MIN, (double)r->dispersion * (1 + DISPERSION_Z / sqrt(n)));
}

static struct null null_of(const struct ed_rate *r)
{
    struct null n;
    n.slow = ((double)r->slow + 0.5) / ((double)r->slow_n + 1);
    n.fast = ((double)r->fast + 0.5) / ((double)r->fast_n + 1);
    n.mean = larger(n.slow, n.fast);
    n.uncertain = 1 + n.mean / ((double)(n.slow >= n.fast ? r->slow : r->fast) + 0.5);
    n.ratio = dispersion_of(r) * n.uncertain;
    n.size = NULL_LIFT * n.mean / (n.ratio - 1);
    n.log_ratio = ed_ln(n.ratio);
    return n;
}

double ed_rate_usual(const struct ed_rate *r)
{
    return r->signal == EDDY_SIGNAL_BURST ? (double)r->usual : null_of(r).mean;
}

/* ln of NB(n; lift m0) / NB(n; m0). Gamma functions of whole distances are products. */
static double log_likelihood(const struct null *null, double n, double lift)
{
    double high = null->size * lift;
    double sum = -(high - null->size) * null->log_ratio;
    if (n <= 24) {
        double product = 1;
        for (double i = 0; i < n; i++)
            product *= (high + i) / (null->size + i);
        sum += ed_ln(product);
    } else {
        sum += ed_lgamma(n + high) - ed_lgamma(high) - ed_lgamma(n + null->size) +
               ed_lgamma(null->size);
    }
    return smaller(sum, LN_LIFT_MAX);
}

static int has_history(const struct ed_rate *r, double asked)
{
    return (double)r->slow_n >= asked;
}

static double evidence_of(const struct ed_rate *r)
{
    double sum = 0;
    for (int k = 0; k < ED_LIFTS; k++)
        sum += (double)r->evidence[k];
    return sum / ED_LIFTS;
}

/* ---- learning ---- */

static void learn_slow(struct ed_rate *r, double n)
{
    r->slow = (float)(SLOW_KEPT * (double)r->slow + n);
    r->slow_n = (float)(SLOW_KEPT * (double)r->slow_n + 1);
}

static void learn_fast(struct ed_rate *r, double n)
{
    r->fast = (float)(FAST_KEPT * (double)r->fast + n);
    r->fast_n = (float)(FAST_KEPT * (double)r->fast_n + 1);
}

/* Squares of weight w that came to `squares`, together, and what was known before fades by `kept`:
 * but for the prior, which stays. */
static void learn_dispersion(struct ed_rate *r, double kept, double squares, double w)
{
    double n = (double)r->informed * kept + w;
    double sum = ((double)r->dispersion - DISPERSION) * ((double)r->informed + DISPERSION_N);
    sum = (sum + DISPERSION * (double)r->informed) * kept + squares;
    r->dispersion = (float)((sum + DISPERSION * DISPERSION_N) / (n + DISPERSION_N));
    r->informed = (float)n;
}

static void learn(struct ed_rate *r, const struct null *null, double n)
{
    double far =
        smaller((n - null->fast) * (n - null->fast), DISPERSION_FAR * larger(null->fast, 1));
    n = smaller(n, null->mean + 3 * sqrt(null->mean * null->ratio) + 1);
    learn_slow(r, n);
    if ((double)r->drift > HOLD)
        return; /* what may be the beginning of a slow burst is not what it is held against */
    double weighed = 1 + 2 * null->fast;
    learn_dispersion(r, SLOW_KEPT, far / weighed, null->fast / weighed);
    learn_fast(r, n);
}

double ed_rate_fade(int64_t buckets)
{
    return ed_exp2(-(double)buckets / FAST_HALF);
}

/* Empty buckets; n goes to `whole` in the end. */
static void fade(float *count, float *n, double by, double whole)
{
    *count = (float)((double)*count * by);
    *n = (float)((double)*n * by + whole * (1 - by));
}

/* So many empty buckets, of one that is in no burst. */
static void rest(struct ed_rate *r, int64_t buckets)
{
    double k = (double)buckets;
    struct null null = null_of(r);
    for (int i = 0; i < ED_LIFTS && has_history(r, HISTORY_BURST); i++) {
        double one = -(lifts[i] - 1) * null.size * null.log_ratio; /* ln L of an empty bucket */
        double all = ed_exp(one * k);
        double l = ed_exp(one);
        double m = (double)r->evidence[i];
        m = l < 1 ? all * m + l * (1 - all) / (1 - l) : m + k;
        r->evidence[i] = (float)smaller(m, EVIDENCE_MAX);
    }
    double low = (double)r->drift - (lifts[ONSET] - 1) * null.size * null.log_ratio * k;
    r->drift = (float)larger(low, 0);
    r->since = r->drift > 0 && buckets < SILENCE_MAX - r->since ? r->since + (uint32_t)buckets : 0;
    r->came = r->since ? r->came : 0;
    /* What is empty speaks of the dispersion as long as it is held against what is known of it. */
    double speak = smaller(k, FAST_HALF);
    double weight = null.fast / (1 + 2 * null.fast);
    double square = smaller(null.fast, DISPERSION_FAR) * weight;
    learn_dispersion(r, ed_exp2(-speak / SLOW_HALF), square * speak, weight * speak);
    fade(&r->slow, &r->slow_n, ed_exp2(-k / SLOW_HALF), 1 / (1 - SLOW_KEPT));
    fade(&r->fast, &r->fast_n, ed_exp2(-k / FAST_HALF), 1 / (1 - FAST_KEPT));
    r->bucket += buckets;
}

/* ---- telling ---- */

static void tell(struct ed_tells *tells, eddy_change_kind kind, int64_t start, double observed,
                 double expected, double statistic)
{
    tells->at[tells->n++] = (struct ed_tell){kind, start, observed, expected, statistic};
}

/* ---- bursts ---- */

static void burst_over(struct ed_rate *r, struct ed_tells *tells)
{
    tell(tells, EDDY_BURST_ENDED, r->bucket - r->since, r->came, (double)r->usual * r->since, 0);
    r->signal = EDDY_SIGNAL_NONE;
    r->ended = r->bucket;
    memset(r->evidence, 0, sizeof r->evidence);
    r->drift = r->usual = 0;
    r->came = 0;
    r->since = r->age = r->calm = 0;
}

/* A bucket of a burst. What is usual is not learned from it, until it is too long to be one. */
static void burst_go_on(struct ed_rate *r, double n, struct ed_tells *tells)
{
    struct null null = null_of(r);
    double high = NULL_LIFT * null.mean + sqrt(null.mean * null.ratio);
    r->calm = n <= high ? r->calm + 1 : 0;
    r->age++;
    r->since++;
    r->came += n;
    r->bucket++;
    if (r->age > BURST_LEARNS)
        learn_fast(r, n);
    if (r->calm >= (uint32_t)CALM << r->repeats || r->age >= BURST_MAX)
        burst_over(r, tells);
}

/* One bucket for the detectors. */
static void detect(struct ed_rate *r, const struct null *null, double n)
{
    for (int k = 0; k < ED_LIFTS; k++) {
        double ln = log_likelihood(null, n, lifts[k]);
        double m = ed_exp(ln) * ((double)r->evidence[k] + 1);
        r->evidence[k] = (float)smaller(m, EVIDENCE_MAX);
        if (k == ONSET)
            r->drift = (float)larger((double)r->drift + ln, 0);
    }
    r->since = r->drift > 0 ? r->since + (r->since < SILENCE_MAX) : 0;
    r->came = r->drift > 0 ? r->came + n : 0;
}

/* Does it begin? */
static int burst_begin(struct ed_rate *r, const struct null *null, double n, double c,
                       struct ed_tells *tells)
{
    double s = evidence_of(r);
    if (!(s >= c) || n < BURST_LEAST)
        return 0;
    if (!r->since) { /* all of it in this bucket, and less than the second lift */
        r->since = 1;
        r->came = n;
    }
    r->signal = EDDY_SIGNAL_BURST;
    r->usual = (float)null->mean;
    r->age = r->calm = 0;
    int again = r->ended != INT64_MIN && r->bucket - r->ended <= BURST_MAX;
    r->repeats = !again ? 0 : r->repeats < REPEATS_MAX ? r->repeats + 1 : REPEATS_MAX;
    tell(tells, EDDY_BURST, r->bucket + 1 - r->since, r->came, (double)r->usual * r->since, s);
    return 1;
}

/* ---- silences ---- */

/* ln L of an empty bucket on the lower side: held against the smaller mean. */
static double silent_of(const struct null *null)
{
    double mean = smaller(null->slow, null->fast) / USUAL_LIFT;
    return mean * null->log_ratio / (null->ratio - 1);
}

/* How long a silence must be that begins now. One that is fading away already is not steady, and
 * its silence no news. */
static void quiet_plan(struct ed_rate *r, double c)
{
    r->patience = 0;
    if (!has_history(r, HISTORY_QUIET) || !(c < EVIDENCE_MAX))
        return;
    struct null null = null_of(r);
    if (null.fast < null.slow / 2)
        return;
    double l = silent_of(&null);
    double k = ceil(ed_ln(1 + c * (1 - ed_exp(-l))) / l);
    k = larger(k, 2.0 * r->silence + 1);
    if (k <= QUIET_LATEST)
        r->patience = (uint32_t)k;
}

void ed_rate_quiet(struct ed_rate *r, int64_t bucket, struct ed_tells *tells)
{
    struct null null = null_of(r);
    double k = (double)(bucket - r->bucket);
    double l = silent_of(&null);
    double m = (ed_exp(smaller(l * k, LN_LIFT_MAX)) - 1) / (1 - ed_exp(-l));
    tell(tells, EDDY_QUIET, r->bucket, 0, null.slow * k, smaller(m, EVIDENCE_MAX));
    r->signal = EDDY_SIGNAL_QUIET;
    r->patience = 0;
}

/* Something came, in this bucket. What was told is not learned, up to a day of it. */
static void quiet_over(struct ed_rate *r, int64_t bucket, struct ed_tells *tells)
{
    int64_t buckets = bucket - r->bucket;
    struct null null = null_of(r);
    tell(tells, EDDY_QUIET_ENDED, r->bucket, 0, null.slow * (double)buckets, 0);
    r->signal = EDDY_SIGNAL_NONE;
    if (buckets > QUIET_LEARNS)
        rest(r, buckets - QUIET_LEARNS);
    r->bucket = bucket;
}

/* ---- trends ---- */

/* The slow mean against what it was when last told: another level begins at USUAL_LIFT, either way,
 * and where chance does not explain it. The level told is the one that the next is held against:
 * that is the hysteresis. */
static void trend(struct ed_rate *r, double c, struct ed_tells *tells)
{
    static const double looks = 4154; /* variance of a bucket over that of the slow mean */
    if (!has_history(r, HISTORY_TREND) || !(c < EVIDENCE_MAX))
        return;
    double mean = ((double)r->slow + 0.5) / ((double)r->slow_n + 1);
    double level = (double)r->level;
    if (level > 0) {
        double ratio = dispersion_of(r);
        double apart = (mean - level) * (mean - level);
        if ((mean < USUAL_LIFT * level && level < USUAL_LIFT * mean) ||
            apart < 2 * ed_ln(larger(c, 2)) * ratio * (mean + level) / looks)
            return;
        tell(tells, EDDY_TREND, r->level_at, 60 * mean, 60 * level, 0);
    }
    r->level = (float)mean;
    r->level_at = r->bucket;
}

/* ---- the buckets ---- */

/* Empty ones up to this, which are no silence that is told. */
static void empty(struct ed_rate *r, int64_t bucket, struct ed_tells *tells)
{
    int64_t all = bucket - r->bucket;
    while (r->signal == EDDY_SIGNAL_BURST && r->bucket < bucket)
        burst_go_on(r, 0, tells);
    if (r->bucket < bucket)
        rest(r, bucket - r->bucket);
    all = all < SILENCE_MAX ? all : SILENCE_MAX;
    r->silence = all > r->silence ? (uint32_t)all : r->silence;
}

void ed_rate_close(struct ed_rate *r, int64_t bucket, double n, double c, struct ed_tells *tells)
{
    n = smaller(n, COUNT_MOST);
    if (r->signal == EDDY_SIGNAL_QUIET)
        quiet_over(r, bucket, tells);
    else
        empty(r, bucket, tells);
    if (r->signal == EDDY_SIGNAL_BURST) {
        burst_go_on(r, n, tells);
        return;
    }
    struct null null = null_of(r);
    int begins = 0;
    if (has_history(r, HISTORY_BURST)) {
        detect(r, &null, n);
        begins = burst_begin(r, &null, n, c, tells);
    }
    if (!begins)
        learn(r, &null, n);
    r->bucket = bucket + 1;
    if (!begins)
        trend(r, c, tells);
    if (begins)
        r->patience = 0;
    else
        quiet_plan(r, c);
}

void ed_rate_pass(struct ed_rate *r, int64_t bucket, struct ed_tells *tells)
{
    while (r->signal == EDDY_SIGNAL_BURST && r->bucket < bucket)
        burst_go_on(r, 0, tells);
}

/* ---- parts ---- */

void ed_rate_settle(struct ed_rate *r, int64_t bucket)
{
    if (r->signal == EDDY_SIGNAL_QUIET)
        return;
    struct ed_tells none = {.n = 0};
    if (r->bucket < bucket)
        empty(r, bucket, &none);
    r->patience = 0;
}

void ed_rate_part(struct ed_rate *r, double share, double lately, struct ed_rate *ret)
{
    struct ed_rate out = *r;
    ed_rate_begin(ret, r->bucket);
    ret->slow = (float)((double)out.slow * share);
    ret->fast = (float)((double)out.fast * lately);
    ret->level = (float)((double)out.level * share);
    ret->slow_n = out.slow_n;
    ret->fast_n = out.fast_n;
    ret->dispersion = out.dispersion;
    ret->informed = out.informed;
    ret->silence = out.silence;
    ret->level_at = out.level_at;
    r->slow = (float)((double)out.slow * (1 - share));
    r->fast = (float)((double)out.fast * (1 - lately));
    r->level = (float)((double)out.level * (1 - share));
}

/* Of what joins, the level that it would have had in the common history. */
static float level_joined(const struct ed_rate *r, const struct ed_rate *other)
{
    float n = r->slow_n > other->slow_n ? r->slow_n : other->slow_n;
    if (!(r->slow_n > 0))
        return other->level;
    if (!(r->level > 0) || !(other->slow_n > 0))
        return r->level;
    return r->level + (other->level > 0 ? other->level : other->slow / n);
}

/* Both are silent only when each is; of what has no history nothing is known. */
static uint32_t silence_joined(const struct ed_rate *r, const struct ed_rate *other)
{
    if (!(r->slow_n > 0) || !(other->slow_n > 0))
        return r->slow_n > 0 ? r->silence : other->silence;
    return r->silence < other->silence ? r->silence : other->silence;
}

void ed_rate_join(struct ed_rate *r, const struct ed_rate *other)
{
    double mine = r->slow_n > 0 ? (double)r->slow + 0.5 : 0;
    double theirs = other->slow_n > 0 ? (double)other->slow + 0.5 : 0;
    if (mine + theirs > 0)
        r->dispersion =
            (float)(((double)r->dispersion * mine + (double)other->dispersion * theirs) /
                    (mine + theirs));
    r->informed = r->informed > other->informed ? r->informed : other->informed;
    r->level = level_joined(r, other);
    r->level_at = other->level_at > r->level_at ? other->level_at : r->level_at;
    r->silence = silence_joined(r, other);
    r->slow += other->slow;
    r->fast += other->fast;
    r->slow_n = r->slow_n > other->slow_n ? r->slow_n : other->slow_n;
    r->fast_n = r->fast_n > other->fast_n ? r->fast_n : other->fast_n;
    if (r->signal == EDDY_SIGNAL_NONE && other->signal == EDDY_SIGNAL_BURST) {
        r->signal = EDDY_SIGNAL_BURST;
        r->since = other->since;
        r->came = other->came;
        r->age = other->age;
        r->calm = other->calm;
        r->ended = other->ended;
        r->repeats = other->repeats;
    }
    if (r->signal == EDDY_SIGNAL_BURST)
        r->usual = (float)null_of(r).mean;
}

/* ---- as bytes ----
 *
 * What is 0 of most is left out, as bits say; what is 0 within takes as many bytes as all else. */

enum {
    HAS_EVIDENCE = 1,
    HAS_PATIENCE = 2,
    HAS_LEVEL = 4,
    HAS_ENDED = 8,
    IN_BURST = 16,
    IN_SILENCE = 32,
    IS_INFORMED = 64
};

static int has_evidence(const struct ed_rate *r)
{
    for (int k = 0; k < ED_LIFTS; k++)
        if (r->evidence[k] > 0)
            return 1;
    return r->since > 0;
}

ed_out ed_rate_put(ed_out at, const struct ed_rate *r)
{
    int burst = r->signal == EDDY_SIGNAL_BURST;
    int bits = (has_evidence(r) ? HAS_EVIDENCE : 0) | (r->patience ? HAS_PATIENCE : 0) |
               (r->level > 0 ? HAS_LEVEL : 0) | (r->ended != INT64_MIN ? HAS_ENDED : 0) |
               (burst ? IN_BURST : 0) | (r->signal == EDDY_SIGNAL_QUIET ? IN_SILENCE : 0) |
               (r->informed > 0 ? IS_INFORMED : 0);
    *at++ = (unsigned char)bits;
    at = ed_put_signed(at, r->bucket);
    at = ed_put_varint(at, r->silence);
    const float always[] = {r->slow, r->slow_n, r->fast, r->fast_n, r->dispersion};
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        at = ed_put_f32(at, always[i]);
    if (bits & IS_INFORMED)
        at = ed_put_f32(at, r->informed);
    if (bits & HAS_EVIDENCE) {
        for (int k = 0; k < ED_LIFTS; k++)
            at = ed_put_f32(at, r->evidence[k]);
        at = ed_put_f32(at, r->drift);
        at = ed_put_varint(at, r->since);
        at = ed_put_number(at, r->came);
    }
    if (bits & HAS_PATIENCE)
        at = ed_put_varint(at, r->patience);
    if (bits & HAS_LEVEL)
        at = ed_put_signed(ed_put_f32(at, r->level), r->level_at);
    if (bits & HAS_ENDED)
        at = ed_put_varint(ed_put_signed(at, r->ended), r->repeats);
    if (burst)
        at = ed_put_varint(ed_put_varint(ed_put_f32(at, r->usual), r->age), r->calm);
    return at;
}

/* From 0 to most. */
static float float_get(struct ed_unpack *u, float most)
{
    float x = ed_unpack_f32(u);
    u->failed |= !(x >= 0 && x <= most);
    return u->failed ? 0 : x;
}

#define BUCKET_MOST (INT64_C(1) << 39) /* of any time that is taken */
#define FLOAT_MOST  0x1p62f

static int64_t bucket_get(struct ed_unpack *u)
{
    int64_t bucket = ed_get_signed(u);
    u->failed |= bucket < -BUCKET_MOST || bucket > BUCKET_MOST;
    return u->failed ? 0 : bucket;
}

void ed_rate_get(struct ed_unpack *u, struct ed_rate *r)
{
    uint8_t bits = ed_unpack_u8(u);
    u->failed |=
        bits >= 2 * IS_INFORMED || (bits & (IN_BURST | IN_SILENCE)) == (IN_BURST | IN_SILENCE);
    ed_rate_begin(r, bucket_get(u));
    r->silence = (uint32_t)ed_get_count(u, SILENCE_MAX);
    float *const always[] = {&r->slow, &r->slow_n, &r->fast, &r->fast_n, &r->dispersion};
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        *always[i] = float_get(u, FLOAT_MOST);
    r->informed = bits & IS_INFORMED ? float_get(u, FLOAT_MOST) : 0;
    if (bits & HAS_EVIDENCE) {
        for (int k = 0; k < ED_LIFTS; k++)
            r->evidence[k] = float_get(u, (float)EVIDENCE_MAX);
        r->drift = float_get(u, FLOAT_MOST);
        r->since = (uint32_t)ed_get_count(u, SILENCE_MAX);
        r->came = ed_get_number(u, 0, 0x1p72);
    }
    if (bits & HAS_PATIENCE)
        r->patience = (uint32_t)ed_get_count(u, QUIET_LATEST);
    if (bits & HAS_LEVEL) {
        r->level = float_get(u, FLOAT_MOST);
        r->level_at = bucket_get(u);
    }
    if (bits & HAS_ENDED) {
        r->ended = bucket_get(u);
        r->repeats = (uint32_t)ed_get_count(u, REPEATS_MAX);
    }
    if (bits & IN_SILENCE)
        r->signal = EDDY_SIGNAL_QUIET;
    if (bits & IN_BURST) {
        r->signal = EDDY_SIGNAL_BURST;
        r->usual = float_get(u, FLOAT_MOST);
        r->age = (uint32_t)ed_get_count(u, BURST_MAX);
        r->calm = (uint32_t)ed_get_count(u, CALM << REPEATS_MAX);
    }
}
