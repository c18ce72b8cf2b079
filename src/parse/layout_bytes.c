/* Layouts for the journal and for people.
 *
 * Bytes: version u8, joins u8, forms u8; each form: stages u8; each stage: kind u8, and of TEXT the
 * columns u8, their classes u8 each, time, level, pid, way, at and undated u8 each. Whatever is
 * read is held to the bounds that learning keeps, so that a layout from bytes is as safe as one
 * that was learnt.
 */
#include "parse/layout.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/pack.h"
#include "parse/field.h"

#include <stdarg.h>
#include <stdio.h>

#define VERSION 1

/* ---- bytes ---- */

static void text_save(const struct ed_text *text, struct ed_bytes *b)
{
    ed_pack_u8(b, text->n);
    ed_bytes_add(b, text->classes, text->n);
    ed_pack_u8(b, text->time);
    ed_pack_u8(b, text->level);
    ed_pack_u8(b, text->pid);
    ed_pack_u8(b, text->way);
    ed_pack_u8(b, text->at);
    ed_pack_u8(b, text->undated);
}

eddy_status eddy_layout_save(const eddy_layout *layout, eddy_arena *arena, eddy_str *ret,
                             eddy_error *err)
{
    struct ed_bytes b;
    ed_bytes_init(&b, 0);
    ed_pack_u8(&b, VERSION);
    ed_pack_u8(&b, (uint8_t)layout->joins);
    ed_pack_u8(&b, (uint8_t)layout->n_forms);
    for (size_t i = 0; i < layout->n_forms; i++) {
        const struct ed_form *form = &layout->forms[i];
        ed_pack_u8(&b, (uint8_t)form->n_stages);
        for (size_t j = 0; j < form->n_stages; j++) {
            ed_pack_u8(&b, (uint8_t)form->stages[j].kind);
            if (form->stages[j].kind == ED_STAGE_TEXT)
                text_save(&form->stages[j].text, &b);
        }
    }
    eddy_str copy = b.failed ? (eddy_str){NULL, 0} : ed_arena_str(arena, b.at, b.n);
    size_t n = b.n;
    ed_bytes_clear(&b);
    if (!copy.at)
        return eddy_fail_nomem(err, "layout", n);
    *ret = copy;
    return EDDY_OK;
}

/* A column of the header, or none. */
static int is_column(const struct ed_text *text, uint8_t c)
{
    return c == ED_NONE || c < text->n;
}

/* 1: as learning could have made it. */
static int text_load(struct ed_unpack *u, struct ed_text *ret)
{
    ret->n = ed_unpack_u8(u);
    if (ret->n < 1 || ret->n > ED_COLUMNS)
        return 0;
    for (size_t c = 0; c < ret->n; c++) {
        ret->classes[c] = ed_unpack_u8(u);
        if (ret->classes[c] >= ED_CLASSES)
            return 0;
    }
    ret->time = ed_unpack_u8(u);
    ret->level = ed_unpack_u8(u);
    ret->pid = ed_unpack_u8(u);
    ret->way = ed_unpack_u8(u);
    ret->at = ed_unpack_u8(u);
    ret->undated = ed_unpack_u8(u);
    if (!is_column(ret, ret->time) || !is_column(ret, ret->level) || !is_column(ret, ret->pid) ||
        ret->way >= ED_WAYS || ret->at >= ED_COLUMNS || ret->undated > 1)
        return 0;
    /* The anchor: reading counts on one. */
    if (ret->time != ED_NONE)
        return ret->classes[ret->time] == ED_FIELD_TIME;
    return ret->level != ED_NONE;
}

static int form_load(struct ed_unpack *u, struct ed_form *ret)
{
    ret->n_stages = ed_unpack_u8(u);
    if (ret->n_stages > ED_STAGES)
        return 0;
    for (size_t i = 0; i < ret->n_stages; i++) {
        uint8_t kind = ed_unpack_u8(u);
        if (kind < 1 || kind >= ED_STAGE_KINDS)
            return 0;
        ret->stages[i].kind = (enum ed_stage_kind)kind;
        if (kind == ED_STAGE_TEXT && !text_load(u, &ret->stages[i].text))
            return 0;
    }
    return !u->failed;
}

