/* Headers of plain text: columns that most lines share (LOGS.md 4).
 *
 * A header ends behind the last place where nearly all lines have a time or a level: the anchor.
 * What follows and looks the same on nearly all lines (numbers, brackets, dashes) is header as
 * well, and then comes the component, which is told by what stands behind it: a colon, a dash, a
 * bar, two blanks. The lines are compared and no format is known by name, so that a format that
 * nobody thought of is read as well as those of the handbooks.
 *
 * Lines of stack traces and of other programs spoil a vote. So where enough lines have a time, only
 * those vote that have their first time in the column in which most have it. */
#include "parse/layout.h"

#include "base/hash.h"
#include "base/memory.h"
#include "parse/field.h"

#include <string.h>

#define ANCHORS   12 /* an anchor stands in the first so many columns */
#define AHEAD     4  /* fields behind the columns in which a dash or bar is looked for */
#define OFFSETS   3  /* and in which a name may stand */
#define BLANKS    2  /* in a name that has a pid */
#define FEW(rows) ((rows) / 50 > 2 ? (rows) / 50 : 2)

/* What the vote has to know of one field. */
struct seen {
    uint8_t class;
    uint8_t kind;   /* of the stamp */
    uint8_t rule;   /* of RULE: its first sign */
    uint8_t dotted; /* of BRACKET and WORD: a dotted name, also one with "[0]" behind it */
    uint8_t blanks; /* two of them behind it */
    uint8_t pid;    /* a number that may be the pid, also one in brackets */
    uint32_t hash;
};

struct row {
    struct seen fields[ED_COLUMNS];
    uint8_t n, first_time;
};

eddy_str ed_trimmed(eddy_str s)
{
    const char *at = s.at, *end = s.at + s.n;
    while (at < end && ed_field_blank(*at))
        at++;
    while (end > at && ed_field_blank(end[-1]))
        end--;
    return (eddy_str){at, (size_t)(end - at)};
}

/* ---- learning ---- */

