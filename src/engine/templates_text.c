/* The text of templates: what people see of one, and what varies in a line.
 *
 * A template shows its first line with "<*>" for what varies: variables, and words at whose place
 * others were seen. A variable that was the same in all of the first lines is shown as it is
 * ("ssh2", "jk2_init"): grouping is not touched by that. */
#include "engine/templates.h"

/* ---- what varies ---- */

static uint64_t unlike_in_place(const uint64_t *a, const uint64_t *b, unsigned n, uint8_t *b_of)
{
    uint64_t ret = 0;
    for (unsigned i = 0; i < n; i++) {
        ret |= (uint64_t)(a[i] != b[i]) << i;
        if (b_of)
            b_of[i] = (uint8_t)i;
    }
    return ret;
}

/* By their longest common subsequence. */
uint64_t ed_words_unlike(const uint64_t *a, unsigned n_a, const uint64_t *b, unsigned n_b,
                         uint8_t *b_of)
{
    uint8_t most[EDDY_SCAN_WORDS + 1][EDDY_SCAN_WORDS + 1];
    if (n_a == n_b)
        return unlike_in_place(a, b, n_a, b_of);
    for (unsigned i = 0; i <= n_a; i++)
        most[i][n_b] = 0;
    for (unsigned j = 0; j <= n_b; j++)
        most[n_a][j] = 0;
    for (unsigned i = n_a; i-- > 0;)
        for (unsigned j = n_b; j-- > 0;) {
            uint8_t down = most[i + 1][j], right = most[i][j + 1];
            most[i][j] =
                a[i] == b[j] ? (uint8_t)(most[i + 1][j + 1] + 1) : (down > right ? down : right);
        }
    uint64_t ret = 0;
    for (unsigned i = 0, j = 0; i < n_a; i++) {
        while (j < n_b && most[i][j] == most[i][j + 1])
            j++;
        int same = j < n_b && a[i] == b[j];
        ret |= (uint64_t)!same << i;
        if (b_of)
            b_of[i] = same ? (uint8_t)j : 0;
        j += (unsigned)same;
    }
    return ret;
}

static int spans_equal(const char *a, eddy_span x, const char *b, eddy_span y)
{
    return x.n == y.n && !memcmp(a + x.at, b + y.at, x.n);
}

void ed_node_look(struct ed_node *node, const eddy_line *line)
{
    const struct ed_founder *f = node->founder;
    const eddy_scan *s = line->scan;
    const uint8_t *before = ed_founder_before(f);
    const eddy_span *variables = ed_founder_variables(f);
    if (s->n != f->n)
        return;
    node->looked++;
    for (unsigned i = 0, j = 0; i < f->n_variables;) {
        unsigned i_end = i, j_end;
        while (i_end < f->n_variables && before[i_end] == before[i])
            i_end++;
        while (j < s->n_variables && s->before[j] < before[i])
            j++;
        for (j_end = j; j_end < s->n_variables && s->before[j_end] == before[i];)
            j_end++;
        int as_many = i_end - i == j_end - j;
        for (; i < i_end; i++, j++)
            if (!as_many ||
                !spans_equal(ed_founder_text(f), variables[i], line->message.at, s->variables[j]))
                node->changed |= UINT64_C(1) << i;
        j = j_end;
    }
}

int ed_variable_is_constant(const struct ed_node *node, unsigned variable)
{
    const struct ed_founder *f = node->founder;
    eddy_span span = ed_founder_variables(f)[variable];
    unsigned letters = 0, digits = 0, hex = 0;
    if (node->looked < LOOKS_MIN || node->changed >> variable & 1)
        return 0;
    for (unsigned i = 0; i < span.n; i++) {
        unsigned char c = (unsigned char)ed_founder_text(f)[span.at + i], low = c | 0x20;
        if (strchr("/\\@%.:", c))
            return 0;
        int digit = c >= '0' && c <= '9';
        digits += (unsigned)digit;
        letters += (low >= 'a' && low <= 'z') || c >= 0x80;
        hex += digit || (low >= 'a' && low <= 'f');
    }
    return letters >= 2 && digits <= 1 && hex < span.n;
}

/* ---- the text ---- */

/* Stretches of a founder's text that vary, by place; at most twice EDDY_SCAN_WORDS. */
static unsigned varying(const struct ed_node *node, eddy_span *ret)
{
    const struct ed_founder *f = node->founder;
    unsigned n = 0, i = 0, w = 0;
    while (i < f->n_variables || w < f->n) {
        eddy_span variable = i < f->n_variables ? ed_founder_variables(f)[i] : (eddy_span){0};
        eddy_span word = w < f->n ? ed_founder_words(f)[w] : (eddy_span){0};
        if (w == f->n || (i < f->n_variables && variable.at < word.at)) {
            if (!ed_variable_is_constant(node, i))
                ret[n++] = variable;
            i++;
        } else {
            if (node->mask >> w & 1)
                ret[n++] = word;
            w++;
        }
    }
    return n;
}

static const char hole[] = "<*>";

/* ---- what repeats ---- */

