/* bench_engine: the engine alone on a generated stream, one thread.
 *
 *   bench_engine speed EVENTS DOCS     documents/s once EVENTS events are active, repair included
 *   bench_engine memory DOCS BORN      resident memory while BORN events are born over DOCS
 * documents bench_engine dump EVENTS DOCS FILE the same stream's vectors for peers: float32 (n,
 * 896) rows of dense and hashed words, behind two int32 (n, 896)
 *
 * The stream: each event has a direction in 384 dimensions and eight words of its own; a document
 * mixes the direction with noise and takes five of the words and five common ones. Which event a
 * document belongs to is drawn with a bias to the recent and the large, as in news: half of the
 * documents go to the tenth of events that was active last. Prints key=value lines. */
#include "base/hash.h"
#include "base/vector.h"

#include <eddy/engine.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define D     384
#define WORDS 10
#define BATCH 256

static uint64_t state = 7;

static uint64_t draw(void)
{
    return ed_mix64(state++);
}

static double uniform(void)
{
    return (double)(draw() >> 11) * 0x1p-53;
}

/* Nearly normal: sum of uniform numbers, variance 1. */
static float normal(uint64_t seed)
{
    double sum = 0;
    for (int i = 0; i < 4; i++)
        sum += (double)(ed_mix64(seed * 4 + (uint64_t)i) >> 11) * 0x1p-53 - 0.5;
    return (float)(sum * 1.7320508);
}

struct doc {
    float dense[D];
    eddy_term terms[WORDS];
};

static char spelling[1 << 20][8];

static void term_set(eddy_term *t, uint32_t word)
{
    int n = snprintf(spelling[word & 0xfffff], 8, "w%x", word & 0xfffff);
    *t = (eddy_term){ed_fnv1a(ED_FNV_BASIS, &word, sizeof word), spelling[word & 0xfffff],
                     (uint16_t)n, 1};
}

static void doc_make(struct doc *d, uint64_t event)
{
    double square = 0;
    uint64_t noise = draw();
    for (uint64_t i = 0; i < D; i++) {
        d->dense[i] = normal(event * 1000003 + i) + 0.9f * normal(noise + i);
        square += (double)d->dense[i] * (double)d->dense[i];
    }
    for (size_t i = 0; i < D; i++)
        d->dense[i] /= (float)sqrt(square);
    uint32_t from = (uint32_t)(draw() % 8);
    for (uint32_t k = 0; k < 5; k++) {
        term_set(&d->terms[k], (uint32_t)(2000 + event * 8 + (from + k) % 8));
        term_set(&d->terms[5 + k], (uint32_t)(uniform() * uniform() * 2000 / 5) * 5 + k);
    }
}

static eddy_row row_of(const struct doc *d, int64_t time_ms)
{
    static const eddy_str id = {"document", 8};
    static const eddy_str title = {"a title of usual length for a document of the news", 50};
    return (eddy_row){.dense = d->dense,
                      .terms = d->terms,
                      .n_terms = WORDS,
                      .time_ms = time_ms,
                      .id = id,
                      .title = title};
}