/* A name with dots, as loggers have. */
static int is_dotted(const char *at, const char *end)
{
    int dots = 0;
    if (at == end || !((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z'))
        return 0;
    for (; at < end; at++) {
        if (*at == '.' || *at == ':')
            dots++;
        else if (!((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z') && !(*at >= '0' && *at <= '9') &&
                 *at != '_' && *at != '-' && *at != '$')
            return 0;
    }
    return dots > 0;
}

/* "Shop.Cart" of "Shop.Cart[0]". */
static const char *index_cut(const char *at, const char *end)
{
    if (at == end || end[-1] != ']')
        return end;
    const char *open = end - 1;
    while (open > at && *open != '[')
        open--;
    return open > at ? open : end;
}

/* Two digits or more; the pid of nginx is "123#123". */
static int is_pid(const struct ed_field *f)
{
    const char *at = f->inner ? f->inner : f->at, *end = f->inner ? f->closed : f->end;
    if ((f->class != ED_FIELD_NUMBER && f->class != ED_FIELD_BRACKET) || end - at < 2)
        return 0;
    while (at < end && ((*at >= '0' && *at <= '9') || *at == '#'))
        at++;
    return at == end;
}

static void row_fill(struct row *row, eddy_str line)
{
    struct ed_field field = {.tight = 0}, *f = &field;
    const char *at = line.at, *end = line.at + line.n;
    row->n = 0;
    row->first_time = ED_NONE;
    while (row->n < ED_COLUMNS && ed_field_read(at, end, f->tight, f)) {
        struct seen *seen = &row->fields[row->n];
        seen->class = (uint8_t)f->class;
        seen->kind = f->class == ED_FIELD_TIME ? (uint8_t)f->stamp.kind : 0;
        seen->rule = (uint8_t)*f->at;
        seen->dotted =
            f->class == ED_FIELD_BRACKET
                ? is_dotted(f->inner, f->closed)
                : f->class == ED_FIELD_WORD && is_dotted(f->at, index_cut(f->at, f->end));
        seen->blanks =
            end - f->next > 1 && ed_field_blank(f->next[0]) && ed_field_blank(f->next[1]);
        seen->pid = (uint8_t)is_pid(f);
        seen->hash = (uint32_t)ed_fnv1a(ED_FNV_BASIS, f->at, (size_t)(f->end - f->at));
        if (f->class == ED_FIELD_TIME && row->first_time == ED_NONE && row->n < ANCHORS)
            row->first_time = row->n;
        at = f->next;
        row->n++;
    }
}

/* Keep the rows that may vote: how many there are. */
static size_t voters(struct row *rows, size_t n)
{
    size_t counts[ANCHORS] = {0}, with_time = 0, best = 0, kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].first_time != ED_NONE) {
            with_time++;
            counts[rows[i].first_time]++;
        }
    }
    if (with_time * 10 < n * 3)
        return n;
    for (size_t c = 1; c < ANCHORS; c++)
        best = counts[c] > counts[best] ? c : best;
    if (counts[best] * 2 < with_time)
        return 0; /* times here and there: of messages */
    for (size_t i = 0; i < n; i++)
        if (rows[i].first_time == best)
            rows[kept++] = rows[i];
    return kept;
}

struct vote {
    const struct row *rows;
    size_t n;
};

static size_t count(const struct vote *vote, size_t column, enum ed_class class)
{
    size_t sum = 0;
    for (size_t i = 0; i < vote->n; i++)
        sum += column < vote->rows[i].n && vote->rows[i].fields[column].class == class;
    return sum;
}

static int most(const struct vote *vote, size_t column, enum ed_class class)
{
    return count(vote, column, class) * 10 >= vote->n * 9;
}

/* The class of the column: what nearly all lines have there. */
static enum ed_class class_of(const struct vote *vote, size_t column)
{
    for (enum ed_class c = ED_FIELD_TIME; c < ED_CLASSES; c++)
        if (most(vote, column, c))
            return c;
    return ED_FIELD_ANY;
}

/* Behind the columns, those that nearly all lines have as well: numbers, brackets, rules. */
static size_t columns_more(const struct vote *vote, size_t columns)
{
    while (columns < ED_COLUMNS &&
           (most(vote, columns, ED_FIELD_NUMBER) || most(vote, columns, ED_FIELD_BRACKET) ||
            most(vote, columns, ED_FIELD_RULE)))
        columns++;
    return columns;
}

/* Columns up to the anchor and those that follow and are alike; 0: no anchor. A header tells one
 * level: a second one is a word of messages that happen to be alike ("cache parity error"). */
static size_t columns_of(const struct vote *vote)
{
    size_t anchor = 0;
    int has_level = 0;
    for (size_t c = 0; c < ANCHORS; c++) {
        int is_level = !has_level && (most(vote, c, ED_FIELD_LEVEL) ||
                                      (anchor && most(vote, c, ED_FIELD_LETTER)));
        if (is_level || most(vote, c, ED_FIELD_TIME))
            anchor = c + 1;
        has_level |= is_level;
    }
    return anchor ? columns_more(vote, anchor) : 0;
}

/* Seconds since 1970 are the most certain time, a date alone or a time of day alone the least. */
static uint8_t time_column(const struct vote *vote, const struct ed_text *text)
{
    static const int rank[] = {[ED_STAMP_EPOCH] = 4,
                               [ED_STAMP_WHOLE] = 3,
                               [ED_STAMP_YEARLY] = 2,
                               [ED_STAMP_DATE] = 1,
                               [ED_STAMP_DAILY] = 0};
    uint8_t best = ED_NONE;
    int best_rank = -1;
    for (uint8_t c = 0; c < text->n; c++) {
        if (text->classes[c] != ED_FIELD_TIME)
            continue;
        int lowest = 5;
        for (size_t i = 0; i < vote->n; i++)
            if (c < vote->rows[i].n && vote->rows[i].fields[c].class == ED_FIELD_TIME &&
                rank[vote->rows[i].fields[c].kind] < lowest)
                lowest = rank[vote->rows[i].fields[c].kind];
        if (lowest > best_rank) {
            best = c;
            best_rank = lowest;
        }
    }
    return best;
}

/* Lines with a rule of this sign in the fields ahead. */
static int most_have_rule(const struct vote *vote, size_t columns, char sign)
{
    size_t sum = 0;
    for (size_t i = 0; i < vote->n; i++) {
        const struct row *row = &vote->rows[i];
        for (size_t c = columns; c < row->n && c < columns + AHEAD; c++) {
            if (row->fields[c].class == ED_FIELD_RULE && row->fields[c].rule == (uint8_t)sign) {
                sum++;
                break;
            }
        }
    }
    return sum * 10 >= vote->n * 9;
}

/* The column holds one of few values, and two blanks follow. */
static int is_padded(const struct vote *vote, size_t column)
{
    uint32_t values[FEW(EDDY_LAYOUT_LINES)];
    size_t n_values = 0, blanks = 0;
    for (size_t i = 0; i < vote->n; i++) {
        const struct seen *seen = &vote->rows[i].fields[column];
        size_t v = 0;
        if (column >= vote->rows[i].n)
            continue;
        blanks += seen->blanks;
        while (v < n_values && values[v] != seen->hash)
            v++;
        if (v == n_values && n_values == FEW(vote->n))
            return 0;
        if (v == n_values)
            values[n_values++] = seen->hash;
    }
    return blanks * 10 >= vote->n * 9;
}

/* Nearly all lines have a dotted name there. */
static int are_dotted(const struct vote *vote, size_t column)
{
    size_t sum = 0;
    for (size_t i = 0; i < vote->n; i++)
        sum += column < vote->rows[i].n && vote->rows[i].fields[column].dotted;
    return sum * 10 >= vote->n * 9;
}

/* Lines such as "info: Shop.Cart[0]" and "TIME org.example.Shop start", behind each of which there
 * is another: the consoles of .NET and java.util.logging write the message there. */
static int are_alone(const struct vote *vote, size_t columns, size_t n_lines)
{
    size_t sum = 0;
    for (size_t i = 0; i < vote->n && columns < ED_COLUMNS; i++) {
        const struct row *row = &vote->rows[i];
        sum += row->n > columns && row->n <= columns + 2 && row->fields[columns].dotted;
    }
    return sum * 4 >= vote->n * 3 && (n_lines - vote->n) * 10 >= vote->n * 9;
}

/* A component among the columns: a bracket with dotted names, or the only word behind the time. */
static uint8_t component_column(const struct vote *vote, const struct ed_text *text)
{
    uint8_t word = ED_NONE;
    size_t words = 0;
    for (uint8_t c = text->time == ED_NONE ? 0 : text->time + 1; c < text->n; c++) {
        size_t dotted = 0;
        for (size_t i = 0; i < vote->n; i++)
            dotted += c < vote->rows[i].n && vote->rows[i].fields[c].dotted;
        if (dotted * 4 >= vote->n * 3 && text->classes[c] == ED_FIELD_BRACKET)
            return c;
        if (text->classes[c] == ED_FIELD_WORD || text->classes[c] == ED_FIELD_NAME) {
            word = c;
            words++;
        }
    }
    return words == 1 ? word : ED_NONE;
}

/* What stands before a name is a host, not half a message. */
static int are_words(const struct vote *vote, size_t columns, size_t n)
{
    for (size_t c = columns; c < columns + n; c++)
        if (count(vote, c, ED_FIELD_WORD) * 4 < vote->n * 3)
            return 0;
    return 1;
}

static void component_find(const struct vote *vote, size_t n_lines, struct ed_text *text)
{
    size_t n = text->n;
    if (are_alone(vote, n, n_lines)) {
        text->way = ED_WAY_ALONE;
        return;
    }
    for (uint8_t offset = 0; offset < OFFSETS && n + offset < ED_COLUMNS; offset++) {
        if (count(vote, n + offset, ED_FIELD_NAME) * 4 >= vote->n * 3 &&
            are_words(vote, n, offset)) {
            text->way = ED_WAY_NAME;
            text->at = offset;
            return;
        }
        if (offset > 0)
            continue;
        /* Before names that stand further in, but not before one that the message may follow. */
        if (most_have_rule(vote, n, '-') || most_have_rule(vote, n, '|')) {
            text->way = most_have_rule(vote, n, '-') ? ED_WAY_DASH : ED_WAY_BAR;
            return;
        }
    }
    if (n < ED_COLUMNS && is_padded(vote, n)) {
        text->way = ED_WAY_BLANKS;
        return;
    }
    /* A logger's name with nothing behind it but what is header as well. */
    if (n < ED_COLUMNS && are_dotted(vote, n)) {
        text->classes[n] = ED_FIELD_WORD;
        text->way = ED_WAY_COLUMN;
        text->at = text->n;
        text->n = (uint8_t)columns_more(vote, n + 1);
        for (size_t c = n + 1; c < text->n; c++)
            text->classes[c] = (uint8_t)class_of(vote, c);
        return;
    }
    text->at = component_column(vote, text);
    text->way = text->at == ED_NONE ? ED_WAY_NONE : ED_WAY_COLUMN;
    text->at = text->at == ED_NONE ? 0 : text->at;
}

/* A time of day alone, on some line at least. */
static int is_daily(const struct vote *vote, size_t column)
{
    for (size_t i = 0; i < vote->n; i++) {
        const struct seen *seen = &vote->rows[i].fields[column];
        if (column < vote->rows[i].n && seen->class == ED_FIELD_TIME &&
            seen->kind == ED_STAMP_DAILY)
            return 1;
    }
    return 0;
}

static uint8_t first_of(const struct ed_text *text, enum ed_class class)
{
    uint8_t c = 0;
    while (c < text->n && text->classes[c] != (uint8_t) class)
        c++;
    return c < text->n ? c : ED_NONE;
}

static void columns_name(const struct vote *vote, struct ed_text *text)
{
    for (uint8_t c = 0; c < text->n; c++)
        text->classes[c] = (uint8_t)class_of(vote, c);
    text->level = first_of(text, ED_FIELD_LEVEL);
    if (text->level == ED_NONE)
        text->level = first_of(text, ED_FIELD_LETTER);
    text->time = time_column(vote, text);
    for (uint8_t c = text->n; c-- > 0 && text->time != ED_NONE && c > text->time;) {
        size_t pids = 0;
        for (size_t i = 0; i < vote->n; i++)
            pids += c < vote->rows[i].n && vote->rows[i].fields[c].pid;
        if (pids * 2 > vote->n)
            text->pid = c; /* the first such column stands */
    }
    text->undated = text->time != ED_NONE && text->time > 0 && is_daily(vote, text->time) &&
                    text->classes[text->time - 1] != ED_FIELD_BRACKET &&
                    text->classes[text->time - 1] != ED_FIELD_LEVEL &&
                    text->classes[text->time - 1] != ED_FIELD_RULE;
}

int ed_text_learn(const eddy_str *lines, size_t n, struct ed_text *ret)
{
    struct row *rows = ed_alloc((n ? n : 1) * sizeof *rows);
    struct vote vote = {rows, 0};
    size_t columns = 0, n_lines = 0;
    if (!rows)
        return -1;
    for (size_t i = 0; i < n; i++) {
        n_lines += lines[i].n > 0;
        if (lines[i].n && !ed_field_blank(lines[i].at[0]))
            row_fill(&rows[vote.n++], lines[i]);
    }
    vote.n = voters(rows, vote.n);
    if (vote.n)
        columns = columns_of(&vote);
    if (columns) {
        *ret = (struct ed_text){
            .n = (uint8_t)columns, .time = ED_NONE, .level = ED_NONE, .pid = ED_NONE};
        columns_name(&vote, ret);
        component_find(&vote, n_lines, ret);
    }
    ed_free(rows);
    return columns > 0;
}

/* ---- reading ---- */

static eddy_str span(const char *at, const char *end)
{
    return (eddy_str){at, (size_t)(end - at)};
}

void ed_take_stamp(struct ed_take *take, const struct ed_stamp *stamp)
{
    /* A time inside of another lacks its date at most for a reader who did not see that one. */
    int64_t near_ms = take->line.has_time ? take->line.time_ms : take->near_ms;
    if (ed_stamp_ms(stamp, near_ms, &take->line.time_ms))
        take->line.has_time = 1;
}

/* What column c of the header, which is f, tells. */
static void column_take(const struct ed_text *text, uint8_t c, const struct ed_field *f,
                        struct ed_take *take)
{
    if (c == text->time) {
        if (!text->undated)
            ed_take_stamp(take, &f->stamp);
        if (f->inner && is_dotted(f->inner, f->closed))
            take->line.component = span(f->inner, f->closed);
    }
    if (f->level != EDDY_LEVEL_UNKNOWN && (c == text->level || c == text->time))
        take->line.level = f->level;
    if (c == text->level && f->inner && f->inner < f->closed) /* [core:error] */
        take->line.component = span(f->inner, f->closed);
    if (c == text->pid)
        take->line.pid = f->inner ? span(f->inner, f->closed) : span(f->at, f->end);
    if (text->way == ED_WAY_COLUMN && text->at == c)
        take->line.component = f->inner ? span(f->inner, f->closed) : span(f->at, f->end);
}

/* A name behind the columns, and the host before it: what follows.
 *
 * Names of programs may have blanks ("Google Chrome[31]:"): a pid tells that such a one ends. And
 * launchd says in parentheses for whom it speaks ("launchd[1] (cron[7]):"). */
static const char *name_take(const struct ed_text *text, const char *at, const char *end, int tight,
                             struct ed_take *take)
{
    struct ed_field f = {.tight = tight};
    const char *next = at, *name = at;
    for (uint8_t i = 0; i <= text->at + BLANKS && ed_field_read(next, end, f.tight, &f); i++) {
        int has_pid = i > text->at && next[-1] == ']';
        if (i == text->at)
            name = f.at;
        if (i >= text->at && f.class == ED_FIELD_NAME && (i == text->at || f.end[-1] == ']')) {
            f.at = name;
            ed_field_name(&f, &take->line.component, &take->line.pid);
            return f.next;
        }
        if (has_pid && f.class == ED_FIELD_BRACKET && *f.at == '(' && f.next[-1] == ':') {
            ed_field_name(&(struct ed_field){.at = name, .end = next}, &take->line.component,
                          &take->line.pid);
            return f.next;
        }
        next = f.next;
        if (i == 0 && text->at > 0) {
            take->line.host = span(f.at, f.end);
            at = next;
        }
    }
    return at;
}

/* What stands before a dash or bars behind the columns: what follows those. */
static const char *rule_take(const struct ed_text *text, const char *at, const char *end,
                             struct ed_take *take)
{
    const char sign = text->way == ED_WAY_DASH ? '-' : '|', *from = at, *next = at;
    struct ed_field f = {.tight = 0};
    for (int i = 0; i < AHEAD && ed_field_read(next, end, 0, &f); i++) {
        next = f.next;
        if (f.class != ED_FIELD_RULE || *f.at != sign)
            continue;
        if (at == from)
            take->line.component = ed_trimmed(span(from, f.at));
        at = next;
        if (sign == '-')
            break;
    }
    return at;
}

/* A name that ends the line, one word behind it or none. */
static const char *alone_take(const char *at, const char *end, struct ed_take *take)
{
    struct ed_field name, f;
    if (!ed_field_read(at, end, 0, &name))
        return at;
    const char *next = name.next;
    if (ed_field_read(next, end, 0, &f))
        next = f.next;
    if (ed_field_skip(next, end) < end)
        return at;
    take->line.component = span(name.at, index_cut(name.at, name.end));
    return end;
}

static const char *component_take(const struct ed_text *text, const char *at, const char *end,
                                  int tight, struct ed_take *take)
{
    struct ed_field f;
    switch ((enum ed_way)text->way) {
    case ED_WAY_NAME: return name_take(text, at, end, tight, take);
    case ED_WAY_DASH:
    case ED_WAY_BAR: return rule_take(text, at, end, take);
    case ED_WAY_BLANKS:
        if (!ed_field_read(at, end, tight, &f) || end - f.next < 2 || !ed_field_blank(f.next[0]) ||
            !ed_field_blank(f.next[1]))
            return at;
        take->line.component = span(f.at, f.end);
        return f.next;
    case ED_WAY_ALONE: return alone_take(at, end, take);
    default: return at;
    }
}

int ed_text_take(const struct ed_text *text, struct ed_take *take)
{
    struct ed_field f = {.tight = 0};
    const char *at = take->rest.at, *end = at + take->rest.n;
    const eddy_level level = take->line.level; /* all that is noted before the anchor */
    uint8_t anchor = text->time != ED_NONE ? text->time : text->level;
    uint8_t c = 0;
    for (; c < text->n && ed_field_read(at, end, f.tight, &f); c++) {
        /* Before the anchor anything may stand. Behind it a field of another class is the
         * message's. */
        if (c >= anchor && text->classes[c] != ED_FIELD_ANY && text->classes[c] != ED_FIELD_WORD &&
            text->classes[c] != (uint8_t)f.class)
            break;
        column_take(text, c, &f, take);
        at = f.next;
    }
    if (c <= anchor) {
        take->line.level = level;
        return 0;
    }
    if (c == text->n)
        at = component_take(text, at, end, f.tight, take);
    take->behind = span(at + (at < end && *at == ' '), end);
    at = ed_field_skip(at, end);
    take->rest = ed_trimmed(span(at, end));
    return 1;
}