#define LIST_TOKENS 4 /* of the longest entry of a list that is shown once */

struct token {
    char *at;
    size_t n;
};

/* But for what parts the entries of a list. */
static int tokens_alike(struct token a, struct token b)
{
    while (a.n && strchr(",;", a.at[a.n - 1]))
        a.n--;
    while (b.n && strchr(",;", b.at[b.n - 1]))
        b.n--;
    return a.n == b.n && !memcmp(a.at, b.at, a.n);
}

/* Do these tokens say anything, and does something of it vary? */
static int is_entry(const struct token *tokens, unsigned n)
{
    int letters = 0, holes = 0;
    for (unsigned i = 0; i < n; i++)
        for (size_t j = 0; j < tokens[i].n; j++) {
            char low = tokens[i].at[j] | 0x20;
            letters |= (low >= 'a' && low <= 'z') || tokens[i].at[j] & 0x80;
            holes |= tokens[i].n - j >= sizeof hole - 1 &&
                     !memcmp(tokens[i].at + j, hole, sizeof hole - 1);
        }
    return letters && holes;
}

/* The last tokens (n) of a text: is there an entry twice? How many tokens it has. */
static unsigned entry_twice(const struct token *tokens, unsigned n)
{
    for (unsigned p = 1; p <= LIST_TOKENS && 2 * p <= n; p++) {
        const struct token *last = tokens + n - p;
        unsigned same = 0;
        while (same < p && tokens_alike(last[same], last[same - (long)p]))
            same++;
        if (same == p && is_entry(last, p))
            return p;
    }
    return 0;
}

/* A list is shown by one entry: the signature does not tell how many there are. In place; returns
 * how long it is then. */
static size_t lists_shorten(char *text, size_t n)
{
    struct token tokens[2 * LIST_TOKENS];
    unsigned n_tokens = 0;
    size_t to = 0;
    for (size_t from = 0; from < n;) {
        while (from < n && text[from] == ' ')
            text[to++] = text[from++];
        if (n_tokens == 2 * LIST_TOKENS)
            memmove(tokens, tokens + 1, --n_tokens * sizeof *tokens);
        struct token *token = &tokens[n_tokens++];
        token->at = text + to;
        while (from < n && text[from] != ' ')
            text[to++] = text[from++];
        token->n = (size_t)(text + to - token->at);
        unsigned p = token->n ? entry_twice(tokens, n_tokens) : 0;
        if (!p)
            continue;
        struct token end = tokens[n_tokens - 1]; /* it may be the last, which nothing parts */
        n_tokens -= p;
        struct token *kept = &tokens[n_tokens - 1];
        memmove(kept->at, end.at, end.n);
        kept->n = end.n;
        to = (size_t)(kept->at + kept->n - text);
    }
    return to;
}

/* ---- texts ---- */

static eddy_str text_of(const struct ed_node *node, eddy_arena *arena)
{
    const struct ed_founder *f = node->founder;
    eddy_span spans[2 * EDDY_SCAN_WORDS];
    unsigned n = varying(node, spans);
    char *text = ed_arena_alloc(arena, f->n_text + n * (sizeof hole - 1) + 1);
    size_t from = 0, at = 0;
    if (!text)
        return (eddy_str){NULL, 0};
    for (unsigned i = 0; i <= n; i++) {
        size_t to = i < n ? spans[i].at : f->n_text;
        memcpy(text + at, ed_founder_text(f) + from, to - from);
        at += to - from;
        if (i == n)
            break;
        memcpy(text + at, hole, sizeof hole - 1);
        at += sizeof hole - 1;
        from = to + spans[i].n;
    }
    at = lists_shorten(text, at);
    text[at] = 0;
    return (eddy_str){text, at};
}

/* The same without holes, blanks single. */
static eddy_str words_of(eddy_str text, eddy_arena *arena)
{
    char *words = ed_arena_alloc(arena, text.n + 1);
    size_t n = 0;
    if (!words)
        return (eddy_str){NULL, 0};
    for (size_t i = 0; i < text.n;) {
        if (text.n - i >= sizeof hole - 1 && !memcmp(text.at + i, hole, sizeof hole - 1)) {
            i += sizeof hole - 1;
            continue;
        }
        char c = text.at[i++];
        int blank = c == ' ' || (c >= '\t' && c <= '\r') || !c;
        if (!blank)
            words[n++] = c;
        else if (n && words[n - 1] != ' ')
            words[n++] = ' ';
    }
    n -= n && words[n - 1] == ' ';
    words[n] = 0;
    return (eddy_str){words, n};
}

/* ---- names ---- */

static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz"; /* Crockford's */
#define NAME_DIGITS 13

void eddy_template_name(uint64_t id, char *ret)
{
    memcpy(ret, "t1-", 3);
    for (unsigned i = 0; i < NAME_DIGITS; i++)
        ret[3 + i] = digits[id >> 5 * (NAME_DIGITS - 1 - i) & 31];
    ret[3 + NAME_DIGITS] = 0;
}

