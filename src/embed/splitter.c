/* Steps stand one inside the other: what one cuts off goes through the next before it cuts again,
 * so no list of pieces is kept and a reader that is full stops all of them. */
#include "embed/splitter.h"

#include "embed/normalizer.h"

#include "base/utf8.h"

#include <utf8proc.h>

/* ---- reading tokenizer.json ---- */

static eddy_status marks_read(struct ed_split_step *step, const struct ed_model_file *file,
                              const json_t *value, eddy_error *err)
{
    const char *mark = ed_model_word(value, "replacement", "\xE2\x96\x81");
    const char *scheme = ed_model_word(value, "prepend_scheme", "always");
    int prefix = 1;
    step->kind = ED_SPLIT_MARKS;
    step->n_mark = strlen(mark);
    int32_t c = 0;
    if (!step->n_mark || ed_utf8_next(mark, step->n_mark, &c) != step->n_mark)
        return ed_model_unsupported(file, "pre_tokenizer: Metaspace: replacement", mark, err);
    memcpy(step->mark, mark, step->n_mark);
    ed_model_flag(value, "split", &step->parts);
    ed_model_flag(value, "add_prefix_space", &prefix);
    if (!strcmp(scheme, "always"))
        step->first = prefix ? ED_MARK_ALWAYS : ED_MARK_NEVER;
    else if (!strcmp(scheme, "first"))
        step->first = ED_MARK_START;
    else if (!strcmp(scheme, "never"))
        step->first = ED_MARK_NEVER;
    else
        return ed_model_unsupported(file, "pre_tokenizer: prepend_scheme", scheme, err);
    return EDDY_OK;
}

static eddy_status step_read(struct ed_split_step *step, const struct ed_model_file *file,
                             const json_t *value, eddy_error *err)
{
    const char *type = ed_model_word(value, "type", "");
    *step = (struct ed_split_step){.parts = 1};
    if (!strcmp(type, "Metaspace"))
        return marks_read(step, file, value, err);
    if (!strcmp(type, "ByteLevel")) {
        int prefix = 1;
        step->kind = ED_SPLIT_BYTES;
        ed_model_flag(value, "add_prefix_space", &prefix);
        ed_model_flag(value, "use_regex", &step->parts);
        step->first = prefix ? ED_MARK_ALWAYS : ED_MARK_NEVER;
        memcpy(step->mark, " ", step->n_mark = 1);
        return EDDY_OK;
    }
    if (strcmp(type, "WhitespaceSplit") != 0)
        return ed_model_unsupported(file, "pre_tokenizer: type", type, err);
    step->kind = ED_SPLIT_SPACES;
    return EDDY_OK;
}

eddy_status ed_splitter_init(struct ed_splitter *split, const struct ed_model_file *file,
                             const json_t *value, eddy_error *err)
{
    *split = (struct ed_splitter){0};
    if (!value || json_is_null(value))
        return EDDY_OK;
    const json_t *list = json_object_get(value, "pretokenizers");
    int is_list = !strcmp(ed_model_word(value, "type", ""), "Sequence");
    size_t n = is_list ? json_array_size(list) : 1;
    if (n > ED_SPLIT_STEPS)
        return ed_model_wrong(file, err, "pre_tokenizer: %zu steps, the most is %d", n,
                              ED_SPLIT_STEPS);
    for (size_t i = 0; i < n; i++) {
        struct ed_split_step *step = &split->steps[split->n++];
        if (split->by_bytes)
            return ed_model_unsupported(file, "pre_tokenizer", "a step after ByteLevel", err);
        eddy_status st = step_read(step, file, is_list ? json_array_get(list, i) : value, err);
        if (st != EDDY_OK)
            return st;
        split->by_bytes = step->kind == ED_SPLIT_BYTES;
    }
    return EDDY_OK;
}

/* ---- words ---- */

struct splitting {
    const struct ed_splitter *split;
    eddy_arena *arena;
    struct ed_run *runs;
    ed_word_take *take;
    void *to;
    int lost;
};

/* Put a text through the steps from one on. 0: no more is wanted, or there is no memory. */
static int step_pass(struct splitting *s, size_t step, eddy_str text, int at_start);

static int at_spaces(struct splitting *s, size_t step, eddy_str text, int at_start)
{
    size_t from = 0, size;
    for (size_t i = 0; i < text.n; i += size) {
        int32_t c;
        size = ed_utf8_next(text.at + i, text.n - i, &c);
        if (!ed_is_space(c))
            continue;
        if (from < i &&
            !step_pass(s, step + 1, (eddy_str){text.at + from, i - from}, at_start && !from))
            return 0;
        from = i + size;
    }
    return from == text.n ||
           step_pass(s, step + 1, (eddy_str){text.at + from, text.n - from}, at_start && !from);
}

static int begins(eddy_str text, const struct ed_split_step *step)
{
    return text.n >= step->n_mark && !memcmp(text.at, step->mark, step->n_mark);
}

