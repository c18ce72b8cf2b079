/* Layouts: learnt from outside to inside, and read the same way.
 *
 * A line may be wrapped several times: a program writes a header and a message, a container runtime
 * writes its own around it. So a form is a row of stages. Learning looks for the stage that most of
 * the lines have, takes it off them, and looks again at what is left; the last stage is a header of
 * plain text, JSON or logfmt, or there is none. What fits the first form not at all, and is no part
 * of a stack trace, is learnt as a second and third form: two programs may write into one file.
 *
 * Whether a line begins a record is told by the innermost header that has a time: a line without
 * one continues. That holds only where such lines were rare among the first; where they were not,
 * and where nothing has a time, the looks of the line decide (parse/trace.c). */
#include "parse/layout.h"

#include "base/error.h"
#include "base/memory.h"
#include "parse/field.h"
#include "parse/level.h"
#include "parse/trace.h"

#include <string.h>

#define FORM_MIN 3 /* lines that a further form is learnt from */

/* ---- stages ---- */

/* A header that a daemon put before each line of a program. */
static int is_syslog(const struct ed_stage *stage)
{
    return stage->kind == ED_STAGE_SYSLOG ||
           (stage->kind == ED_STAGE_TEXT && stage->text.way == ED_WAY_NAME && stage->text.at > 0);
}

/* A header that says whose line it is. A bare time is put before lines by docker logs -t and its
 * kin. */
static int tells_who(const struct ed_stage *stage)
{
    return stage->kind == ED_STAGE_SYSLOG ||
           (stage->kind == ED_STAGE_TEXT && stage->text.way != ED_WAY_NONE);
}

static int stage_take(const struct ed_stage *stage, struct ed_take *take)
{
    switch (stage->kind) {
    case ED_STAGE_DOCKER: return ed_docker_take(take);
    case ED_STAGE_CRI: return ed_cri_take(take);
    case ED_STAGE_SERVICE: return ed_service_take(take);
    case ED_STAGE_POD: return ed_pod_take(take);
    case ED_STAGE_PRIORITY: return ed_priority_take(take);
    case ED_STAGE_SYSLOG: return ed_syslog_take(take);
    case ED_STAGE_TEXT: return ed_text_take(&stage->text, take);
    case ED_STAGE_JSON: return ed_json_take(take);
    case ED_STAGE_LOGFMT: return ed_logfmt_take(take);
    default: return 0;
    }
}

/* Take the stages off. Returns how many the line has. */
static size_t form_take(const struct ed_form *form, struct ed_take *take)
{
    size_t i = 0;
    for (; i < form->n_stages && stage_take(&form->stages[i], take); i++) {
        enum ed_stage_kind kind = form->stages[i].kind;
        /* What follows syslog's header, or has a header of its own, is what a program wrote. */
        if (kind == ED_STAGE_TEXT && (i + 1 < form->n_stages || is_syslog(&form->stages[i])))
            take->rest = take->behind;
        else if (kind > ED_STAGE_SYSLOG)
            continue;
        take->line.text = take->rest;
    }
    return i;
}

/* A line that has a header of some kind, though no layout says so. */
static int has_header(eddy_str text)
{
    const char *end = text.at + text.n;
    struct ed_stamp stamp;
    if (text.n < 8)
        return 0;
    return ed_stamp_read(text.at, end, &stamp) ||
           (*text.at == '[' && ed_stamp_read(text.at + 1, end, &stamp)) ||
           memcmp(text.at, "{\"", 2) == 0;
}

/* ---- learning ---- */

struct learning {
    eddy_str lines[EDDY_LAYOUT_LINES];
    size_t n;
    eddy_arena *arena;
};

static struct ed_take take_of(eddy_str line, int64_t near_ms, eddy_arena *arena)
{
    return (struct ed_take){
        .rest = line, .arena = arena, .near_ms = near_ms, .line = {.text = line}};
}

static int is_blank(eddy_str line)
{
    return ed_field_skip(line.at, line.at + line.n) == line.at + line.n;
}

