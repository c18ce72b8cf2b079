/* Step after step, from one run of bytes into the other. The reference keeps for each byte where it
 * came from; of that only one question is ever asked: whether the first one is still the first. */
#include "embed/normalizer.h"

#include "base/error.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <utf8proc.h>

int ed_is_space(int32_t c)
{
    return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
           c == 0x205F || c == 0x3000;
}

/* ---- reading tokenizer.json ---- */

static eddy_status copy(const json_t *string, eddy_str *ret, eddy_error *err)
{
    size_t n = json_string_length(string);
    char *at = ed_strndup(n ? json_string_value(string) : "", n);
    if (!at)
        return eddy_fail_nomem(err, "normalizer", n);
    *ret = (eddy_str){at, n};
    return EDDY_OK;
}

static eddy_status replace_read(struct ed_normal_step *step, const struct ed_model_file *file,
                                const json_t *value, eddy_error *err)
{
    static const struct {
        const char *regex;
        size_t least;
        int any_space;
    } known[] = {{" {2,}", 2, 0}, {" +", 1, 0}, {"\\s+", 1, 1}};
    const json_t *pattern = json_object_get(value, "pattern");
    const json_t *string = json_object_get(pattern, "String");
    if (json_string_length(string)) {
        step->kind = ED_NORMAL_REPLACE;
        eddy_status st = copy(string, &step->from, err);
        return st == EDDY_OK ? copy(json_object_get(value, "content"), &step->to, err) : st;
    }
    const char *regex = ed_model_word(pattern, "Regex", "");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(regex, known[i].regex)) {
            step->kind = ED_NORMAL_SQUEEZE;
            step->least = known[i].least;
            step->any_space = known[i].any_space;
            return copy(json_object_get(value, "content"), &step->to, err);
        }
    return ed_model_unsupported(file, "normalizer: Replace: pattern", regex, err);
}

static eddy_status fold_read(struct ed_normal_step *step, const struct ed_model_file *file,
                             const json_t *value, eddy_error *err)
{
    int clean = 1, strip = -1;
    step->kind = ED_NORMAL_FOLD;
    step->flags = (struct ed_fold_flags){.lower = 1, .split_cjk = 1};
    ed_model_flag(value, "clean_text", &clean);
    ed_model_flag(value, "lowercase", &step->flags.lower);
    ed_model_flag(value, "strip_accents", &strip);
    ed_model_flag(value, "handle_chinese_chars", &step->flags.split_cjk);
    step->flags.strip_accents = strip < 0 ? step->flags.lower : strip;
    if (!clean)
        return ed_model_unsupported(file, "normalizer: BertNormalizer: clean_text", "false", err);
    return EDDY_OK;
}

static eddy_status charsmap_read(struct ed_normal_step *step, const struct ed_model_file *file,
                                 const json_t *value, eddy_error *err)
{
    const json_t *table = json_object_get(value, "precompiled_charsmap");
    eddy_error why = {0};
    step->kind = ED_NORMAL_CHARSMAP;
    if (!json_is_string(table))
        return ed_model_wrong(file, err, "normalizer: precompiled_charsmap is missing");
    eddy_status st =
        ed_charsmap_init(&step->map, json_string_value(table), json_string_length(table), &why);
    if (st == EDDY_FORMAT)
        return ed_model_wrong(file, err, "normalizer: precompiled_charsmap %s", why.text);
    return st == EDDY_OK ? st : eddy_fail_nomem(err, "charsmap", json_string_length(table));
}

