/* Rate: how much comes to one thing, a bucket of stream time at a time, and what is unusual.
 *
 * The thing is an event, or a template of log lines: a rate knows neither. It is told how many came
 * in the bucket that is over (ed_rate_close); buckets in which nothing came are told by that too,
 * all at once, in bounded time. Only one that is in a burst (ed_rate_pass), or whose patience is at
 * its end (ed_rate_quiet), need be looked at when nothing came. What a rate says depends on what it
 * was told and on nothing else, to the last bit on every machine.
 *
 * c, the evidence that is asked (LOGS 5.1): under the null a false alarm comes once in so many
 * buckets of this one thing at most, on average. */
#ifndef ED_ENGINE_RATE_H
#define ED_ENGINE_RATE_H

#include "engine/wire.h"

#include <eddy/engine.h>

#include <stdint.h>

#define ED_BUCKET_MS       INT64_C(60000)
#define ED_BUCKETS_PER_DAY 1440
#define ED_LIFTS           4

/* The bucket that a time is in. */
static inline int64_t ed_bucket_of(int64_t ms)
{
    return ms / ED_BUCKET_MS - (ms % ED_BUCKET_MS < 0);
}

/* Floats: what is kept is what is recorded. */
struct ed_rate {
    int64_t bucket;     /* the first that is not closed; those from here to the last one over were
                           empty, and are closed when something comes */
    float slow, slow_n; /* counts that fade, and buckets that fade likewise */
    float fast, fast_n;
    float dispersion;         /* variance over mean, the prior included ... */
    float informed;           /* ... and the weight of what came beside that; records written before
                                 it was kept have none, and it is 0 */
    float evidence[ED_LIFTS]; /* e-detectors, one for each lift */
    float drift;    /* how far the log-likelihood of a burst is above its lowest; 0: at it ... */
    uint32_t since; /* ... and buckets since it last was there; of a burst: since its start */
    double came;    /* in those */
    /* of a burst */
    eddy_signal signal;
    float usual;       /* mean when it was told */
    uint32_t age;      /* buckets since it was told */
    uint32_t calm;     /* the last so many had no more than usual */
    uint32_t repeats;  /* bursts that followed each other closely, but for the first ... */
    int64_t ended;     /* ... and the bucket in which the last one was over; INT64_MIN: none */
    uint32_t silence;  /* the longest run of empty buckets that was not told, at most 2^31 */
    uint32_t patience; /* empty buckets from `bucket` on after which it is quiet; 0: never */
    float level;       /* slow mean as last told; 0: not known yet ... */
    int64_t level_at;  /* ... in this bucket */
};

/* What there is to tell. */
struct ed_tell {
    eddy_change_kind kind; /* BURST, BURST_ENDED, QUIET, QUIET_ENDED, TREND */
    int64_t start;         /* bucket */
    double observed, expected, statistic;
};
#define ED_TELLS 4
struct ed_tells {
    struct ed_tell at[ED_TELLS];
    size_t n;
};

/* Nothing came before this bucket. */
void ed_rate_begin(struct ed_rate *r, int64_t bucket);
/* The bucket, the first that is not closed or a later one, is over: n > 0 came in it, and nothing
 * since the last that was closed. Appends to tells, which has room for ED_TELLS. */
void ed_rate_close(struct ed_rate *r, int64_t bucket, double n, double c, struct ed_tells *tells);
/* Of one in a burst, at every border: this bucket is open, and nothing came in those before it that
 * are not closed. */
void ed_rate_pass(struct ed_rate *r, int64_t bucket, struct ed_tells *tells);
/* Likewise, and its patience is at its end. Of whoever counts the buckets: not all of them need
 * count. */
void ed_rate_quiet(struct ed_rate *r, int64_t bucket, struct ed_tells *tells);
/* Documents a bucket, as usual. */
double ed_rate_usual(const struct ed_rate *r);

/* ---- things that part and join ----
 *
 * What joins is as if it had been one all along: counts are added over the longer of the two
 * histories. What parts takes its share of the counts along, over the same history; what came
 * lately is divided by what came lately, so that the fast mean, and with it the larger of both, is
 * right on either side. Evidence stays with what lives on. Hence neither makes a burst, a silence
 * or a trend by itself: what comes is held against what is to be expected of both, or of the
 * part. */

/* Empty buckets before this one are closed, and there is no patience to lose, but for one that is
 * quiet already. */
void ed_rate_settle(struct ed_rate *r, int64_t bucket);
/* Shares (0 to 1) of what ever came, and of what came lately, go out of r into ret; both settled in
 * the same bucket. */
void ed_rate_part(struct ed_rate *r, double share, double lately, struct ed_rate *ret);
void ed_rate_join(struct ed_rate *r, const struct ed_rate *other);
/* What is left, after so many buckets, of 1 that came lately. */
double ed_rate_fade(int64_t buckets);

/* ---- as bytes ---- */

#define ED_RATE_MAX 160
ed_out ed_rate_put(ed_out at, const struct ed_rate *r);
/* Unusable values are a failure of u. */
void ed_rate_get(struct ed_unpack *u, struct ed_rate *r);

#endif