/* Half to the last tenth, half to all. */
static uint64_t pick(uint64_t events)
{
    uint64_t tenth = events / 10 + 1;
    return draw() % 2 ? events - 1 - draw() % tenth : draw() % events;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static long resident_kb(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long pages = 0;
    if (f) {
        if (fscanf(f, "%*d %ld", &pages) != 1)
            pages = 0;
        fclose(f);
    }
    return pages * 4;
}

static eddy_clusterer *start(uint32_t events_max, int64_t fade_ms)
{
    eddy_engine_options o;
    eddy_engine_options_init(&o);
    o.dense_dim = D;
    o.events_max = events_max;
    o.fade_ms = fade_ms;
    eddy_clusterer *cl = NULL;
    eddy_error err = {0};
    if (eddy_clusterer_new(&o, &cl, &err) != EDDY_OK) {
        fprintf(stderr, "bench_engine: %s\n", err.text);
        exit(1);
    }
    return cl;
}

static void feed(eddy_clusterer *cl, const eddy_row *rows, size_t n)
{
    static eddy_assignment answers[BATCH];
    eddy_error err = {0};
    if (eddy_clusterer_assign(cl, rows, n, answers, &err) != EDDY_OK) {
        fprintf(stderr, "bench_engine: %s\n", err.text);
        exit(1);
    }
}

/* One batch: new events while there are fewer than wanted, and documents of old ones. Some of the
 * new ones are merged into others by chance, so the number is looked at, not counted. */
static void batch_make(const eddy_clusterer *cl, uint64_t events, uint64_t *born, uint64_t at,
                       struct doc *batch, eddy_row *rows)
{
    eddy_engine_stats st;
    eddy_clusterer_stats(cl, &st);
    uint64_t missing = st.events_active < events ? events - st.events_active : 0;
    for (uint64_t i = 0; i < BATCH; i++) {
        int fresh = !*born || (i < missing && i % 2 == 0);
        doc_make(&batch[i], fresh ? (*born)++ : pick(*born));
        rows[i] = row_of(&batch[i], (int64_t)(at + i) * 100);
    }
}

static int speed(uint64_t events, uint64_t docs)
{
    eddy_clusterer *cl = start((uint32_t)(events * 4 + 64), 0);
    struct doc *batch = calloc(BATCH, sizeof *batch);
    eddy_row rows[BATCH];
    eddy_engine_stats st = {0};
    double spent = 0;
    uint64_t born = 0;
    uint64_t at = 0;
    uint64_t timed = 0;
    while (batch && timed < docs) {
        int warm = st.events_active >= events - events / 100;
        batch_make(cl, events, &born, at, batch, rows);
        double before = seconds();
        feed(cl, rows, BATCH);
        if (warm || timed) {
            spent += seconds() - before;
            timed += BATCH;
        }
        at += BATCH;
        eddy_clusterer_stats(cl, &st);
    }
    printf("docs_per_s=%.1f\nactive=%" PRIu64 "\nbytes_per_event=%.0f\ngroups=%" PRIu64
           "\npasses=%" PRIu64 "\ndocuments=%" PRIu64 "\n",
           (double)timed / spent, st.events_active, (double)st.bytes / (double)st.events_active,
           st.groups_active, st.passes, at);
    free(batch);
    eddy_clusterer_free(cl);
    return 0;
}

/* Events live for a window: document n belongs to one of the 500 events around n / (docs / born).
 */
static int memory(uint64_t docs, uint64_t born)
{
    eddy_clusterer *cl = start(20000, INT64_C(2000) * 1000);
    struct doc *batch = calloc(BATCH, sizeof *batch);
    eddy_row rows[BATCH];
    long first = 0;
    long half = 0;
    long last = 0;
    for (uint64_t at = 0; batch && at < docs; at += BATCH) {
        uint64_t now = at * born / docs;
        for (uint64_t i = 0; i < BATCH; i++) {
            doc_make(&batch[i], now + draw() % 500);
            rows[i] = row_of(&batch[i], (int64_t)(at + i) * 100);
        }
        feed(cl, rows, BATCH);
        last = resident_kb();
        if (!first && at >= docs / 10)
            first = last;
        if (!half && at >= docs / 2)
            half = last;
        if (at / BATCH % (docs / BATCH / 20 + 1) == 0) {
            eddy_engine_stats st;
            eddy_clusterer_stats(cl, &st);
            fprintf(stderr,
                    "%9" PRIu64 " documents, %6" PRIu64 " born, %5" PRIu64
                    " active, %ld kB resident\n",
                    st.documents, st.events_born, st.events_active, last);
        }
    }
    eddy_engine_stats st;
    eddy_clusterer_stats(cl, &st);
    printf("documents=%" PRIu64 "\nborn=%" PRIu64 "\nactive=%" PRIu64 "\nrss_first_kb=%ld\n"
           "rss_half_kb=%ld\nrss_last_kb=%ld\nwords_dropped=%" PRIu64 "\n",
           st.documents, st.events_born, st.events_active, first, half, last, st.words_dropped);
    free(batch);
    eddy_clusterer_free(cl);
    return 0;
}

static int dump(uint64_t events, uint64_t docs, const char *path)
{
    FILE *out = fopen(path, "wb");
    if (!out) {
        perror(path);
        return 1;
    }
    int32_t shape[2] = {(int32_t)docs, D + 512};
    fwrite(shape, sizeof shape, 1, out);
    for (uint64_t n = 0; n < docs; n++) {
        struct doc d;
        float row[D + 512] = {0};
        doc_make(&d, n < events ? n : pick(events));
        for (size_t i = 0; i < D; i++)
            row[i] = 0.7746f * d.dense[i];
        for (size_t k = 0; k < WORDS; k++)
            row[D + (d.terms[k].hash >> 8) % 512] +=
                (float)((d.terms[k].hash >> 62) & 1 ? 0.2 : -0.2);
        fwrite(row, sizeof row, 1, out);
    }
    return fclose(out) ? 1 : 0;
}

int main(int argc, char **argv)
{
    uint64_t a = argc > 3 ? strtoull(argv[2], NULL, 10) : 0;
    uint64_t b = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    if (a && b && !strcmp(argv[1], "speed"))
        return speed(a, b);
    if (a && b && !strcmp(argv[1], "memory"))
        return memory(a, b);
    if (a && b && argc > 4 && !strcmp(argv[1], "dump"))
        return dump(a, b, argv[4]);
    fprintf(stderr, "usage: bench_engine speed EVENTS DOCS | memory DOCS BORN | "
                    "dump EVENTS DOCS FILE\n");
    return 2;
}