static eddy_status step_read(struct ed_normal_step *step, const struct ed_model_file *file,
                             const json_t *value, eddy_error *err)
{
    static const struct {
        const char *name;
        int options;
    } forms[] = {{"NFC", UTF8PROC_STABLE | UTF8PROC_COMPOSE},
                 {"NFD", UTF8PROC_STABLE | UTF8PROC_DECOMPOSE},
                 {"NFKC", UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT},
                 {"NFKD", UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT}};
    const char *type = ed_model_word(value, "type", "");
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (!strcmp(type, forms[i].name)) {
            step->kind = ED_NORMAL_UNICODE;
            step->options = forms[i].options;
            return EDDY_OK;
        }
    if (!strcmp(type, "Precompiled"))
        return charsmap_read(step, file, value, err);
    if (!strcmp(type, "Replace"))
        return replace_read(step, file, value, err);
    if (!strcmp(type, "BertNormalizer"))
        return fold_read(step, file, value, err);
    if (!strcmp(type, "Prepend")) {
        step->kind = ED_NORMAL_PREPEND;
        return copy(json_object_get(value, "prepend"), &step->to, err);
    }
    if (!strcmp(type, "Strip")) {
        step->kind = ED_NORMAL_STRIP;
        ed_model_flag(value, "strip_left", &step->left);
        ed_model_flag(value, "strip_right", &step->right);
    } else if (!strcmp(type, "Lowercase")) {
        step->kind = ED_NORMAL_LOWER;
    } else {
        return ed_model_unsupported(file, "normalizer: type", type, err);
    }
    return EDDY_OK;
}

eddy_status ed_normalizer_init(struct ed_normalizer *norm, const struct ed_model_file *file,
                               const json_t *value, eddy_error *err)
{
    norm->n = 0;
    if (!value || json_is_null(value))
        return EDDY_OK;
    const json_t *list = json_object_get(value, "normalizers");
    int is_list = !strcmp(ed_model_word(value, "type", ""), "Sequence");
    size_t n = is_list ? json_array_size(list) : 1;
    if (n > ED_NORMAL_STEPS)
        return ed_model_wrong(file, err, "normalizer: %zu steps, the most is %d", n,
                              ED_NORMAL_STEPS);
    for (size_t i = 0; i < n; i++) {
        struct ed_normal_step *step = &norm->steps[norm->n++];
        *step = (struct ed_normal_step){0};
        eddy_status st = step_read(step, file, is_list ? json_array_get(list, i) : value, err);
        if (st != EDDY_OK)
            return st;
    }
    return EDDY_OK;
}

void ed_normalizer_clear(struct ed_normalizer *norm)
{
    for (size_t i = 0; i < norm->n; i++) {
        ed_free((char *)(uintptr_t)norm->steps[i].from.at);
        ed_free((char *)(uintptr_t)norm->steps[i].to.at);
        ed_charsmap_clear(&norm->steps[i].map);
    }
    norm->n = 0;
}

/* ---- a text ---- */

/* A text on its way: each step reads text and fills out, or leaves out alone and moves the text's
 * borders. */
struct passing {
    eddy_arena *arena;
    eddy_str text;
    struct ed_run *out;
    int at_start;
};

static int put(struct passing *p, const char *s, size_t n)
{
    if (!ed_run_room(p->out, p->arena, n))
        return 0;
    ed_run_put(p->out, s, n);
    return 1;
}

static int put_char(struct passing *p, int32_t c)
{
    char bytes[4];
    return put(p, bytes, ed_utf8_put(c, bytes));
}

static int replace(struct passing *p, const struct ed_normal_step *step)
{
    const char *at = p->text.at, *stop = at + p->text.n;
    const size_t n = step->from.n;
    for (const char *next; at < stop; at = next + n) {
        next = at;
        while ((next = memchr(next, step->from.at[0], (size_t)(stop - next))) &&
               ((size_t)(stop - next) < n || memcmp(next, step->from.at, n) != 0))
            next++;
        if (!next || (size_t)(stop - next) < n)
            return put(p, at, (size_t)(stop - at));
        if (next == p->text.at && !step->to.n)
            p->at_start = 0;
        if (!put(p, at, (size_t)(next - at)) || !put(p, step->to.at, step->to.n))
            return 0;
    }
    return 1;
}

static int squeeze(struct passing *p, const struct ed_normal_step *step)
{
    const char *s = p->text.at;
    const size_t n = p->text.n;
    for (size_t i = 0, end; i < n; i = end) {
        size_t run = 0, size = 0;
        int32_t c = 0;
        for (end = i; end < n; end += size, run++) {
            size = ed_utf8_next(s + end, n - end, &c);
            if (step->any_space ? !ed_is_space(c) : c != ' ')
                break;
        }
        if (run >= step->least) {
            if (!i && !step->to.n)
                p->at_start = 0;
            if (!put(p, step->to.at, step->to.n))
                return 0;
            continue;
        }
        if (!run)
            end += size;
        if (!put(p, s + i, end - i))
            return 0;
    }
    return 1;
}