eddy_status eddy_layout_load(eddy_str bytes, eddy_layout **ret, eddy_error *err)
{
    struct ed_unpack u = ed_unpack_of(bytes);
    uint8_t version = ed_unpack_u8(&u);
    if (version != VERSION)
        return eddy_fail(err, EDDY_FORMAT, "layout: version %u, not %d", version, VERSION);
    eddy_layout *layout = ed_alloc_zero(1, sizeof *layout);
    if (!layout)
        return eddy_fail_nomem(err, "layout", sizeof *layout);
    uint8_t joins = ed_unpack_u8(&u);
    layout->joins = joins;
    layout->n_forms = ed_unpack_u8(&u);
    int ok = joins <= 1 && layout->n_forms >= 1 && layout->n_forms <= ED_FORMS;
    for (size_t i = 0; ok && i < layout->n_forms; i++)
        ok = form_load(&u, &layout->forms[i]);
    if (!ok || !ed_unpack_done(&u)) {
        ed_free(layout);
        return eddy_fail(err, EDDY_FORMAT, "layout: %zu bytes that are none", bytes.n);
    }
    ed_layout_describe(layout);
    *ret = layout;
    return EDDY_OK;
}

/* ---- words ---- */

/* A description on its way; what does not fit is left out. */
struct words {
    char *at;
    size_t n, room;
};

__attribute__((format(printf, 2, 3))) static void say(struct words *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(w->at + w->n, w->room - w->n, format, args);
    va_end(args);
    w->n += n < 0 ? 0 : (size_t)n < w->room - w->n ? (size_t)n : w->room - w->n - 1;
}

static const char *column_word(const struct ed_text *text, uint8_t c)
{
    static const char *const classes[ED_CLASSES] = {
        [ED_FIELD_ANY] = "..",       [ED_FIELD_TIME] = "time", [ED_FIELD_LEVEL] = "level",
        [ED_FIELD_LETTER] = "level", [ED_FIELD_NUMBER] = "n",  [ED_FIELD_BRACKET] = "[..]",
        [ED_FIELD_RULE] = "-",       [ED_FIELD_NAME] = "..:",  [ED_FIELD_WORD] = ".."};
    if (text->way == ED_WAY_COLUMN && text->at == c)
        return text->classes[c] == ED_FIELD_BRACKET ? "[component]" : "component";
    if (c == text->pid)
        return "pid";
    return text->classes[c] == ED_FIELD_TIME && c != text->time ? ".." : classes[text->classes[c]];
}

static void text_say(struct words *w, const struct ed_text *text)
{
    for (uint8_t c = 0; c < text->n; c++)
        say(w, "%s ", column_word(text, c));
    switch ((enum ed_way)text->way) {
    case ED_WAY_NAME:
        say(w, "%scomponent: ", text->at == 0 ? "" : text->at == 1 ? "host " : "host .. ");
        break;
    case ED_WAY_DASH: say(w, "component - "); break;
    case ED_WAY_BAR: say(w, "component | "); break;
    case ED_WAY_BLANKS: say(w, "component "); break;
    default: break;
    }
}

void ed_layout_describe(struct eddy_layout *layout)
{
    static const char *const kinds[ED_STAGE_KINDS] = {
        [ED_STAGE_DOCKER] = "docker",       [ED_STAGE_CRI] = "cri",
        [ED_STAGE_SERVICE] = "service |",   [ED_STAGE_POD] = "[pod]",
        [ED_STAGE_PRIORITY] = "<priority>", [ED_STAGE_SYSLOG] = "syslog",
        [ED_STAGE_JSON] = "json",           [ED_STAGE_LOGFMT] = "logfmt"};
    struct words w = {layout->description, 0, sizeof layout->description};
    for (size_t i = 0; i < layout->n_forms; i++) {
        const struct ed_form *form = &layout->forms[i];
        enum ed_stage_kind last = 0;
        say(&w, "%s", i ? " or " : "");
        for (size_t j = 0; j < form->n_stages; j++) {
            last = form->stages[j].kind;
            if (last == ED_STAGE_TEXT)
                text_say(&w, &form->stages[j].text);
            else
                say(&w, "%s ", kinds[last]);
        }
        if (last == ED_STAGE_JSON || last == ED_STAGE_LOGFMT)
            layout->description[--w.n] = '\0';
        else
            say(&w, "message");
    }
}
