/* Bursts: counts with injected bursts, through the library and two peers; tools/bench/bursts reads
 * what it prints.
 *
 *   bench_bursts NULL SEED C
 *
 * LOGS 5.2: EVENTS events with rates of 0.01 to 30 a minute, DAYS days of minutes; once as they are,
 * and once with BURSTS bursts of LENGTH minutes at 3, 5 and 10 times the rate, in turn. One line of
 * JSON for each detector. */
#include <eddy/engine.h>

#include "base/hash.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EVENTS = 300, DAYS = 5, DAY = 1440, MINUTES = DAYS * DAY, BURSTS = 60, LENGTH = 10 };
enum { SLACK = 5 }; /* minutes after a burst in which an alarm still is about it */

enum null { POISSON, NEGATIVE_BINOMIAL, HEAVY, DAY_NIGHT, NULLS };
static const char *const null_names[NULLS] = {"poisson", "nb", "heavy", "day"};

/* ---- chance ---- */

static uint64_t state;

/* 0 to 1, neither of them */
static double uniform(void)
{
    state += UINT64_C(0x9e3779b97f4a7c15);
    return ((double)(ed_mix64(state) >> 12) + 0.5) * 0x1p-52;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

/* Marsaglia and Tsang 2000. */
static double gamma_of(double shape)
{
    if (shape < 1)
        return gamma_of(shape + 1) * pow(uniform(), 1 / shape);
    double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = normal(), v = pow(1 + c * x, 3);
        if (v > 0 && log(uniform()) < x * x / 2 + d - d * v + d * log(v))
            return d * v;
    }
}

/* In steps whose chance of nothing is no underflow. */
static int poisson(double mean)
{
    int n = -1;
    double left = mean;
    while (left > 0) {
        double step = left < 20 ? left : 20, p = exp(-step), product = uniform();
        for (n = n < 0 ? 0 : n; product > p; n++)
            product *= uniform();
        left -= step;
    }
    return n < 0 ? 0 : n;
}

static double variance(enum null null, double mean)
{
    return null == NEGATIVE_BINOMIAL ? 2 * mean : null == HEAVY ? mean + mean * mean / 2 : mean;
}

static int draw(enum null null, double mean, int minute)
{
    switch (null) {
    case NEGATIVE_BINOMIAL: return poisson(gamma_of(mean)); /* shape m, scale 1 */
    case HEAVY: return poisson(mean * gamma_of(2) / 2);
    case DAY_NIGHT: return poisson(mean * (1 + 0.5 * sin(2 * M_PI * minute / DAY)));
    default: return poisson(mean);
    }
}

/* ---- the streams ---- */

struct burst {
    int event, start;
    double times;
    int found; /* minutes until its alarm; -1: none yet */
};

struct stream {
    double rate[EVENTS];
    uint16_t n[EVENTS][MINUTES];
    struct burst bursts[BURSTS]; /* (n_bursts) */
    int n_bursts;
};

/* Bursts begin on the second day or later; one event has one at most. */
static void stream_make(struct stream *s, enum null null, int n_bursts)
{
    for (int e = 0; e < EVENTS; e++)
        s->rate[e] = 0.01 * pow(3000, uniform());
    s->n_bursts = n_bursts;
    for (int i = 0; i < n_bursts; i++) {
        static const double times[] = {3, 5, 10};
        int event = i * (EVENTS / BURSTS) + (int)(uniform() * (EVENTS / BURSTS));
        int start = DAY + (int)(uniform() * (MINUTES - DAY - LENGTH - SLACK));
        s->bursts[i] = (struct burst){event, start, times[i % 3], -1};
    }
    for (int e = 0; e < EVENTS; e++)
        for (int m = 0; m < MINUTES; m++)
            s->n[e][m] = (uint16_t)draw(null, s->rate[e], m);
    for (int i = 0; i < n_bursts; i++)
        for (int m = s->bursts[i].start; m < s->bursts[i].start + LENGTH; m++) {
            const struct burst *b = &s->bursts[i];
            s->n[b->event][m] = (uint16_t)draw(null, s->rate[b->event] * b->times, m);
        }
}

