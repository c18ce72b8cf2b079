/* What stands around the lines of a program: put there by container runtimes, and by syslog. */
#include "parse/layout.h"

#include "parse/field.h"
#include "parse/level.h"

#include <string.h>

static eddy_str span(const char *at, const char *end)
{
    return (eddy_str){at, (size_t)(end - at)};
}

/* The word at at; what follows the one blank behind it, or NULL where there is no word with one. */
static const char *word_read(const char *at, const char *end, eddy_str *ret)
{
    const char *to = at;
    while (to < end && *to != ' ')
        to++;
    if (to == at || to == end)
        return NULL;
    *ret = span(at, to);
    return to + 1;
}

static int is(eddy_str s, const char *what)
{
    return s.n == strlen(what) && memcmp(s.at, what, s.n) == 0;
}

/* "2031-05-14T08:30:00.000000000Z stdout F the line"; P: the runtime cut it, and more follows. */
int ed_cri_take(struct ed_take *take)
{
    const char *at = take->rest.at, *end = at + take->rest.n;
    struct ed_stamp stamp;
    eddy_str stream, tag;
    if (take->rest.n < 20 || at[10] != 'T' || !(at = ed_stamp_read(at, end, &stamp)) || at == end ||
        *at != ' ' || !(at = word_read(at + 1, end, &stream)) ||
        !(is(stream, "stdout") || is(stream, "stderr")))
        return 0;
    /* An empty line may lack the blank behind its tag. */
    if (end - at == 1)
        tag = span(at, end), at = end;
    else if (!(at = word_read(at, end, &tag)))
        return 0;
    if ((*tag.at != 'F' && *tag.at != 'P') || (tag.n > 1 && tag.at[1] != ':'))
        return 0;
    ed_take_stamp(take, &stamp);
    take->line.stream = stream;
    take->line.partial = *tag.at == 'P';
    take->rest = span(at, end);
    return 1;
}

/* "web-1  | the line", as compose prints it. */
int ed_service_take(struct ed_take *take)
{
    const char *from = ed_field_skip(take->rest.at, take->rest.at + take->rest.n), *at = from;
    const char *end = take->rest.at + take->rest.n;
    while (at < end && at - from < 128 && *at > ' ' && *at < 0x7F && *at != '|')
        at++;
    eddy_str name = span(from, at);
    at = ed_field_skip(at, end);
    if (!name.n || at == from + name.n || at == end || *at != '|' ||
        (at + 1 < end && at[1] != ' ' && at[1] != '\x1b'))
        return 0;
    /* "INFO | ..." and "12:00:01 | ..." are headers. */
    struct ed_stamp stamp;
    if (ed_level_word(name.at, name.n) || ed_stamp_read(name.at, end, &stamp) ||
        memchr("[<({\"", *name.at, 5))
        return 0;
    at++;
    if (at < end && *at == '\x1b') { /* the colour ends */
        while (at < end && *at != 'm')
            at++;
        at += at < end;
    }
    at += at < end && *at == ' ';
    take->line.stream = name;
    take->rest = span(at, end);
    return 1;
}

/* "[pod/web-5d8f/app] the line", as kubectl logs --prefix prints it. */
int ed_pod_take(struct ed_take *take)
{
    const char *at = take->rest.at, *end = at + take->rest.n;
    if (take->rest.n < 7 || memcmp(at, "[pod/", 5) != 0)
        return 0;
    const char *close = memchr(at, ']', take->rest.n);
    if (!close || (close + 1 < end && close[1] != ' '))
        return 0;
    take->line.stream = span(at + 5, close);
    take->rest = span(close + 1 + (close + 1 < end), end);
    return 1;
}

/* The <number> of syslog at at: what follows it, or NULL. */
static const char *priority_read(const char *at, const char *end, int *ret)
{
    int n = 0;
    if (at == end || *at != '<')
        return NULL;
    for (at++, *ret = 0; at < end && *at >= '0' && *at <= '9' && n < 3; at++, n++)
        *ret = *ret * 10 + (*at - '0');
    return n && at < end && *at == '>' && *ret <= 191 ? at + 1 : NULL;
}

int ed_priority_take(struct ed_take *take)
{
    int priority;
    const char *end = take->rest.at + take->rest.n;
    const char *at = priority_read(take->rest.at, end, &priority);
    if (!at)
        return 0;
    take->line.level = ed_level_syslog(priority % 8);
    take->rest = span(at, end);
    return 1;
}

/* The structured data of RFC 5424: what follows it, or NULL. */
static const char *data_read(const char *at, const char *end)
{
    if (at < end && *at == '-')
        return at + 1;
    const char *from = at;
    while (at < end && *at == '[') {
        int quoted = 0;
        for (at++; at < end && (quoted || *at != ']'); at++) {
            if (*at == '\\' && quoted)
                at++;
            else
                quoted ^= *at == '"';
        }
        if (at >= end)
            return NULL;
        at++;
    }
    return at > from ? at : NULL;
}

/* A field that is not "-", which says that there is none. */
static eddy_str given(eddy_str s)
{
    return is(s, "-") ? (eddy_str){NULL, 0} : s;
}

/* "<34>1 2031-05-14T08:30:00.000Z host app 123 ID47 [data] the message", also without <34>. */
int ed_syslog_take(struct ed_take *take)
{
    const char *at = take->rest.at, *end = at + take->rest.n;
    struct ed_stamp stamp;
    eddy_str version, time, host, app, pid, id;
    int priority = -1;
    if (at < end && *at == '<' && !(at = priority_read(at, end, &priority)))
        return 0;
    if (!(at = word_read(at, end, &version)) || !is(version, "1") ||
        !(at = word_read(at, end, &time)) || !(at = word_read(at, end, &host)) ||
        !(at = word_read(at, end, &app)) || !(at = word_read(at, end, &pid)) ||
        !(at = word_read(at, end, &id)) || !(at = data_read(at, end)) || (at < end && *at != ' '))
        return 0;
    if (ed_stamp_read(time.at, time.at + time.n, &stamp) == time.at + time.n)
        ed_take_stamp(take, &stamp);
    else if (!is(time, "-"))
        return 0;
    if (priority >= 0)
        take->line.level = ed_level_syslog(priority % 8);
    take->line.host = given(host);
    take->line.component = given(app);
    take->line.pid = given(pid);
    at += at < end;
    if (end - at >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0)
        at += 3;
    take->rest = span(at, end);
    return 1;
}