/* Lines that have this stage, in percent of those that are not the inside of a stack trace. */
static size_t percent(struct learning *l, const struct ed_stage *stage)
{
    size_t lines = 0, sum = 0;
    for (size_t i = 0; i < l->n; i++) {
        enum ed_trace trace = ed_trace_line(l->lines[i]);
        if (trace >= ED_TRACE_MORE && trace <= ED_TRACE_GO)
            continue;
        struct ed_take take = take_of(l->lines[i], 0, l->arena);
        lines++;
        sum += (size_t)stage_take(stage, &take);
    }
    return lines ? sum * 100 / lines : 0;
}

/* A header within a header is believed when most lines have it. */
static int inner_text(struct learning *l, const struct ed_form *form, const struct ed_stage *stage)
{
    const struct ed_text *outer = NULL;
    for (size_t i = 0; i < form->n_stages; i++)
        if (form->stages[i].kind == ED_STAGE_TEXT)
            outer = &form->stages[i].text;
    if (!outer && (!form->n_stages || form->stages[form->n_stages - 1].kind != ED_STAGE_SYSLOG))
        return 1;
    if (stage->text.time == ED_NONE && outer && outer->level != ED_NONE)
        return 0;
    return percent(l, stage) >= (stage->text.time == ED_NONE ? 90 : 50);
}

/* The next stage of these lines; kind 0: there is none. 0: no memory. */
static int stage_learn(struct learning *l, const struct ed_form *form, struct ed_stage *ret)
{
    static const struct {
        enum ed_stage_kind kind;
        size_t percent;
    } kinds[] = {{ED_STAGE_DOCKER, 90}, {ED_STAGE_CRI, 90},    {ED_STAGE_SERVICE, 90},
                 {ED_STAGE_POD, 90},    {ED_STAGE_SYSLOG, 90}, {ED_STAGE_PRIORITY, 90},
                 {ED_STAGE_JSON, 50},   {ED_STAGE_LOGFMT, 75}};
    enum ed_stage_kind last = form->n_stages ? form->stages[form->n_stages - 1].kind : 0;
    *ret = (struct ed_stage){.kind = 0};
    if (last == ED_STAGE_JSON || last == ED_STAGE_LOGFMT || form->n_stages == ED_STAGES)
        return 1;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct ed_stage stage = {.kind = kinds[i].kind};
        if (kinds[i].kind > last && percent(l, &stage) >= kinds[i].percent) {
            *ret = stage;
            return 1;
        }
    }
    struct ed_stage text = {.kind = ED_STAGE_TEXT};
    int found = ed_text_learn(l->lines, l->n, &text.text);
    if (found > 0 && inner_text(l, form, &text))
        *ret = text;
    return found >= 0;
}

/* Lines without the stage go, the others lose it. 0: no memory. */
static int stage_strip(struct learning *l, const struct ed_stage *stage)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->n; i++) {
        struct ed_take take = take_of(l->lines[i], 0, l->arena);
        if (stage_take(stage, &take))
            l->lines[kept++] = stage->kind == ED_STAGE_TEXT ? take.behind : take.rest;
        if (take.failed)
            return 0;
    }
    l->n = kept;
    return 1;
}

/* Like these lines, which are changed. 0: no memory. */
static int form_learn(struct learning *l, struct ed_form *ret)
{
    struct ed_stage stage;
    *ret = (struct ed_form){.n_stages = 0};
    for (;;) {
        if (!stage_learn(l, ret, &stage))
            return 0;
        if (!stage.kind)
            return 1;
        ret->stages[ret->n_stages++] = stage;
        if (!stage_strip(l, &stage))
            return 0;
    }
}

/* Lines that are not of the form and do not look like a trace, in place. */
static size_t misses(const struct ed_form *form, eddy_str *lines, size_t n, eddy_arena *arena)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        struct ed_take take = take_of(lines[i], 0, arena);
        if (form_take(form, &take) < form->n_stages &&
            ed_trace_line(take.line.text) == ED_TRACE_NONE)
            lines[kept++] = lines[i];
    }
    return kept;
}

/* Most lines have no header, but some may. 0: no memory. */
static int minority_learn(struct learning *l, const eddy_str *lines, size_t n, struct ed_form *form)
{
    l->n = 0;
    for (size_t i = 0; i < n; i++)
        if (has_header(lines[i]))
            l->lines[l->n++] = lines[i];
    return l->n < FORM_MIN || l->n * 20 < n || form_learn(l, form);
}

