/* Traces: told by what their lines begin with. */
#include "parse/trace.h"

#include "parse/field.h"

#include <string.h>

struct text {
    const char *at, *end;
};

/* Move behind the word, if the text begins with it. */
static int take(struct text *t, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(t->end - t->at) < n || memcmp(t->at, word, n) != 0)
        return 0;
    t->at += n;
    return 1;
}

static int begins(struct text t, const char *const *words)
{
    for (; *words; words++)
        if (take(&t, *words))
            return 1;
    return 0;
}

static int has(struct text t, char c)
{
    return memchr(t.at, c, (size_t)(t.end - t.at)) != NULL;
}

static int is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

static int is_letter(char c)
{
    return is_capital(c) || (c >= 'a' && c <= 'z') || c == '_';
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A class's name, with the names that it stands in: where it ends. The last part is from *ret_last.
 */
static const char *class_end(struct text t, const char **ret_last)
{
    const char *at = t.at;
    *ret_last = at;
    if (at == t.end || !is_letter(*at))
        return at;
    for (; at < t.end; at++) {
        if (*at == '.' || *at == '$')
            *ret_last = at + 1;
        else if (!is_letter(*at) && !is_digit(*at) && *at != '`')
            break;
    }
    return at;
}

static int is_exception(const char *last, const char *end)
{
    static const char *const endings[] = {"Exception", "Error",     "Throwable", "Failure",
                                          "Fault",     "Interrupt", NULL};
    size_t n = (size_t)(end - last);
    for (const char *const *e = endings; *e; e++)
        if (n >= strlen(*e) && is_capital(*last) && memcmp(end - strlen(*e), *e, strlen(*e)) == 0)
            return 1;
    return 0;
}

/* "Name: what", "NameError" */
static enum ed_trace raised(struct text t)
{
    const char *last, *end = class_end(t, &last);
    if (end == t.at || last >= end || !is_capital(*last))
        return ED_TRACE_NONE;
    int alone = end == t.end, colon = !alone && *end == ':' && (end + 1 == t.end || end[1] == ' ');
    if (!alone && !colon)
        return ED_TRACE_NONE;
    return is_exception(last, end) ? ED_TRACE_RAISED : colon ? ED_TRACE_NAMED : ED_TRACE_NONE;
}

/* "net/http.(*conn).serve(0xc0001, {0x7f, 0x1})" */
static int is_call(struct text t)
{
    const char *at = t.at;
    int dots = 0;
    if (t.at == t.end || !is_letter(*t.at) || t.end[-1] != ')')
        return 0;
    for (; at < t.end && (is_letter(*at) || is_digit(*at) || memchr("/.-*()[]{}", *at, 10)); at++) {
        dots += *at == '.';
        if (*at == '(' && dots && at + 1 < t.end && at[1] != '*')
            return 1;
    }
    return 0;
}

/* "... 12 more", "... 3 common frames omitted" */
static int is_omitted(struct text t)
{
    if (!take(&t, "... ") || t.at == t.end || !is_digit(*t.at))
        return 0;
    while (t.at < t.end && is_digit(*t.at))
        t.at++;
    return take(&t, " more") || take(&t, " common frames");
}

static int is_closing(struct text t)
{
    for (const char *at = t.at; at < t.end; at++)
        if (!memchr("}]),; ", *at, 6))
            return 0;
    return *t.at != ';' && *t.at != ',';
}

enum ed_trace ed_trace_line(eddy_str line)
{
    static const char *const java[] = {"Caused by: ", "Suppressed: ", "--- End of ", "---> ", NULL};
    static const char *const python[] = {"Traceback (most recent call last)", "File \"",
                                         "During handling of the above exception",
                                         "The above exception was the direct cause", NULL};
    static const char *const go[] = {"goroutine ", "created by ", "[signal SIG",
                                     "[originating from goroutine ", NULL};
    struct text t = {ed_field_skip(line.at, line.at + line.n), line.at + line.n};
    /* One blank alone: there are programs whose messages begin with one. */
    int indented = t.at > line.at && (*line.at == '\t' || t.at - line.at > 1);
    while (t.end > t.at && ed_field_blank(t.end[-1]))
        t.end--;
    if (t.at == t.end)
        return ED_TRACE_MORE;
    struct text behind = t;
    if (begins(t, java) || is_omitted(t) || (take(&behind, "at ") && (indented || has(t, '('))))
        return ED_TRACE_JAVA;
    if (begins(t, python))
        return ED_TRACE_PYTHON;
    if (begins(t, go) && (has(t, '[') || has(t, '.')))
        return ED_TRACE_GO;
    if (indented || is_closing(t))
        return ED_TRACE_MORE;
    return is_call(t) ? ED_TRACE_CALL : raised(t);
}

/* ---- the exceptions ---- */

static size_t add(eddy_str name, eddy_str *ret, size_t n, size_t max)
{
    for (size_t i = 0; i < n; i++)
        if (ret[i].n == name.n && memcmp(ret[i].at, name.at, name.n) == 0)
            return n;
    if (n < max)
        ret[n++] = name;
    return n;
}

/* The class that t begins with, behind what announces one. Lines of code are indented and name
 * classes as well, so that an indented line counts only when it announces, or names one in full. */
static size_t named(struct text t, int indented, eddy_str *ret, size_t n, size_t max)
{
    static const char *const leads[] = {"Caused by: ", "Suppressed: ", "---> ", "Uncaught ",
                                        "Unhandled exception. "};
    const char *last;
    int announced = 0;
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++)
        announced |= take(&t, leads[i]);
    if (take(&t, "Exception in thread \"")) {
        const char *quote = memchr(t.at, '"', (size_t)(t.end - t.at));
        t.at = quote ? ed_field_skip(quote + 1, t.end) : t.end;
    }
    struct text panic = t;
    if (!indented && take(&panic, "panic: "))
        return add((eddy_str){t.at, 5}, ret, n, max);
    const char *end = class_end(t, &last);
    if (indented && !announced && last == t.at)
        return n;
    if (end > t.at && (end == t.end || *end == ':') &&
        (is_exception(last, end) || (announced && is_letter(*last))))
        n = add((eddy_str){t.at, (size_t)(end - t.at)}, ret, n, max);
    return n;
}

size_t ed_trace_exceptions(eddy_str lines, eddy_str *ret, size_t n, size_t max)
{
    const char *at = lines.at, *end = at + lines.n;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        struct text t = {ed_field_skip(at, newline ? newline : end), newline ? newline : end};
        int indented = t.at > at;
        while (t.end > t.at && ed_field_blank(t.end[-1]))
            t.end--;
        n = named(t, indented, ret, n, max);
        at = newline ? newline + 1 : end;
    }
    return n;
}
