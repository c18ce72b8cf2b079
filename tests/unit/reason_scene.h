/* A pass with a scripted model, every operation of which is held against the offer. */
#ifndef EDDY_TEST_REASON_SCENE_H
#define EDDY_TEST_REASON_SCENE_H

#include "reason_offer.h"
#include "reason_support.h"

#define SAME_YES "{\"Q1\":{\"same\":true,\"confidence\":0.95,\"reason\":\"The quake.\"}}"
#define NAME_ONE "{\"Q1\":{\"name\":\"Earthquake\",\"summary\":\"It shook.\",\"category\":\"\"}}"

/* A reasoner, a script and an arena, made and cleared together. */
struct scene {
    struct made *m;
    struct script script;
    eddy_reasoner *r;
    eddy_arena *arena;
    const eddy_operation *ops;
    size_t n;
};

static inline struct scene *scene_new(const char *const *replies, size_t n,
                                      void (*more)(eddy_reason_options *))
{
    struct scene *s = calloc(1, sizeof *s);
    s->m = made_new();
    s->script =
        (struct script){.replies = replies, .n_replies = n, .tokens_in = 300, .tokens_out = 30};
    s->r = reasoner_new(&s->script, more);
    s->arena = eddy_arena_new(0);
    return s;
}

static inline void scene_free(struct scene *s)
{
    eddy_arena_free(s->arena);
    eddy_reasoner_free(s->r);
    script_clear(&s->script);
    free(s->m);
    free(s);
}

/* A pass at this time; every operation has to be among those offered. */
static inline size_t scene_pass(struct scene *s, int64_t now_ms)
{
    eddy_error err = {0};
    s->ops = NULL;
    s->n = 0;
    CHECK_OK(eddy_reasoner_pass(s->r, &s->m->view, now_ms, 42, s->arena, &s->ops, &s->n, &err),
             &err);
    for (size_t i = 0; i < s->n; i++) {
        const char *why = offer_denies(&s->m->view, &s->ops[i]);
        if (why)
            fail_msg("operation %zu: %s", i, why);
    }
    return s->n;
}

static inline eddy_reason_stats stats_of(const struct scene *s)
{
    eddy_reason_stats stats;
    eddy_reasoner_stats(s->r, &stats);
    return stats;
}

static inline void names(struct scene *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        made_event(s->m, 1 + i, 10, quake, quake_words);
}

#endif
