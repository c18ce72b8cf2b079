/* What varies in one line of a template, and what kind of thing it is. */
#include "engine/templates.h"

/* ---- kinds of things, by their looks ---- */

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_hex(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static int is_letter(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (unsigned char)c >= 0x80;
}

/* Digits, with at most one dot among them. */
static int is_number(const char *s, size_t n)
{
    size_t dots = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '.' && i && i + 1 < n)
            dots++;
        else if (!is_digit(s[i]))
            return 0;
    }
    return n && dots <= 1;
}

static int is_base_16(const char *s, size_t n)
{
    int prefix = n > 2 && s[0] == '0' && (s[1] | 0x20) == 'x';
    for (size_t i = prefix ? 2 : 0; i < n; i++)
        if (!is_hex(s[i]))
            return 0;
    return prefix || n >= 8;
}

/* Groups of digits of base 16 (or 10), parted by this; their number, 0: it is something else. */
static unsigned groups(const char *s, size_t n, char parted, int decimal, size_t least, size_t most)
{
    unsigned ret = 0;
    for (size_t i = 0;;) {
        size_t from = i;
        while (i < n && (decimal ? is_digit(s[i]) : is_hex(s[i])))
            i++;
        if (i - from < least || i - from > most)
            return 0;
        ret++;
        if (i == n)
            return ret;
        if (s[i++] != parted)
            return 0;
    }
}

static int is_ip(const char *s, size_t n)
{
    if (n && *s == '/') /* as Java writes one whose name is not known */
        s++, n--;
    return groups(s, n, '.', 1, 1, 3) == 4 || groups(s, n, ':', 0, 0, 4) >= 3;
}

static int is_uuid(const char *s, size_t n)
{
    static const size_t dashes[] = {8, 13, 18, 23};
    for (size_t i = 0; i < n && n == 36; i++) {
        int dash = 0;
        for (size_t j = 0; j < 4; j++)
            dash |= dashes[j] == i;
        if (dash ? s[i] != '-' : !is_hex(s[i]))
            return 0;
    }
    return n == 36;
}

/* 17:41:44, 2015-07-29, 2015/07/29, 2015-07-29T17:41:44.747Z. */
static int is_time(const char *s, size_t n)
{
    size_t end = 0;
    unsigned clock = groups(s, n, ':', 1, 1, 2);
    if (clock == 2 || clock == 3)
        return 1;
    while (end < n && (is_digit(s[end]) || s[end] == '-' || s[end] == '/'))
        end++;
    if (groups(s, end, '-', 1, 1, 4) != 3 && groups(s, end, '/', 1, 1, 4) != 3)
        return 0;
    for (size_t i = end; i < n; i++)
        if (!is_digit(s[i]) && !strchr("T:.,+-Z", s[i]))
            return 0;
    return end == n || s[end] == 'T';
}

static int is_path(const char *s, size_t n)
{
    size_t slashes = 0;
    for (size_t i = 0; i < n; i++)
        slashes += s[i] == '/' || s[i] == '\\';
    return n > 1 && (*s == '/' || slashes >= 2);
}

/* Letters, digits and dashes joined by dots; of more than digits, and no @ but in an address. */
static int is_host(const char *s, size_t n)
{
    size_t dots = 0, letters = 0;
    for (size_t i = 0; i < n; i++) {
        dots += s[i] == '.';
        letters += (size_t)is_letter(s[i]);
        if (!is_letter(s[i]) && !is_digit(s[i]) && s[i] != '-' && s[i] != '.')
            return 0;
    }
    return dots && letters && s[0] != '.' && s[n - 1] != '.';
}

static int is_email(const char *s, size_t n)
{
    const char *at = memchr(s, '@', n);
    return at && at > s && is_host(at + 1, n - (size_t)(at + 1 - s));
}

static eddy_parameter_type type_of(eddy_str message, eddy_span span)
{
    const char *s = message.at + span.at;
    size_t n = span.n;
    if (is_number(s, n))
        return EDDY_PARAMETER_NUMBER;
    if (is_base_16(s, n))
        return EDDY_PARAMETER_HEX;
    if (is_uuid(s, n))
        return EDDY_PARAMETER_UUID;
    if (groups(s, n, ':', 0, 2, 2) == 6)
        return EDDY_PARAMETER_MAC;
    if (is_time(s, n))
        return EDDY_PARAMETER_TIME;
    if (is_ip(s, n))
        return EDDY_PARAMETER_IP;
    if (span.at && s[-1] == ':' && n > 2 && s[0] == '/' && s[1] == '/')
        return EDDY_PARAMETER_URL;
    if (is_email(s, n))
        return EDDY_PARAMETER_EMAIL;
    if (is_path(s, n))
        return EDDY_PARAMETER_PATH;
    return is_host(s, n) ? EDDY_PARAMETER_HOST : EDDY_PARAMETER_WORD;
}

const char *eddy_parameter_name(eddy_parameter_type type)
{
    static const char *const names[] = {"word", "number", "hex", "ip",   "mac",  "uuid",
                                        "time", "path",   "url", "host", "email"};
    return names[type];
}

/* ---- which stretches ---- */

/* As the template shows it: a variable that never varied, and is the same here. */
static int is_shown(const struct ed_node *node, eddy_str message, eddy_span span)
{
    const struct ed_founder *f = node->founder;
    for (unsigned i = 0; i < f->n_variables; i++) {
        eddy_span shown = ed_founder_variables(f)[i];
        if (shown.n == span.n && ed_variable_is_constant(node, i) &&
            !memcmp(ed_founder_text(f) + shown.at, message.at + span.at, span.n))
            return 1;
    }
    return 0;
}

eddy_status eddy_miner_parameters(const eddy_miner *m, uint64_t id, eddy_str message,
                                  eddy_arena *arena, const eddy_parameter **ret, size_t *n_ret,
                                  eddy_error *err)
{
    const eddy_scan *s = NULL;
    uint32_t slot = ed_template_slot(m, id, err);
    if (slot == NONE)
        return EDDY_INVALID;
    eddy_status st = eddy_scan_message(message, NULL, 0, arena, &s, err);
    if (st != EDDY_OK)
        return st;
    const struct ed_node *node = &m->nodes[m->nodes[slot].root];
    const struct ed_founder *f = node->founder;
    size_t most = (size_t)s->n + s->n_variables, n = 0;
    eddy_parameter *list = ed_arena_alloc(arena, most * sizeof *list);
    if (!list)
        return eddy_fail_nomem(err, "parameters", most * sizeof *list);
    uint8_t of[EDDY_SCAN_WORDS];
    uint64_t unlike = ed_words_unlike(s->hashes, s->n, f->hashes, f->n, of);
    for (unsigned v = 0, w = 0; v < s->n_variables || w < s->n;) {
        if (w == s->n || (v < s->n_variables && s->variables[v].at < s->words[w].at)) {
            if (!is_shown(node, message, s->variables[v]))
                list[n++].span = s->variables[v];
            v++;
        } else {
            if (unlike >> w & 1 || node->mask >> of[w] & 1)
                list[n++].span = s->words[w];
            w++;
        }
    }
    for (size_t i = 0; i < n; i++)
        list[i].type = type_of(message, list[i].span);
    *ret = list;
    *n_ret = n;
    return EDDY_OK;
}
