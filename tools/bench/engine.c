/* bench_engine: the engine alone on a generated stream, one thread.
 *
 *   bench_engine speed EVENTS DOCS     documents/s once EVENTS events are active, over so many
 * documents and up to the end of a pass;
 * state_hash: the same for every build that makes the same events;
 * index_recall: the share of the best four events of 256 documents more that a clusterer which was
 * loaded from the records of this one, and computes every event, finds too
 *   bench_engine memory DOCS BORN      resident memory while BORN events are born over DOCS
 *   bench_engine dump EVENTS DOCS FILE the same stream's vectors for peers: float32 (n, 896) rows
 * of dense and hashed words, behind two int32 (n, 896) bench_engine records EVENTS DOCS documents/s
 * of two clusterers in turn, of which one writes its records after each batch; bytes of records
 *   bench_engine load EVENTS TIMES     seconds to load EVENTS events of one document each
 *
 * The stream: each event has a direction in 384 dimensions and eight words of its own; a document
 * mixes the direction with noise and takes five of the words and five common ones. Which event a
 * document belongs to is drawn with a bias to the recent and the large, as in news: half of the
 * documents go to the tenth of events that was active last. Prints key=value lines. */
#include "base/hash.h"
#include "base/vector.h"
#include "engine/state.h"

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

/* The records of one call, and how many bytes they are. */
static const eddy_record *records(eddy_clusterer *cl, eddy_arena *arena, size_t *n, uint64_t *bytes)
{
    const eddy_record *list = NULL;
    eddy_error err = {0};
    if (eddy_clusterer_records(cl, arena, &list, n, &err) != EDDY_OK) {
        fprintf(stderr, "bench_engine: %s\n", err.text);
        exit(1);
    }
    for (size_t i = 0; i < *n; i++)
        *bytes += list[i].value.n;
    return list;
}

/* A kernel that rules nothing out. */
static void promise(const struct ed_left *left, size_t m, const struct ed_right *right,
                    const struct ed_finish *finish)
{
    (void)left;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < right->n; j++)
            ((float *)finish->ret)[i * finish->stride + j] = 1e9f;
}

/* One that goes on where cl is, and looks at all events. */
static eddy_clusterer *twin_of(eddy_clusterer *cl)
{
    static const struct ed_kernels all = {.name = "all", .precision = ED_INT8, .product = promise};
    eddy_arena *arena = eddy_arena_new(0);
    eddy_clusterer *twin = NULL;
    eddy_error err = {0};
    uint64_t bytes = 0;
    size_t n = 0;
    const eddy_record *list = records(cl, arena, &n, &bytes);
    eddy_status st = eddy_clusterer_new(&cl->o, &twin, &err);
    for (size_t i = 0; i < n && st == EDDY_OK; i++)
        st = eddy_clusterer_load(twin, &list[i], &err);
    if (st == EDDY_OK)
        st = eddy_clusterer_loaded(twin, &err);
    if (st != EDDY_OK) {
        fprintf(stderr, "bench_engine: %s\n", err.text);
        exit(1);
    }
    eddy_arena_free(arena);
    twin->kernels = &all;
    return twin;
}

static double recall(eddy_clusterer *cl, const eddy_row *rows)
{
    eddy_assignment fast[BATCH], plain[BATCH];
    eddy_clusterer *twin = twin_of(cl);
    double there = 0, found = 0;
    if (eddy_clusterer_assign(cl, rows, BATCH, fast, NULL) != EDDY_OK ||
        eddy_clusterer_assign(twin, rows, BATCH, plain, NULL) != EDDY_OK)
        exit(1);
    for (size_t i = 0; i < BATCH; i++)
        for (uint32_t k = 0; k < plain[i].n_memberships; k++) {
            there++;
            for (uint32_t j = 0; j < fast[i].n_memberships; j++)
                found += fast[i].memberships[j].event == plain[i].memberships[k].event;
        }
    eddy_clusterer_free(twin);
    return found / there;
}

#define MANY 20000

/* Where events are many, most of the time until all are there would go into passes: they are born
 * without one, and one over all of them follows. */