/* A header on a line of its own. */
static int is_alone(const struct ed_form *form)
{
    const struct ed_stage *last = form->n_stages ? &form->stages[form->n_stages - 1] : NULL;
    return last && last->kind == ED_STAGE_TEXT && last->text.way == ED_WAY_ALONE;
}

/* More than what stands around any line. */
static int tells_more(const struct ed_form *form)
{
    return form->n_stages && form->stages[form->n_stages - 1].kind >= ED_STAGE_SYSLOG;
}

static int forms_learn(struct learning *l, eddy_str *lines, size_t n, eddy_layout *layout)
{
    size_t all = n;
    while (layout->n_forms < ED_FORMS) {
        struct ed_form *form = &layout->forms[layout->n_forms];
        l->n = n;
        memcpy(l->lines, lines, n * sizeof *lines);
        if (!form_learn(l, form) || (!form->n_stages && !minority_learn(l, lines, n, form)))
            return 0;
        if (layout->n_forms && !tells_more(form))
            break;
        layout->n_forms++;
        n = misses(form, lines, n, l->arena);
        if (is_alone(form))
            n = 0; /* the others are their messages */
        if (n < FORM_MIN || n * 20 < all || !form->n_stages)
            break;
    }
    layout->joins = n * 5 <= all;
    return 1;
}

/* A message of Kafka may hold several lines, as an event of Windows does. The first is what is
 * looked at; but an object of JSON may stand on many. */
static eddy_str first_line(eddy_str line, eddy_str *behind)
{
    while (line.n && (*line.at == '\r' || *line.at == '\n'))
        line = (eddy_str){line.at + 1, line.n - 1};
    eddy_str text = ed_trimmed(line);
    const char *newline = text.n && *text.at != '{' ? memchr(text.at, '\n', text.n) : NULL;
    *behind = (eddy_str){NULL, 0};
    if (!newline)
        return line;
    *behind = (eddy_str){newline + 1, (size_t)(line.at + line.n - newline - 1)};
    line.n = (size_t)(newline - line.at);
    line.n -= line.n && newline[-1] == '\r';
    return line;
}

/* The further lines of a message: of a record that begins here, or they continue it too. */
static void behind_take(eddy_log_line *line, eddy_str behind)
{
    eddy_str rest;
    if (!behind.n)
        return;
    if (line->starts)
        line->more = behind;
    else
        line->text.n = (size_t)(behind.at + behind.n - line->text.at);
    if (!line->message.n)
        line->message = ed_trimmed(first_line(behind, &rest));
}

eddy_status eddy_layout_learn(const eddy_str *lines, size_t n, eddy_layout **ret, eddy_error *err)
{
    eddy_layout *layout = ed_alloc_zero(1, sizeof *layout);
    struct learning *l = ed_alloc(sizeof *l);
    eddy_str *left = ed_alloc(EDDY_LAYOUT_LINES * sizeof *left);
    eddy_arena *arena = eddy_arena_new(0);
    int ok = layout && l && left && arena;
    size_t kept = 0;
    eddy_str behind;
    for (size_t i = 0; ok && i < n && kept < EDDY_LAYOUT_LINES; i++)
        if (!is_blank(lines[i]))
            left[kept++] = first_line(lines[i], &behind);
    if (ok) {
        l->arena = arena;
        ok = forms_learn(l, left, kept, layout);
    }
    eddy_arena_free(arena);
    ed_free(left);
    ed_free(l);
    if (!ok) {
        ed_free(layout);
        return eddy_fail_nomem(err, "layout", sizeof *layout);
    }
    ed_layout_describe(layout);
    *ret = layout;
    return EDDY_OK;
}

void eddy_layout_free(eddy_layout *layout)
{
    ed_free(layout);
}

const char *eddy_layout_describe(const eddy_layout *layout)
{
    return layout->description;
}

/* ---- reading ---- */

