/* Fields: cut at blanks, bars and brackets, and told by their looks.
 *
 * Nothing is decided here but the class of one field; which columns of a log are its header is
 * found by comparing lines (parse/layout_text.c). */
#include "parse/field.h"

#include "parse/level.h"

#include <string.h>

#define BRACKET_MAX 256 /* bytes; what is longer is no header */
#define NAME_MAX    128

const char *ed_field_skip(const char *at, const char *end)
{
    while (at < end) {
        if (ed_field_blank(*at)) {
            at++;
        } else if (*at == '\x1b' && end - at > 2 && at[1] == '[') {
            const char *to = at + 2;
            while (to < end && *to >= ' ' && *to < '@')
                to++;
            if (to == end)
                break;
            at = to + 1;
        } else {
            break;
        }
    }
    return at;
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* What a sign may be: 0 ends a token, 1 a digit, 2 a letter, 3 a dash, 4 stands in names, 5 other.
 */
static const char kinds[] = "05555555500000555555555555505555"
                            "04544555444553441111111111454545"
                            "42222222222222222222222222245454"
                            "52222222222222222222222222250545";

/* The kinds of a token's signs, all together. */
enum { STOP = 1, DIGITS = 2, LETTERS = 4, DASHES = 8, NAMELY = 16, OTHERS = 32 };

static unsigned sign_of(char c)
{
    unsigned char u = (unsigned char)c;
    return u < 128 ? 1U << (kinds[u] - '0') : OTHERS;
}

static int is_stop(char c)
{
    return sign_of(c) == STOP;
}

/* The bracket that closes the one at at; NULL: none, or too far away. */
static const char *closing(const char *at, const char *end)
{
    char open = *at, close = open == '[' ? ']' : open == '(' ? ')' : '>';
    int depth = 0;
    if (end - at > BRACKET_MAX)
        end = at + BRACKET_MAX;
    for (; at < end; at++) {
        depth += (*at == open) - (*at == close);
        if (depth == 0)
            return at;
    }
    return NULL;
}

/* A level at the beginning of [at, end): what follows the word, or NULL. */
static const char *level_read(const char *at, const char *end, eddy_level *ret)
{
    size_t n = 0;
    while (at + n < end && n < 14 && is_letter(at[n]))
        n++;
    if (at + n < end && !is_stop(at[n]) && !memchr(":,/][", at[n], 5))
        return NULL;
    *ret = ed_level_word(at, n);
    return *ret ? at + n : NULL;
}

/* Behind one comma, colon or semicolon that belongs to the field. */
static const char *comma_skip(const char *at, const char *end)
{
    return at < end && (*at == ',' || *at == ':' || *at == ';') ? at + 1 : at;
}

/* at is an opening bracket. */
static int bracket_read(const char *at, const char *end, struct ed_field *ret)
{
    const char *close = closing(at, end), *to;
    if (!close)
        return 0;
    ret->class = ED_FIELD_BRACKET;
    ret->end = close + 1;
    ret->next = comma_skip(close + 1, end);
    ret->inner = ed_field_skip(at + 1, close);
    ret->closed = close;
    while (ret->closed > ret->inner && ed_field_blank(ret->closed[-1]))
        ret->closed--;
    if ((to = ed_stamp_read(ret->inner, ret->closed, &ret->stamp)) != NULL) {
        ret->class = ED_FIELD_TIME;
        ret->inner = ed_field_skip(comma_skip(to, close), ret->closed);
        ret->level = ret->stamp.level;
        to = level_read(ret->inner, ret->closed, &ret->level);
        if (to)
            ret->inner = ed_field_skip(comma_skip(to, ret->closed), ret->closed);
        return 1;
    }
    /* [error], and [core:error] of Apache */
    const char *level = ret->closed;
    while (level > ret->inner && is_letter(level[-1]))
        level--;
    ret->level = ed_level_word(level, (size_t)(ret->closed - level));
    if (ret->level != EDDY_LEVEL_UNKNOWN && (level == ret->inner || level[-1] == ':')) {
        ret->class = ED_FIELD_LEVEL;
        ret->closed = level - (level > ret->inner);
    } else {
        ret->level = EDDY_LEVEL_UNKNOWN;
    }
    return 1;
}

/* Digits, also "-1", "12:" and nginx' "123#123:"; but no address. */
static int is_number(const char *at, size_t n, unsigned signs)
{
    if (signs == DIGITS)
        return 1;
    if (signs == (DIGITS | DASHES))
        return *at == '-' && !memchr(at + 1, '-', n - 1);
    return signs == (DIGITS | NAMELY) && is_digit(*at) && !memchr(at, '.', n);
}

/* "c.f.Bar   :" is a name as well, and one in colours. */
static const char *colon_behind(const char *at, const char *end)
{
    const char *to = ed_field_skip(at, end);
    return to > at && to < end && *to == ':' && (to + 1 == end || is_stop(to[1])) ? to + 1 : NULL;
}

static void token_read(const char *at, const char *end, struct ed_field *ret)
{
    const char *to = at, *behind;
    unsigned signs = 0;
    do /* an escape alone is a token */
        signs |= sign_of(*to++);
    while (to < end && !is_stop(*to));
    size_t n = (size_t)(to - at);
    char last = to[-1];
    ret->end = ret->next = to;
    ret->class = ED_FIELD_WORD;
    if (signs == DASHES || (n == 1 && memchr("*#.:~", last, 5))) {
        ret->class = ED_FIELD_RULE;
    } else if (n == 1 && (ret->level = ed_level_letter(last)) != EDDY_LEVEL_UNKNOWN) {
        ret->class = ED_FIELD_LETTER;
    } else if (is_number(at, n, signs)) {
        ret->class = ED_FIELD_NUMBER;
        ret->end -= last == ':';
    } else if ((signs & LETTERS) && !(signs & OTHERS) && n <= NAME_MAX &&
               (is_letter(*at) || memchr("/<_.", *at, 4))) {
        if (last == ':') {
            ret->class = ED_FIELD_NAME;
            ret->end--;
        } else if (last == ']' && !memchr(at, '[', n) && memchr(at, ':', n)) {
            ret->class = ED_FIELD_NAME; /* klog's */
            ret->end--;
        } else if ((behind = colon_behind(to, end)) != NULL) {
            ret->class = ED_FIELD_NAME;
            ret->next = behind;
        }
    }
}

/* Behind "INFO:" of "INFO:root:Starting", a name ends at its colon. */
static int tight_name(const char *at, const char *end, struct ed_field *ret)
{
    const char *to = at;
    while (to < end && !is_stop(*to) && *to != ':' && to - at < NAME_MAX)
        to++;
    if (to == at || to == end || *to != ':')
        return 0;
    ret->class = ED_FIELD_NAME;
    ret->end = to;
    ret->next = to + 1;
    return 1;
}

int ed_field_read(const char *at, const char *end, int tight, struct ed_field *ret)
{
    const char *from = ed_field_skip(at, end), *to;
    if (from == end)
        return 0;
    ret->at = from;
    ret->inner = ret->closed = NULL;
    ret->level = EDDY_LEVEL_UNKNOWN;
    ret->tight = 0;
    if (*from == '|') {
        ret->class = ED_FIELD_RULE;
        ret->end = ret->next = from + 1;
        return 1;
    }
    if ((*from == '[' || *from == '(' || *from == '<') && bracket_read(from, end, ret))
        return 1;
    if (tight && from == at && tight_name(from, end, ret))
        return 1;
    if ((to = ed_stamp_read(from, end, &ret->stamp)) != NULL) {
        ret->class = ED_FIELD_TIME;
        ret->level = ret->stamp.level;
        ret->end = to;
        ret->next = comma_skip(to, end);
        return 1;
    }
    if (is_letter(*from) && (to = level_read(from, end, &ret->level)) != NULL) {
        ret->class = ED_FIELD_LEVEL;
        ret->end = to;
        ret->next = comma_skip(to, end);
        ret->tight = ret->next > to && *to == ':' && ret->next < end && !is_stop(*ret->next);
        return 1;
    }
    token_read(from, end, ret);
    return 1;
}

void ed_field_name(const struct ed_field *field, eddy_str *component, eddy_str *pid)
{
    const char *at = field->at, *end = field->end;
    if (end - at > 2 && end[-1] == ']') {
        const char *open = end - 1;
        while (open > at && *open != '[')
            open--;
        if (open > at) {
            *pid = (eddy_str){open + 1, (size_t)(end - open - 2)};
            end = open;
        }
    }
    if (end - at > 2 && end[-1] == ')') {
        const char *open = memchr(at, '(', (size_t)(end - at));
        if (open && open > at)
            end = open;
    }
    if (*field->end == ']' && end == field->end) { /* the line of klog's file is no component */
        while (end > at && is_digit(end[-1]))
            end--;
        end -= end > at && end[-1] == ':';
    }
    *component = (eddy_str){at, (size_t)(end - at)};
}