static int prepend(struct passing *p, const struct ed_normal_step *step)
{
    return !p->text.n || (put(p, step->to.at, step->to.n) && put(p, p->text.at, p->text.n));
}

static void strip(struct passing *p, const struct ed_normal_step *step)
{
    const char *s = p->text.at;
    size_t from = 0, to = 0, size;
    int32_t c;
    for (size_t i = 0; i < p->text.n; i += size) {
        size = ed_utf8_next(s + i, p->text.n - i, &c);
        if (!ed_is_space(c))
            to = i + size;
        else if (!to)
            from = i + size;
    }
    if (!step->left)
        from = 0;
    if (!step->right)
        to = p->text.n;
    if (from)
        p->at_start = 0;
    p->text = (eddy_str){s + from, to > from ? to - from : 0};
}

static int is_ascii(eddy_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.at[i] >= 0x80)
            return 0;
    return 1;
}

/* What the reference takes for plain letters, since its tables stop at Unicode 11: no
 * decomposition, no order among marks. All code points were compared. */
static const struct {
    int32_t from, to;
} newer[] = {
    {0x07FD, 0x07FD},   {0x0898, 0x089F},   {0x08CA, 0x08D3},   {0x09FE, 0x09FE},
    {0x0C3C, 0x0C3C},   {0x0D3B, 0x0D3C},   {0x0EBA, 0x0EBA},   {0x1715, 0x1715},
    {0x1ABF, 0x1ACE},   {0x1DF6, 0x1DFA},   {0x32FF, 0x32FF},   {0xA7F2, 0xA7F4},
    {0xA82C, 0xA82C},   {0xAB69, 0xAB69},   {0x10781, 0x107BA}, {0x10D24, 0x10D27},
    {0x10EAB, 0x10EAC}, {0x10EFD, 0x10EFF}, {0x10F46, 0x10F50}, {0x10F82, 0x10F85},
    {0x11070, 0x11070}, {0x1133B, 0x1133B}, {0x1145E, 0x1145E}, {0x11839, 0x1183A},
    {0x11938, 0x11938}, {0x1193D, 0x1193E}, {0x11943, 0x11943}, {0x119E0, 0x119E0},
    {0x11A34, 0x11A34}, {0x11A47, 0x11A47}, {0x11A99, 0x11A99}, {0x11D42, 0x11D42},
    {0x11D44, 0x11D45}, {0x11D97, 0x11D97}, {0x11F41, 0x11F42}, {0x16FF0, 0x16FF1},
    {0x1E030, 0x1E06D}, {0x1E08F, 0x1E08F}, {0x1E130, 0x1E136}, {0x1E2AE, 0x1E2AE},
    {0x1E2EC, 0x1E2EF}, {0x1E4EC, 0x1E4EF}, {0x1F16C, 0x1F16C}, {0x1FBF0, 0x1FBF9},
};

static int is_newer(int32_t c)
{
    for (size_t i = 0; i < sizeof newer / sizeof *newer; i++)
        if (c >= newer[i].from && c <= newer[i].to)
            return 1;
    return 0;
}

/* utf8proc wants all code points at once: at most four bytes for each that comes out, with one of
 * room for the zero that it writes behind. */
static int unicode_part(struct passing *p, eddy_str part, utf8proc_option_t options)
{
    const utf8proc_uint8_t *s = (const utf8proc_uint8_t *)part.at;
    utf8proc_ssize_t n = (utf8proc_ssize_t)part.n;
    if (is_ascii(part))
        return put(p, part.at, part.n);
    utf8proc_ssize_t chars = utf8proc_decompose(s, n, NULL, 0, options);
    size_t from = (p->out->n + 3) & ~(size_t)3; /* code points are aligned */
    if (chars < 0 || !ed_run_room(p->out, p->arena, 4 * (size_t)chars + 4))
        return 0;
    utf8proc_int32_t *at = (utf8proc_int32_t *)(void *)(p->out->at + from);
    utf8proc_decompose(s, n, at, chars, options);
    utf8proc_ssize_t bytes = utf8proc_reencode(at, chars, options);
    if (bytes < 0)
        return 0;
    memmove(p->out->at + p->out->n, at, (size_t)bytes);
    p->out->n += (size_t)bytes;
    return 1;
}