/* The line lacks the stage at `taken`, or there is none: does it begin a record? */
static void start_find(const eddy_layout *layout, const struct ed_form *form, size_t taken,
                       struct ed_take *take)
{
    eddy_log_line *line = &take->line;
    enum ed_trace trace = ed_trace_line(line->text);
    const struct ed_stage *lacking = taken < form->n_stages ? &form->stages[taken] : NULL;
    int outer_time = 0;
    for (size_t i = 0; i < taken; i++)
        outer_time |= tells_who(&form->stages[i]);
    line->raises = trace >= ED_TRACE_RAISED;
    line->starts = trace == ED_TRACE_NONE || line->raises;
    if (!lacking) {
        line->fits = !has_header(line->text) || form->n_stages > 0;
        return;
    }
    line->fits = !line->starts || line->raises || (outer_time && lacking->kind == ED_STAGE_TEXT) ||
                 ((!layout->joins || is_alone(form)) && !has_header(line->text));
    if (lacking->kind == ED_STAGE_TEXT && lacking->text.time != ED_NONE && !outer_time &&
        layout->joins)
        line->starts = line->raises = 0;
}

/* "app.ERROR" of Monolog names a channel and a level. */
static void channel_split(eddy_log_line *line)
{
    const char *at = line->component.at;
    size_t n = line->component.n;
    while (n && at[n - 1] != '.')
        n--;
    if (n < 2)
        return;
    line->level = ed_level_word(at + n, line->component.n - n);
    if (line->level != EDDY_LEVEL_UNKNOWN)
        line->component.n = n - 1;
}

static void line_finish(const eddy_layout *layout, const struct ed_form *form, size_t taken,
                        struct ed_take *take)
{
    eddy_log_line *line = &take->line;
    enum ed_stage_kind last = taken ? form->stages[taken - 1].kind : 0;
    line->message = ed_trimmed(take->rest);
    if (line->partial && line->message.n) /* the blanks at the cut are the text's own */
        line->message.n = (size_t)(line->text.at + line->text.n - line->message.at);
    if (line->level == EDDY_LEVEL_UNKNOWN && line->component.n)
        channel_split(line);
    if (taken < form->n_stages || last < ED_STAGE_SYSLOG) {
        start_find(layout, form, taken, take);
        return;
    }
    line->starts = line->fits = 1;
    if (is_syslog(&form->stages[taken - 1])) { /* it cuts a program's stack trace into lines */
        enum ed_trace trace = ed_trace_line(line->text);
        line->raises = trace >= ED_TRACE_RAISED;
        line->starts = trace == ED_TRACE_NONE || line->raises;
    }
}

eddy_status eddy_layout_read(const eddy_layout *layout, eddy_str line, int64_t near_ms,
                             eddy_arena *arena, eddy_log_line *ret)
{
    const eddy_str raw = line;
    if (line.n >= 3 && memcmp(line.at, "\xEF\xBB\xBF", 3) == 0)
        line = (eddy_str){line.at + 3, line.n - 3};
    while (line.n && (line.at[line.n - 1] == '\r' || line.at[line.n - 1] == '\n'))
        line.n--;
    eddy_str behind;
    line = first_line(line, &behind);
    const struct ed_form *form = &layout->forms[0];
    struct ed_take take = take_of(line, near_ms, arena);
    size_t taken = form_take(form, &take);
    for (size_t i = 1; i < layout->n_forms && taken < form->n_stages && !take.failed; i++) {
        struct ed_take other = take_of(line, near_ms, arena);
        if (form_take(&layout->forms[i], &other) == layout->forms[i].n_stages || other.failed) {
            take = other;
            form = &layout->forms[i];
            taken = form->n_stages;
        }
    }
    if (take.failed)
        return EDDY_NOMEM;
    line_finish(layout, form, taken, &take);
    behind_take(&take.line, behind);
    *ret = take.line;
    ret->raw = raw;
    return EDDY_OK;
}

int eddy_layout_fits(eddy_layout_fit *fit, const eddy_log_line *line)
{
    fit->lines++;
    fit->misses += !line->fits;
    if (fit->lines < EDDY_LAYOUT_LINES)
        return 1;
    int fits = (uint64_t)fit->misses * 5 <= fit->lines;
    *fit = (eddy_layout_fit){0, 0};
    return fits;
}