/* It adds at least 5 + 5 standard deviations of what is to be expected of its time. */
static int detectable(const struct stream *s, enum null null, const struct burst *b)
{
    double mean = s->rate[b->event];
    return (b->times - 1) * LENGTH * mean >= 5 + 5 * sqrt(LENGTH * variance(null, mean));
}

/* ---- what a detector said ---- */

struct result {
    const char *name;
    int alarms, right, false_clean, quiet_clean, trends_clean;
    double seconds;
    double closed; /* minutes of events that something came in */
    int off[BURSTS], n_off; /* minutes by which starts were mistaken */
};

/* The event has an alarm at the close of this minute; start -1: it does not say when it began. */
static void alarm(struct stream *s, struct result *r, int event, int minute, int start)
{
    if (!s->n_bursts) {
        r->false_clean++;
        return;
    }
    r->alarms++;
    for (int i = 0; i < s->n_bursts; i++) {
        struct burst *b = &s->bursts[i];
        if (b->event != event || minute < b->start || minute >= b->start + LENGTH + SLACK)
            continue;
        r->right++;
        if (b->found < 0 && start >= 0)
            r->off[r->n_off++] = abs(start - b->start);
        if (b->found < 0)
            b->found = minute - b->start + 1;
        return;
    }
}

static int by_int(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static double median(int *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, by_int);
    return n ? (x[n / 2] + x[(n - 1) / 2]) / 2.0 : NAN;
}

static void result_print(struct stream *s, struct result *r, enum null null)
{
    int delays[BURSTS], n = 0, known = 0, found = 0;
    for (int i = 0; i < s->n_bursts; i++) {
        int is = detectable(s, null, &s->bursts[i]);
        known += is;
        found += is && s->bursts[i].found >= 0;
        if (s->bursts[i].found >= 0)
            delays[n++] = s->bursts[i].found;
        s->bursts[i].found = -1;
    }
    printf("{\"null\": \"%s\", \"detector\": \"%s\", \"false_alarms_clean\": %d, \"alarms\": %d, "
           "\"right\": %d, \"detectable\": %d, \"found\": %d, \"median_delay_min\": %.1f, "
           "\"quiet_clean\": %d, \"trends_clean\": %d, \"median_start_off_min\": %.1f, "
           "\"us_per_bucket\": %.3f}\n",
           null_names[null], r->name, r->false_clean, r->alarms, r->right, known, found,
           n ? median(delays, n) : -1.0, r->quiet_clean, r->trends_clean,
           r->n_off ? median(r->off, r->n_off) : -1.0, r->seconds * 1e6 / r->closed);
}

/* ---- the library ---- */

static const float *axis(int e)
{
    static float x[EVENTS];
    memset(x, 0, sizeof x);
    x[e] = 1;
    return x;
}

static void must(eddy_status st, const eddy_error *err)
{
    if (st == EDDY_OK)
        return;
    fprintf(stderr, "bench_bursts: %s\n", err->text);
    exit(1);
}

static int64_t time_of(int minute)
{
    return INT64_C(1700000040000) + (int64_t)minute * 60000;
}

static void take(const eddy_clusterer *cl, struct stream *s, struct result *r, int minute)
{
    const eddy_change *c;
    size_t n = eddy_clusterer_changes(cl, &c);
    for (size_t i = 0; i < n; i++) {
        int start = (int)((c[i].start_ms - time_of(0)) / 60000);
        if (c[i].kind == EDDY_BURST)
            alarm(s, r, (int)c[i].event - 1, minute, start);
        r->quiet_clean += c[i].kind == EDDY_QUIET && !s->n_bursts;
        r->trends_clean += c[i].kind == EDDY_TREND && !s->n_bursts;
    }
}