static int unicode(struct passing *p, const struct ed_normal_step *step)
{
    utf8proc_option_t options = (utf8proc_option_t)step->options;
    size_t from = 0, size;
    for (size_t i = 0; i < p->text.n; i += size) {
        int32_t c;
        size = ed_utf8_next(p->text.at + i, p->text.n - i, &c);
        if (c < newer[0].from || !is_newer(c))
            continue;
        if (!unicode_part(p, (eddy_str){p->text.at + from, i - from}, options) ||
            !put(p, p->text.at + i, size))
            return 0;
        from = i + size;
    }
    return unicode_part(p, (eddy_str){p->text.at + from, p->text.n - from}, options);
}

static int lower(struct passing *p)
{
    for (size_t i = 0, size; i < p->text.n; i += size) {
        int32_t c;
        size = ed_utf8_next(p->text.at + i, p->text.n - i, &c);
        if (c == 0x130) { /* the one capital that two letters stand for */
            if (!put(p, "i\xCC\x87", 3))
                return 0;
        } else if (!put_char(p, c < 0x80 ? (c >= 'A' && c <= 'Z' ? c + 32 : c)
                                         : utf8proc_tolower(c))) {
            return 0;
        }
    }
    return 1;
}

static int fold(struct passing *p, const struct ed_normal_step *step)
{
    for (size_t i = 0, size; i < p->text.n; i += size) {
        int32_t c;
        struct ed_folded folded = {0};
        size = ed_utf8_next(p->text.at + i, p->text.n - i, &c);
        enum ed_fold_kind kind = ed_fold(c, &step->flags, &folded);
        if (!i && (kind == ED_FOLD_DROPPED || (kind == ED_FOLD_LETTERS && !folded.n)))
            p->at_start = 0;
        if ((kind == ED_FOLD_BLANK || kind == ED_FOLD_WORD) && !put(p, " ", 1))
            return 0;
        for (size_t j = 0; j < folded.n; j++)
            if (!put_char(p, folded.at[j]))
                return 0;
        if (kind == ED_FOLD_WORD && !put(p, " ", 1))
            return 0;
    }
    return 1;
}

static int step_pass(struct passing *p, const struct ed_normal_step *step)
{
    switch (step->kind) {
    case ED_NORMAL_CHARSMAP: return ed_charsmap_apply(&step->map, p->text, p->arena, p->out);
    case ED_NORMAL_REPLACE: return replace(p, step);
    case ED_NORMAL_SQUEEZE: return squeeze(p, step);
    case ED_NORMAL_PREPEND: return prepend(p, step);
    case ED_NORMAL_UNICODE: return unicode(p, step);
    case ED_NORMAL_LOWER: return lower(p);
    case ED_NORMAL_FOLD: return fold(p, step);
    case ED_NORMAL_STRIP: break; /* moves borders, fills nothing */
    }
    return 1;
}

int ed_normalize(const struct ed_normalizer *norm, eddy_str text, eddy_arena *arena,
                 struct ed_run *runs, int *at_start, eddy_str *ret)
{
    struct passing p = {.arena = arena, .text = text, .out = &runs[0], .at_start = *at_start};
    for (size_t i = 0; i < norm->n; i++) {
        if (norm->steps[i].kind == ED_NORMAL_STRIP) {
            strip(&p, &norm->steps[i]);
            continue;
        }
        p.out->n = 0;
        if (!step_pass(&p, &norm->steps[i]))
            return 0;
        p.text = (eddy_str){p.out->n ? p.out->at : "", p.out->n};
        p.out = p.out == &runs[0] ? &runs[1] : &runs[0];
    }
    *ret = p.text;
    *at_start = p.at_start;
    return 1;
}