/* The text with marks for blanks, and one in front where one belongs. 0: no memory. */
static int marks_put(struct splitting *s, size_t at, eddy_str *text, int at_start)
{
    const struct ed_split_step *step = &s->split->steps[at];
    struct ed_run *run = &s->runs[at];
    int is_first = begins(*text, step) || text->at[0] == ' ';
    int adds =
        !is_first && (step->first == ED_MARK_ALWAYS || (step->first == ED_MARK_START && at_start));
    size_t blanks = 0;
    for (size_t i = 0; i < text->n; i++)
        blanks += text->at[i] == ' ';
    if (!adds && !blanks)
        return 1;
    run->n = 0;
    if (!ed_run_room(run, s->arena, text->n + (blanks + 1) * step->n_mark))
        return 0;
    if (adds)
        ed_run_put(run, step->mark, step->n_mark);
    for (size_t i = 0, end; i < text->n; i = end + 1) {
        const char *blank = memchr(text->at + i, ' ', text->n - i);
        end = blank ? (size_t)(blank - text->at) : text->n;
        ed_run_put(run, text->at + i, end - i);
        if (blank)
            ed_run_put(run, step->mark, step->n_mark);
    }
    *text = (eddy_str){run->at, run->n};
    return 1;
}

static int at_marks(struct splitting *s, size_t at, eddy_str text, int at_start)
{
    const struct ed_split_step *step = &s->split->steps[at];
    if (!marks_put(s, at, &text, at_start)) {
        s->lost = 1;
        return 0;
    }
    size_t from = 0;
    for (size_t i = 1; step->parts && i < text.n; i++) {
        eddy_str rest = {text.at + i, text.n - i};
        if (text.at[i] != step->mark[0] || !begins(rest, step))
            continue;
        if (!step_pass(s, at + 1, (eddy_str){text.at + from, i - from}, at_start && !from))
            return 0;
        from = i;
    }
    return step_pass(s, at + 1, (eddy_str){text.at + from, text.n - from}, at_start && !from);
}

/* ---- GPT-2's words ---- */

enum letter { OTHER, SPACE, LETTER, NUMBER };

static enum letter letter_of(const char *s, size_t n, size_t *size)
{
    unsigned char b = (unsigned char)*s;
    if (b < 0x80) {
        *size = 1;
        return (b | 32) >= 'a' && (b | 32) <= 'z' ? LETTER
               : b >= '0' && b <= '9'             ? NUMBER
               : b == ' ' || (b >= 9 && b <= 13)  ? SPACE
                                                  : OTHER;
    }
    int32_t c;
    *size = ed_utf8_next(s, n, &c);
    if (ed_is_space(c))
        return SPACE;
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: return LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return NUMBER;
    default: return OTHER;
    }
}

/* Where the run of that kind ends that begins at i; *last is where its last character stands. */
static size_t run_end(eddy_str text, size_t i, enum letter kind, size_t *last)
{
    size_t size;
    for (*last = i; i < text.n && letter_of(text.at + i, text.n - i, &size) == kind; i += size)
        *last = i;
    return i;
}

/* "'s" and its like. */
static size_t contraction(const char *s, size_t n)
{
    if (n >= 2 && s[0] == '\'' && memchr("stmd", s[1], 4))
        return 2;
    return n >= 3 && s[0] == '\'' &&
                   (!memcmp(s + 1, "re", 2) || !memcmp(s + 1, "ve", 2) || !memcmp(s + 1, "ll", 2))
               ? 3
               : 0;
}

/* Where the word ends that begins at i, by
 *   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * A run of blanks leaves its last one to the word behind it, which takes it if it is U+0020. */
static size_t word_end(eddy_str text, size_t i)
{
    size_t size, last, short_one = contraction(text.at + i, text.n - i);
    if (short_one)
        return i + short_one;
    size_t from = i;
    enum letter kind = letter_of(text.at + i, text.n - i, &size);
    if (text.at[i] == ' ' && i + 1 < text.n) {
        enum letter next = letter_of(text.at + i + 1, text.n - i - 1, &size);
        if (next != SPACE) {
            kind = next;
            from = i + 1;
        }
    }
    size_t end = run_end(text, from, kind, &last);
    return kind == SPACE && end < text.n && last > i ? last : end;
}

static int at_bytes(struct splitting *s, size_t at, eddy_str text)
{
    const struct ed_split_step *step = &s->split->steps[at];
    struct ed_run *run = &s->runs[at];
    if (step->first == ED_MARK_ALWAYS && text.at[0] != ' ') {
        run->n = 0;
        if (!ed_run_room(run, s->arena, text.n + 1)) {
            s->lost = 1;
            return 0;
        }
        ed_run_put(run, " ", 1);
        ed_run_put(run, text.at, text.n);
        text = (eddy_str){run->at, run->n};
    }
    for (size_t i = 0, end; i < text.n; i = end) {
        end = step->parts ? word_end(text, i) : text.n;
        if (!s->take(s->to, (eddy_str){text.at + i, end - i}))
            return 0;
    }
    return 1;
}

static int step_pass(struct splitting *s, size_t step, eddy_str text, int at_start)
{
    if (step == s->split->n)
        return s->take(s->to, text);
    switch (s->split->steps[step].kind) {
    case ED_SPLIT_SPACES: return at_spaces(s, step, text, at_start);
    case ED_SPLIT_MARKS: return at_marks(s, step, text, at_start);
    case ED_SPLIT_BYTES: break;
    }
    return at_bytes(s, step, text);
}

int ed_split(const struct ed_splitter *split, eddy_str text, int at_start, eddy_arena *arena,
             struct ed_run *runs, ed_word_take *take, void *to)
{
    struct splitting s = {split, arena, runs, take, to, 0};
    step_pass(&s, 0, text, at_start);
    return !s.lost;
}