static double cpu(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* One document founds each event; all that comes then is sightings of it. */
static void run_eddy(struct stream *s, struct result *r, double c)
{
    eddy_engine_options o;
    eddy_error err = {0};
    eddy_clusterer *cl;
    uint64_t group[EVENTS];
    eddy_engine_options_init(&o);
    o.dense_dim = EVENTS;
    o.terms_dim = 0;
    o.dense_weight = 1;
    o.fade_ms = 0;
    o.threshold = 0.5;
    o.false_alarms = 2.0 * EVENTS * DAY / c;
    must(eddy_clusterer_new(&o, &cl, &err), &err);
    for (int e = 0; e < EVENTS; e++) {
        eddy_row row = {.dense = axis(e), .time_ms = time_of(0)};
        eddy_assignment a;
        must(eddy_clusterer_assign(cl, &row, 1, &a, &err), &err);
        group[e] = a.group;
    }
    double begin = cpu();
    for (int m = 0; m < MINUTES; m++)
        for (int e = 0; e < EVENTS; e++)
            if (s->n[e][m]) {
                must(eddy_clusterer_seen(cl, group[e], s->n[e][m], time_of(m), &err), &err);
                take(cl, s, r, m - 1);
                r->closed++;
            }
    r->seconds += cpu() - begin;
    eddy_clusterer_free(cl);
}

/* ---- peers ---- */

/* Mean and variance that fade by half in an hour; an alarm where a minute is six standard deviations
 * above. The next one after ten minutes without. */
static void run_ewma(struct stream *s, struct result *r, double c)
{
    (void)c;
    const double a = 1 - pow(2, -1.0 / 60);
    for (int e = 0; e < EVENTS; e++) {
        double mean = 0, square = 0;
        int last = -100;
        for (int m = 0; m < MINUTES; m++) {
            double n = s->n[e][m], sd = sqrt(fmax(square, fmax(mean, 0.1)));
            if (m >= 120 && n > mean + 6 * sd) {
                if (m - last > 10)
                    alarm(s, r, e, m, -1);
                last = m;
            }
            square += a * ((n - mean) * (n - mean) - square);
            mean += a * (n - mean);
        }
    }
}

/* Two states, as Kleinberg's: the log-likelihood of three times the mean of the day against the mean,
 * never below 0; an alarm where it passes ln 1e6. */
static void run_two_state(struct stream *s, struct result *r, double c)
{
    (void)c;
    const double a = 1 - pow(2, -1.0 / DAY);
    for (int e = 0; e < EVENTS; e++) {
        double sum = 0.5, minutes = 1, high = 0;
        int in = 0;
        for (int m = 0; m < MINUTES; m++) {
            double n = s->n[e][m], mean = sum / minutes;
            if (m >= 120)
                high = fmax(0, high + n * log(3) - 2 * mean);
            if (!in && high >= log(1e6)) {
                alarm(s, r, e, m, -1);
                in = 1;
            }
            high = fmin(high, log(1e6));
            in = in && high > 0;
            if (!in) {
                sum = sum * (1 - a) + n;
                minutes = minutes * (1 - a) + 1;
            }
        }
    }
}

int main(int argc, char **argv)
{
    enum null null = 0;
    if (argc != 4) {
        fprintf(stderr, "bench_bursts poisson|nb|heavy|day SEED C\n");
        return 2;
    }
    while (null < NULLS && strcmp(argv[1], null_names[null]) != 0)
        null++;
    struct stream *clean = malloc(sizeof *clean), *with = malloc(sizeof *with);
    if (null == NULLS || !clean || !with)
        return 2;
    state = strtoull(argv[2], NULL, 10) * 1000003;
    stream_make(clean, null, 0);
    stream_make(with, null, BURSTS);
    static void (*const run[])(struct stream *, struct result *, double) = {run_eddy, run_ewma,
                                                                             run_two_state};
    struct result results[] = {{.name = "eddy"}, {.name = "ewma"}, {.name = "two-state"}};
    for (size_t i = 0; i < sizeof run / sizeof *run; i++) {
        run[i](clean, &results[i], atof(argv[3]));
        run[i](with, &results[i], atof(argv[3]));
        if (i)
            results[i].closed = 1;
        result_print(with, &results[i], null);
    }
    free(clean);
    free(with);
    return 0;
}
