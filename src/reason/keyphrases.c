/* Keyphrases: what documents are about, in a model's words, before they are clustered
 * (Viswanathan et al., TACL 2024).
 *
 * A stream is cut into batches wherever time cuts it, so the same documents stand among others the
 * next time: answers are kept document by document, not request by request. What a model was told
 * of a document is part of the key, so that another prompt or model is asked anew. */
#include "reason/inside.h"

#include <string.h>

static eddy_str part(const char *text)
{
    return text ? (eddy_str){text, strlen(text)} : (eddy_str){"", 0};
}

static void key_make(const eddy_reasoner *r, eddy_str text, uint64_t key[2])
{
    const struct ed_prompt *prompt = &r->prompts[EDDY_PROMPT_KEYPHRASES];
    const eddy_str parts[] = {part(eddy_prompt_name(EDDY_PROMPT_KEYPHRASES)),
                              part(r->options.model),
                              prompt->system,
                              prompt->user,
                              part(r->options.language),
                              part(r->options.granularity),
                              text};
    ed_request_key(parts, sizeof parts / sizeof *parts, key);
}

/* What is not in the cache becomes a question, where any may be asked; whose[k]: the text of
 * question k. */
static eddy_status questions_make(struct ed_pass *p, const eddy_str *texts, size_t n,
                                  eddy_str *found, size_t *whose)
{
    eddy_reasoner *r = p->r;
    for (size_t i = 0; i < n; i++) {
        uint64_t key[2];
        key_make(r, texts[i], key);
        eddy_str kept = r->options.dry ? (eddy_str){"", 0} : ed_cache_find(&r->cache, key);
        found[i] = (eddy_str){"", 0};
        if (kept.n) {
            found[i] = ed_arena_str(p->arena, kept.at, kept.n);
            if (!found[i].at)
                return EDDY_NOMEM;
            r->stats.cached++;
        } else if (p->seed) {
            struct ed_question *q = ed_question_add(p, EDDY_PROMPT_KEYPHRASES, 0);
            if (!q)
                return EDDY_NOMEM;
            q->text = texts[i];
            whose[p->n_questions - 1] = i;
        }
    }
    return EDDY_OK;
}

eddy_status eddy_reasoner_keyphrases(eddy_reasoner *r, const eddy_str *texts, size_t n,
                                     int64_t now_ms, uint64_t seed, eddy_arena *arena,
                                     eddy_str *ret, eddy_error *err)
{
    static const eddy_view nothing;
    struct ed_pass p = {.r = r, .view = &nothing, .now_ms = now_ms, .seed = seed, .arena = arena};
    eddy_str *found = ed_arena_alloc(arena, (n + 1) * sizeof *found);
    size_t *whose = ed_arena_alloc(arena, (n + 1) * sizeof *whose);
    ed_asked_forget(r);
    eddy_status st = found && whose ? questions_make(&p, texts, n, found, whose) : EDDY_NOMEM;
    if (st == EDDY_OK && ed_asks(r))
        st = ed_ask(&p);
    if (st != EDDY_OK)
        return eddy_fail_nomem(err, "reasoner: keyphrases", eddy_arena_used(arena));
    for (size_t k = 0; k < p.n_questions; k++) {
        const struct ed_question *q = &p.questions[k];
        uint64_t key[2];
        if (!q->answered)
            continue;
        found[whose[k]] = q->answer.phrases;
        key_make(r, q->text, key);
        ed_cache_put(&r->cache, key, q->answer.phrases);
    }
    memcpy(ret, found, n * sizeof *ret);
    return EDDY_OK;
}
