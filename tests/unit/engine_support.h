/* Streams for the engine's tests: documents around directions, with words of their own. */
#ifndef EDDY_TEST_ENGINE_SUPPORT_H
#define EDDY_TEST_ENGINE_SUPPORT_H

#include "test.h"

#include "base/bytes.h"

#include <eddy/engine.h>

#include <math.h>

#define STREAM_DIM   32
#define STREAM_WORDS 6

struct stream {
    size_t n;
    eddy_row *rows;
    float *vectors;
    eddy_term *terms;
    uint64_t *gold;
    char (*spelling)[8];
};

/* n documents of `events` events; noise of 1 makes two documents of an event about half alike. */
static inline struct stream stream_make(uint64_t seed, size_t n, size_t events, double noise)
{
    struct stream s = {.n = n};
    s.rows = calloc(n, sizeof *s.rows);
    s.vectors = calloc(n * STREAM_DIM, sizeof *s.vectors);
    s.terms = calloc(n * STREAM_WORDS, sizeof *s.terms);
    s.gold = calloc(n, sizeof *s.gold);
    s.spelling = calloc(4096, sizeof *s.spelling);
    for (size_t w = 0; w < 4096; w++)
        snprintf(s.spelling[w], sizeof *s.spelling, "w%zu", w);
    for (size_t i = 0; i < n; i++) {
        uint64_t event = test_random(&seed) % events;
        s.gold[i] = event;
        float *x = s.vectors + i * STREAM_DIM;
        double square = 0;
        for (size_t d = 0; d < STREAM_DIM; d++) {
            uint64_t own = ed_mix64(event * 7919 + d);
            uint64_t random = test_random(&seed);
            x[d] = (float)(((double)(own >> 11) * 0x1p-53 - 0.5) +
                           noise * ((double)(random >> 11) * 0x1p-53 - 0.5));
            square += (double)x[d] * (double)x[d];
        }
        for (size_t d = 0; d < STREAM_DIM; d++)
            x[d] /= (float)sqrt(square);
        eddy_term *t = s.terms + i * STREAM_WORDS;
        for (size_t k = 0; k < STREAM_WORDS; k++) {
            uint32_t word = k < 3 ? (uint32_t)(100 + (event * 3 + k) % 3900)
                                  : (uint32_t)(test_random(&seed) % 30 + k * 30 - 90);
            const char *text = s.spelling[word];
            t[k] = (eddy_term){ed_fnv1a(ED_FNV_BASIS, text, strlen(text)), text,
                               (uint16_t)strlen(text), 1};
        }
        s.rows[i] = (eddy_row){.dense = x,
                               .terms = t,
                               .n_terms = STREAM_WORDS,
                               .time_ms = (int64_t)i * 1000,
                               .id = {"id", 2},
                               .title = {"a title", 7}};
    }
    return s;
}

static inline void stream_free(struct stream *s)
{
    free(s->rows);
    free(s->vectors);
    free(s->terms);
    free(s->gold);
    free(s->spelling);
}

static inline eddy_engine_options stream_options(void)
{
    eddy_engine_options o;
    eddy_engine_options_init(&o);
    o.dense_dim = STREAM_DIM;
    o.terms_dim = 64;
    return o;
}

/* Everything a run tells, as text: two runs are equal when their texts are. */
static inline void tell_answers(struct ed_bytes *told, const eddy_assignment *a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ed_bytes_printf(told, "a %llu %llu %llu %d %a %a %llu %a %a",
                        (unsigned long long)a[i].position, (unsigned long long)a[i].event,
                        (unsigned long long)a[i].group, a[i].founded, (double)a[i].similarity,
                        (double)a[i].threshold, (unsigned long long)a[i].runner_up,
                        (double)a[i].runner_up_similarity, (double)a[i].confidence);
        for (uint32_t k = 0; k < a[i].n_memberships; k++)
            ed_bytes_printf(told, " %llu:%a", (unsigned long long)a[i].memberships[k].event,
                            (double)a[i].memberships[k].weight);
        ed_bytes_add_str(told, "\n");
    }
}

static inline void tell_changes(struct ed_bytes *told, const eddy_clusterer *cl)
{
    const eddy_change *c;
    size_t n = eddy_clusterer_changes(cl, &c);
    for (size_t i = 0; i < n; i++)
        ed_bytes_printf(told, "c %s %llu %llu %llu %llu %g>%g %g>%g %a %a %lld\n",
                        eddy_change_name(c[i].kind), (unsigned long long)c[i].event,
                        (unsigned long long)c[i].other, (unsigned long long)c[i].group,
                        (unsigned long long)c[i].into_group, c[i].size_before, c[i].size_after,
                        c[i].other_before, c[i].other_after, (double)c[i].similarity,
                        (double)c[i].threshold, (long long)c[i].time_ms);
}

static inline void tell_pictures(struct ed_bytes *told, const eddy_clusterer *cl)
{
    const eddy_event *p;
    size_t n = eddy_clusterer_pictures(cl, &p);
    for (size_t i = 0; i < n; i++) {
        ed_bytes_printf(told, "p %llu v%llu %d %g %a %u %s", (unsigned long long)p[i].id,
                        (unsigned long long)p[i].version, (int)p[i].state, p[i].size,
                        (double)p[i].cohesion, p[i].n_groups, p[i].name.at);
        for (uint32_t k = 0; k < p[i].n_keywords; k++)
            ed_bytes_printf(told, " %s:%a", p[i].keywords[k].word.at,
                            (double)p[i].keywords[k].score);
        ed_bytes_printf(told, " at %a %a\n", p[i].map[0], p[i].map[1]);
    }
}

#endif