static void bear(eddy_clusterer *cl, uint64_t events, uint64_t *born, uint64_t *at,
                 struct doc *batch, eddy_row *rows)
{
    uint32_t every = cl->o.repair_every;
    eddy_engine_stats st = {0};
    cl->o.repair_every = UINT32_MAX;
    for (; st.events_active < events; *at += BATCH) {
        batch_make(cl, events, born, *at, batch, rows);
        feed(cl, rows, BATCH);
        eddy_clusterer_stats(cl, &st);
    }
    cl->o.repair_every = every;
    if (eddy_clusterer_flush(cl, NULL) != EDDY_OK)
        exit(1);
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
    int passed = 0; /* a pass ended in the last batch: whole stretches are timed */
    if (batch && events > MANY)
        bear(cl, events, &born, &at, batch, rows);
    while (batch && (timed < docs || !passed)) {
        uint64_t passes = st.passes;
        int warm = timed || (passed && st.events_active >= events - events / 100);
        batch_make(cl, events, &born, at, batch, rows);
        double before = seconds();
        feed(cl, rows, BATCH);
        if (warm) {
            spent += seconds() - before;
            timed += BATCH;
        }
        at += BATCH;
        eddy_clusterer_stats(cl, &st);
        passed = st.passes > passes;
    }
    printf("docs_per_s=%.1f\nactive=%" PRIu64 "\nbytes_per_event=%.0f\ngroups=%" PRIu64
           "\npasses=%" PRIu64 "\ndocuments=%" PRIu64 "\n",
           (double)timed / spent, st.events_active, (double)st.bytes / (double)st.events_active,
           st.groups_active, st.passes, at);
    batch_make(cl, events, &born, at, batch, rows);
    printf("index_recall=%.6f\n", recall(cl, rows)); /* writes the records, hence the hash */
    printf("state_hash=%" PRIu64 "\n", eddy_clusterer_hash(cl));
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

/* ---- state ---- */

static int with_records(uint64_t events, uint64_t docs)
{
    eddy_clusterer *plain = start((uint32_t)(events * 4 + 64), 0);
    eddy_clusterer *cl = start((uint32_t)(events * 4 + 64), 0);
    eddy_arena *arena = eddy_arena_new(0);
    struct doc *batch = calloc(BATCH, sizeof *batch);
    eddy_row rows[BATCH];
    eddy_engine_stats st = {0};
    double without = 0;
    double with = 0;
    double writing = 0;
    uint64_t bytes = 0;
    uint64_t born = 0;
    uint64_t at = 0;
    uint64_t timed = 0;
    while (batch && arena && timed < docs) {
        int warm = timed || st.events_active >= events - events / 100;
        uint64_t more = 0;
        size_t n;
        batch_make(cl, events, &born, at, batch, rows);
        double time[4];
        time[0] = seconds();
        feed(plain, rows, BATCH);
        time[1] = seconds();
        feed(cl, rows, BATCH);
        time[2] = seconds();
        eddy_arena_reset(arena);
        records(cl, arena, &n, &more);
        time[3] = seconds();
        if (warm) {
            without += time[1] - time[0];
            with += time[3] - time[1];
            writing += time[3] - time[2];
            bytes += more;
            timed += BATCH;
        }
        at += BATCH;
        eddy_clusterer_stats(cl, &st);
    }
    printf("docs_per_s=%.1f\ndocs_per_s_records=%.1f\nrecords_share=%.3f\n"
           "records_bytes_per_doc=%.0f\nactive=%" PRIu64 "\ngroups=%" PRIu64 "\n",
           (double)timed / without, (double)timed / with, writing / without,
           (double)bytes / (double)timed, st.events_active, st.groups_active);
    free(batch);
    eddy_arena_free(arena);
    eddy_clusterer_free(plain);
    eddy_clusterer_free(cl);
    return 0;
}

/* Events of one document each: nothing is alike enough, and there is no pass. */
static eddy_clusterer *singletons(eddy_engine_options *o, uint64_t events)
{
    eddy_engine_options_init(o);
    o->dense_dim = D;
    o->threshold = 0.99;
    o->repair_every = UINT32_MAX;
    o->events_max = (uint32_t)events + 64;
    eddy_clusterer *cl = NULL;
    struct doc *batch = calloc(BATCH, sizeof *batch);
    eddy_row rows[BATCH];
    if (!batch || eddy_clusterer_new(o, &cl, NULL) != EDDY_OK)
        exit(1);
    for (uint64_t at = 0; at < events; at += BATCH) {
        for (uint64_t i = 0; i < BATCH; i++) {
            doc_make(&batch[i], at + i);
            rows[i] = row_of(&batch[i], (int64_t)(at + i) * 100);
        }
        feed(cl, rows, events - at < BATCH ? events - at : BATCH);
    }
    free(batch);
    return cl;
}

static int load(uint64_t events, uint64_t times)
{
    eddy_engine_options o;
    eddy_clusterer *cl = singletons(&o, events);
    eddy_arena *arena = eddy_arena_new(0);
    eddy_error err = {0};
    uint64_t bytes = 0;
    size_t n = 0;
    double before = seconds();
    const eddy_record *list = records(cl, arena, &n, &bytes);
    double written = seconds() - before;
    double best[2] = {1e30, 1e30};
    for (uint64_t k = 0; k < times; k++) {
        eddy_clusterer *again = NULL;
        if (eddy_clusterer_new(&o, &again, &err) != EDDY_OK)
            exit(1);
        eddy_status st = EDDY_OK;
        before = seconds();
        for (size_t i = 0; i < n && st == EDDY_OK; i++)
            st = eddy_clusterer_load(again, &list[i], &err);
        double all = seconds();
        if (st == EDDY_OK)
            st = eddy_clusterer_loaded(again, &err);
        if (st != EDDY_OK || eddy_clusterer_hash(again) != eddy_clusterer_hash(cl)) {
            fprintf(stderr, "bench_engine: %s\n", err.text);
            exit(1);
        }
        double end = seconds();
        best[0] = all - before < best[0] ? all - before : best[0];
        best[1] = end - all < best[1] ? end - all : best[1];
        eddy_clusterer_free(again);
    }
    printf("events=%" PRIu64 "\nrecords=%zu\nbytes_per_event=%.0f\nwrite_s=%.3f\nload_s=%.3f\n"
           "loaded_s=%.3f\n",
           events, n, (double)bytes / (double)events, written, best[0], best[1]);
    eddy_arena_free(arena);
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
    if (a && b && !strcmp(argv[1], "records"))
        return with_records(a, b);
    if (a && b && !strcmp(argv[1], "load"))
        return load(a, b);
    fprintf(stderr, "usage: bench_engine speed EVENTS DOCS | memory DOCS BORN | "
                    "dump EVENTS DOCS FILE | records EVENTS DOCS | load EVENTS TIMES\n");
    return 2;
}
