/* Any bytes as log lines: what the scan says of a message lies within it and depends on its bytes
 * alone, and a small miner takes it, shows it and finds its parameters. */
#include <eddy/templates.h>

#include <stdlib.h>
#include <string.h>

static void must(int holds)
{
    if (!holds)
        abort();
}

static void spans_check(const eddy_span *spans, unsigned n, size_t most)
{
    for (unsigned i = 0; i < n; i++) {
        must(spans[i].n > 0 && (size_t)spans[i].at + spans[i].n <= most);
        must(!i || spans[i].at >= spans[i - 1].at + spans[i - 1].n);
    }
}

static const eddy_scan *scan(const char *at, size_t n, eddy_arena *arena)
{
    const eddy_scan *s = NULL;
    must(eddy_scan_message((eddy_str){at, n}, NULL, 0, arena, &s, NULL) == EDDY_OK);
    return s;
}

/* In memory of just its size, so that a byte too many is seen. */
static void scan_check(const char *at, size_t n, const eddy_scan *s, eddy_arena *arena)
{
    char *copy = malloc(n ? n : 1);
    must(copy != NULL);
    memcpy(copy, at, n);
    const eddy_scan *again = scan(copy, n, arena);
    must(s->signature && s->n <= EDDY_SCAN_WORDS && s->n_variables <= EDDY_SCAN_WORDS);
    must(again->signature == s->signature && again->gaps == s->gaps && again->n == s->n &&
         again->rest == s->rest && !memcmp(again->hashes, s->hashes, s->n * sizeof *s->hashes));
    must(s->n == EDDY_SCAN_WORDS || !(s->gaps >> s->n >> 1));
    spans_check(s->words, s->n, n < EDDY_SCAN_BYTES ? n : EDDY_SCAN_BYTES);
    spans_check(s->variables, s->n_variables, n < EDDY_SCAN_BYTES ? n : EDDY_SCAN_BYTES);
    for (unsigned i = 0; i < s->n_variables; i++)
        must(s->before[i] <= s->n && (!i || s->before[i] >= s->before[i - 1]));
    free(copy);
}

static void line_take(eddy_miner *m, const char *at, size_t n, eddy_arena *arena)
{
    eddy_line line = {.message = {at, n}, .scan = scan(at, n, arena)};
    eddy_line_answer answer;
    eddy_template t;
    const eddy_parameter *list;
    size_t n_list;
    scan_check(at, n, line.scan, arena);
    must(eddy_miner_take(m, &line, 1, &answer, NULL) == EDDY_OK);
    must(answer.signature == line.scan->signature);
    must(eddy_miner_template(m, answer.id, arena, &t, NULL) == EDDY_OK);
    must(!t.merged_into && t.count > 0 && t.slot == answer.slot && t.text.n >= t.words.n);
    must(eddy_miner_parameters(m, answer.id, line.message, arena, &list, &n_list, NULL) == EDDY_OK);
    for (size_t i = 0; i < n_list; i++)
        must((size_t)list[i].span.at + list[i].span.n <= n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *end = at + size;
    eddy_miner_options o;
    eddy_miner *m = NULL;
    eddy_arena *arena = eddy_arena_new(0);
    eddy_miner_options_init(&o);
    o.templates_max = 64;
    must(arena && eddy_miner_new(&o, &m, NULL) == EDDY_OK);
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        line_take(m, at, (size_t)(stop - at), arena);
        at = stop + 1;
        eddy_arena_reset(arena);
    }
    eddy_miner_free(m);
    eddy_arena_free(arena);
    return 0;
}