uint64_t eddy_template_id(eddy_str name)
{
    uint64_t id = 0;
    if (name.n != 3 + NAME_DIGITS || memcmp(name.at, "t1-", 3))
        return 0;
    for (unsigned i = 0; i < NAME_DIGITS; i++) {
        const char *digit = name.at[3 + i] ? strchr(digits, name.at[3 + i]) : NULL;
        if (!digit || (!i && digit - digits > 15))
            return 0;
        id = id << 5 | (uint64_t)(digit - digits);
    }
    return id;
}

const char *eddy_template_change_name(eddy_template_change_kind kind)
{
    static const char *const names[] = {"founded", "merged", "split", "faded"};
    return names[kind];
}

const char *eddy_place_reason_name(eddy_place_reason reason)
{
    static const char *const names[] = {"none", "words", "variable", "pair"};
    return names[reason];
}

/* ---- pictures ---- */

uint32_t ed_template_slot(const eddy_miner *m, uint64_t id, eddy_error *err)
{
    const uint64_t *slot = ed_table_find(&m->slot_of, id);
    if (slot)
        return (uint32_t)*slot;
    char name[EDDY_TEMPLATE_NAME];
    eddy_template_name(id, name);
    eddy_fail(err, EDDY_INVALID, "template %s is not in memory", name);
    return NONE;
}

eddy_status eddy_miner_template(const eddy_miner *m, uint64_t id, eddy_arena *arena,
                                eddy_template *ret, eddy_error *err)
{
    uint32_t slot = ed_template_slot(m, id, err);
    if (slot == NONE)
        return EDDY_INVALID;
    const struct ed_node *node = &m->nodes[slot];
    eddy_template t = {.id = id,
                       .slot = slot,
                       .text = text_of(node, arena),
                       .count = node->count,
                       .first_ms = node->first_ms,
                       .last_ms = node->last_ms,
                       .merged_into = node->root == slot ? 0 : m->nodes[node->root].id,
                       .polar = node->founder->polar,
                       .value = node->value,
                       .coarse = node->coarse};
    if (t.text.at)
        t.words = words_of(t.text, arena);
    if (!t.words.at)
        return eddy_fail_nomem(err, "template", node->founder->n_text);
    eddy_template_name(id, t.name);
    for (uint32_t at = node->next; node->root == slot && at != slot; at = m->nodes[at].next) {
        const struct ed_node *member = &m->nodes[at];
        t.count += member->count;
        t.first_ms = t.first_ms < member->first_ms ? t.first_ms : member->first_ms;
        t.last_ms = t.last_ms > member->last_ms ? t.last_ms : member->last_ms;
        t.n_merged++;
    }
    *ret = t;
    return EDDY_OK;
}

struct aged {
    uint64_t number, id;
};

static int aged_order(const void *a, const void *b)
{
    const struct aged *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

/* Roots, oldest first; value NULL: all. */
static eddy_status roots(const eddy_miner *m, const uint64_t *value, eddy_arena *arena,
                         const uint64_t **ret, size_t *n_ret, eddy_error *err)
{
    size_t n = 0;
    for (uint32_t slot = 0; slot < m->slots.n; slot++)
        n += m->nodes[slot].id && m->nodes[slot].root == slot &&
             (!value || m->nodes[slot].value == *value);
    struct aged *list = ed_arena_alloc(arena, n * sizeof *list);
    uint64_t *ids = ed_arena_alloc(arena, n * sizeof *ids);
    if (!list || !ids)
        return eddy_fail_nomem(err, "templates", n * sizeof *list);
    n = 0;
    for (uint32_t slot = 0; slot < m->slots.n; slot++) {
        const struct ed_node *node = &m->nodes[slot];
        if (node->id && node->root == slot && (!value || node->value == *value))
            list[n++] = (struct aged){node->number, node->id};
    }
    if (n)
        qsort(list, n, sizeof *list, aged_order);
    for (size_t i = 0; i < n; i++)
        ids[i] = list[i].id;
    *ret = ids;
    *n_ret = n;
    return EDDY_OK;
}

eddy_status eddy_miner_templates(const eddy_miner *m, eddy_arena *arena, const uint64_t **ret,
                                 size_t *n_ret, eddy_error *err)
{
    return roots(m, NULL, arena, ret, n_ret, err);
}

eddy_status eddy_miner_with_value(const eddy_miner *m, uint64_t value, eddy_arena *arena,
                                  const uint64_t **ret, size_t *n_ret, eddy_error *err)
{
    return roots(m, &value, arena, ret, n_ret, err);
}

eddy_status eddy_miner_value_set(eddy_miner *m, uint64_t id, uint64_t value, eddy_error *err)
{
    uint32_t slot = ed_template_slot(m, id, err);
    if (slot == NONE)
        return EDDY_INVALID;
    m->nodes[slot].value = value;
    ed_miner_mark(m, ED_MINER_STANDING, slot);
    return EDDY_OK;
}

uint64_t eddy_miner_value(const eddy_miner *m, uint32_t slot)
{
    return slot < m->slots.n ? m->nodes[slot].value : 0;
}
