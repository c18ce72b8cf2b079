/* Lines of fields: JSON objects, logfmt, and the JSON in which docker keeps lines.
 *
 * Programs agree on what a line tells and not on the names for it. So a name is folded first
 * (letters and digits alone, in lower case, behind the name of the object that it stands in):
 * "@timestamp", "Timestamp" and "log.level" with {"log":{"level":...}} become one each; and one
 * table says what such a name means. Where two of a line mean the same the lower rank wins, then
 * the first.
 *
 * Nothing is built: the line is walked once and its values stay where they are. What is no JSON
 * is found on the way, as far as it matters: brackets and strings must close. */
#include "parse/layout.h"

#include "base/memory.h"
#include "parse/field.h"
#include "parse/level.h"
#include "parse/stamp.h"
#include "parse/time.h"
#include "parse/vectors.h"

#include <string.h>

#define NAME_MAX  24 /* bytes of a folded name; none of the table is as long */
#define DEPTH_MAX 64

enum role {
    ROLE_NONE,
    ROLE_MESSAGE,
    ROLE_TIME,
    ROLE_LEVEL,
    ROLE_OTEL, /* a level by OpenTelemetry's numbers */
    ROLE_COMPONENT,
    ROLE_HOST,
    ROLE_PID,
    ROLE_STACK,
    ROLES
};

/* Sorted by name. */
static const struct name {
    char name[NAME_MAX];
    uint8_t role, rank;
} names[] = {
    {"app", ROLE_COMPONENT, 4},
    {"application", ROLE_COMPONENT, 4},
    {"appname", ROLE_COMPONENT, 4},
    {"asctime", ROLE_TIME, 2},
    {"body", ROLE_MESSAGE, 3},
    {"bodystringvalue", ROLE_MESSAGE, 2},
    {"c", ROLE_COMPONENT, 3},
    {"caller", ROLE_COMPONENT, 6},
    {"category", ROLE_COMPONENT, 2},
    {"channel", ROLE_COMPONENT, 2},
    {"component", ROLE_COMPONENT, 1},
    {"date", ROLE_TIME, 4},
    {"datetime", ROLE_TIME, 2},
    {"err", ROLE_MESSAGE, 6},
    {"error", ROLE_MESSAGE, 6},
    {"errormessage", ROLE_MESSAGE, 5},
    {"errorstack", ROLE_STACK, 2},
    {"errorstacktrace", ROLE_STACK, 1},
    {"errstack", ROLE_STACK, 2},
    {"event", ROLE_MESSAGE, 4},
    {"eventtime", ROLE_TIME, 3},
    {"exception", ROLE_STACK, 3},
    {"exceptionstacktrace", ROLE_STACK, 1},
    {"excinfo", ROLE_STACK, 2},
    {"fieldsmessage", ROLE_MESSAGE, 2},
    {"fullmessage", ROLE_MESSAGE, 5},
    {"host", ROLE_HOST, 1},
    {"hostname", ROLE_HOST, 1},
    {"instantepochsecond", ROLE_TIME, 3},
    {"jsonpayloadmessage", ROLE_MESSAGE, 2},
    {"jsonpayloadmsg", ROLE_MESSAGE, 2},
    {"l", ROLE_LEVEL, 2},
    {"level", ROLE_LEVEL, 1},
    {"levelname", ROLE_LEVEL, 1},
    {"log", ROLE_MESSAGE, 3},
    {"logger", ROLE_COMPONENT, 1},
    {"loggername", ROLE_COMPONENT, 1},
    {"loglevel", ROLE_LEVEL, 1},
    {"loglogger", ROLE_COMPONENT, 1},
    {"lvl", ROLE_LEVEL, 1},
    {"m", ROLE_MESSAGE, 3},
    {"message", ROLE_MESSAGE, 1},
    {"messagetemplate", ROLE_MESSAGE, 4},
    {"module", ROLE_COMPONENT, 2},
    {"msg", ROLE_MESSAGE, 1},
    {"mt", ROLE_MESSAGE, 4},
    {"name", ROLE_COMPONENT, 5},
    {"pid", ROLE_PID, 1},
    {"priority", ROLE_LEVEL, 3},
    {"processid", ROLE_PID, 1},
    {"processpid", ROLE_PID, 1},
    {"program", ROLE_COMPONENT, 4},
    {"propertiessourcecontext", ROLE_COMPONENT, 1},
    {"realtimetimestamp", ROLE_TIME, 2},
    {"renderedmessage", ROLE_MESSAGE, 2},
    {"s", ROLE_LEVEL, 3},
    {"service", ROLE_COMPONENT, 3},
    {"servicename", ROLE_COMPONENT, 3},
    {"severity", ROLE_LEVEL, 1},
    {"severitynumber", ROLE_OTEL, 1},
    {"severitytext", ROLE_LEVEL, 1},
    {"shortmessage", ROLE_MESSAGE, 2},
    {"sourcecontext", ROLE_COMPONENT, 1},
    {"stack", ROLE_STACK, 2},
    {"stacktrace", ROLE_STACK, 1},
    {"syslogidentifier", ROLE_COMPONENT, 2},
    {"t", ROLE_TIME, 2},
    {"tag", ROLE_COMPONENT, 4},
    {"target", ROLE_COMPONENT, 2},
    {"tdate", ROLE_TIME, 2},
    {"text", ROLE_MESSAGE, 3},
    {"textpayload", ROLE_MESSAGE, 2},
    {"time", ROLE_TIME, 1},
    {"timemillis", ROLE_TIME, 3},
    {"timestamp", ROLE_TIME, 1},
    {"timeunixnano", ROLE_TIME, 2},
    {"traceback", ROLE_STACK, 2},
    {"ts", ROLE_TIME, 1},
    {"x", ROLE_STACK, 2},
};

struct value {
    eddy_str text; /* of a string without its quotes */
    char type;     /* '"', '{', '[', or any other sign for numbers and words */
    uint8_t escaped;
};

struct found {
    struct value value;
    uint8_t rank; /* 0: not found */
};

struct folded {
    char name[NAME_MAX];
    size_t n;
    int too_long;
};

/* ---- names ---- */

static void fold(struct folded *f, eddy_str key)
{
    for (size_t i = 0; i < key.n; i++) {
        char c = key.at[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c | 0x20);
        else if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
            continue;
        if (f->n == NAME_MAX - 1) {
            f->too_long = 1;
            return;
        }
        f->name[f->n++] = c;
    }
}

static const struct name *name_find(const struct folded *f)
{
    size_t low = 0, high = sizeof names / sizeof *names;
    char name[NAME_MAX] = {0};
    if (f->too_long)
        return NULL;
    memcpy(name, f->name, f->n);
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = memcmp(name, names[middle].name, NAME_MAX);
        if (order == 0)
            return &names[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static void note(struct found found[ROLES], const struct folded *f, const struct value *value)
{
    const struct name *name = name_find(f);
    if (name && (!found[name->role].rank || name->rank < found[name->role].rank))
        found[name->role] = (struct found){*value, name->rank};
}

/* ---- JSON ---- */

/* The string whose opening quote is before at: what follows its closing quote, or NULL. */
static const char *string_read(const char *at, const char *end, struct value *ret)
{
    const char *from = at;
    ret->escaped = 0;
    while (at < end && *at != '"') {
        if (*at == '\\') {
            ret->escaped = 1;
            at++;
        }
        at++;
    }
    if (at >= end)
        return NULL;
    ret->text = (eddy_str){from, (size_t)(at - from)};
    ret->type = '"';
    return at + 1;
}

/* Any value: what follows it, or NULL. */
static const char *value_read(const char *at, const char *end, struct value *ret)
{
    const char *from = at;
    struct value inner;
    int depth = 0;
    if (at == end)
        return NULL;
    if (*at == '"')
        return string_read(at + 1, end, ret);
    ret->type = *at;
    ret->escaped = 0;
    if (*at == '{' || *at == '[') {
        do {
            if (*at == '"') {
                at = string_read(at + 1, end, &inner);
                if (!at)
                    return NULL;
                continue;
            }
            depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
            at++;
        } while (depth > 0 && depth < DEPTH_MAX && at < end);
        if (depth != 0)
            return NULL;
    } else {
        while (at < end && *at != ',' && *at != '}' && *at != ']' && !ed_is_blank(*at))
            at++;
        if (at == from)
            return NULL;
    }
    ret->text = (eddy_str){from, (size_t)(at - from)};
    return at;
}

/* The next member of an object; at is behind its bracket or behind the value before. What follows
 * it; the end is where the bracket closes (*ret_closed). NULL: no JSON. */
static const char *member_read(const char *at, const char *end, int first, struct value *key,
                               struct value *value, int *ret_closed)
{
    at = ed_blanks_skip(at, end);
    *ret_closed = at < end && *at == '}';
    if (*ret_closed)
        return at + 1;
    if (!first) {
        if (at == end || *at != ',')
            return NULL;
        at = ed_blanks_skip(at + 1, end);
    }
    if (at == end || *at != '"')
        return NULL;
    at = string_read(at + 1, end, key);
    if (!at)
        return NULL;
    at = ed_blanks_skip(at, end);
    if (at == end || *at != ':')
        return NULL;
    return value_read(ed_blanks_skip(at + 1, end), end, value);
}

/* The members of the object that at opens, and those of the objects in it. What follows; NULL: no
 * JSON. */
static const char *object_read(const char *at, const char *end, const struct folded *outer,
                               struct found found[ROLES])
{
    struct value key, value;
    int closed = 0;
    at++;
    for (int first = 1; (at = member_read(at, end, first, &key, &value, &closed)) && !closed;
         first = 0) {
        struct folded name = outer ? *outer : (struct folded){.n = 0};
        fold(&name, key.text);
        if (value.type == '{' && !outer) {
            if (!object_read(value.text.at, value.text.at + value.text.n, &name, found))
                return NULL;
        } else if (value.type != '{' && value.type != '[' && value.type != 'n') {
            note(found, &name, &value);
        }
    }
    return at;
}

/* ---- escapes ---- */

static int hex4(const char *at, const char *end, uint32_t *ret)
{
    *ret = 0;
    if (end - at < 4)
        return 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i], low = (char)(c | 0x20);
        int x = c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
        if (x < 0)
            return 0;
        *ret = *ret << 4 | (uint32_t)x;
    }
    return 1;
}

static char *utf8_put(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xC0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *to++ = (char)(0xE0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
        *to++ = (char)(0x80 | (c & 0x3F));
    } else {
        *to++ = (char)(0xF0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3F));
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
        *to++ = (char)(0x80 | (c & 0x3F));
    }
    return to;
}

/* Four hex digits, and the second escape of a pair; at is behind the u. Half a pair, and NUL, are
 * U+FFFD. */
static const char *unicode_read(const char *at, const char *end, char **to)
{
    uint32_t c, low;
    if (!hex4(at, end, &c)) {
        *to = utf8_put(*to, 0xFFFD);
        return at;
    }
    at += 4;
    if (c >= 0xD800 && c < 0xDC00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u' &&
        hex4(at + 2, end, &low) && low >= 0xDC00 && low < 0xE000) {
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        at += 6;
    }
    *to = utf8_put(*to, c == 0 || (c >= 0xD800 && c < 0xE000) ? 0xFFFD : c);
    return at;
}

/* The value as its writer meant it: in the arena, if it has escapes and there is one. */
static eddy_str plain(struct ed_take *take, const struct value *value)
{
    static const char escapes[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    if (!value->escaped || !take->arena)
        return value->text;
    const char *at = value->text.at, *end = at + value->text.n;
    /* An escape is never shorter than what it means, but for the U+FFFD of a broken one. */
    char *from = ed_arena_alloc(take->arena, 2 * value->text.n), *to = from;
    if (!from) {
        take->failed = 1;
        return value->text;
    }
    while (at < end) {
        if (*at != '\\' || at + 1 == end) {
            *to++ = *at++;
            continue;
        }
        at++;
        const char *escape = memchr(escapes, *at, sizeof escapes - 1);
        if (*at == 'u') {
            at = unicode_read(at + 1, end, &to);
        } else {
            *to++ = escape ? means[escape - escapes] : *at;
            at++;
        }
    }
    return (eddy_str){from, (size_t)(to - from)};
}

/* ---- what the values say ---- */

static void time_take(struct ed_take *take, const struct value *value)
{
    const char *at = value->text.at, *end = at + value->text.n;
    struct ed_stamp stamp;
    double seconds;
    if (ed_time_from_text(at, value->text.n, EDDY_UNIT_AUTO, &take->line.time_ms) ||
        (value->type != '"' && ed_vectors_number(at, end, &seconds) == end &&
         ed_time_from_real(seconds, EDDY_UNIT_AUTO, &take->line.time_ms)))
        take->line.has_time = 1;
    else if (ed_stamp_read(at, end, &stamp) == end)
        ed_take_stamp(take, &stamp);
}

static void found_take(struct ed_take *take, const struct found found[ROLES], eddy_str whole)
{
    eddy_log_line *line = &take->line;
    if (found[ROLE_TIME].rank)
        time_take(take, &found[ROLE_TIME].value);
    if (found[ROLE_LEVEL].rank)
        line->level = ed_level_value(found[ROLE_LEVEL].value.text, 0);
    if (found[ROLE_OTEL].rank && line->level == EDDY_LEVEL_UNKNOWN)
        line->level = ed_level_value(found[ROLE_OTEL].value.text, 1);
    if (found[ROLE_COMPONENT].rank)
        line->component = plain(take, &found[ROLE_COMPONENT].value);
    if (found[ROLE_HOST].rank)
        line->host = plain(take, &found[ROLE_HOST].value);
    if (found[ROLE_PID].rank)
        line->pid = found[ROLE_PID].value.text;
    if (found[ROLE_STACK].rank)
        line->more = plain(take, &found[ROLE_STACK].value);

    eddy_str message = found[ROLE_MESSAGE].rank ? plain(take, &found[ROLE_MESSAGE].value) : whole;
    message = ed_trimmed(message);
    if (message.n == 0)
        message = whole;
    const char *newline = memchr(message.at, '\n', message.n);
    if (newline) {
        size_t n = (size_t)(newline - message.at);
        if (!line->more.n)
            line->more = (eddy_str){newline + 1, message.n - n - 1};
        message = ed_trimmed((eddy_str){message.at, n});
    }
    line->text = message;
    take->rest = message;
}

int ed_json_take(struct ed_take *take)
{
    struct found found[ROLES] = {{.rank = 0}};
    eddy_str whole = ed_trimmed(take->rest);
    const char *end = whole.at + whole.n;
    if (whole.n < 2 || *whole.at != '{' || object_read(whole.at, end, NULL, found) != end)
        return 0;
    found_take(take, found, whole);
    return 1;
}

/* ---- docker ---- */

static int is_key(const struct value *key, const char *name)
{
    return key->text.n == strlen(name) && memcmp(key->text.at, name, key->text.n) == 0;
}

int ed_docker_take(struct ed_take *take)
{
    eddy_str whole = ed_trimmed(take->rest);
    const char *at = whole.at, *end = whole.at + whole.n;
    struct value key, value, log = {.type = 0}, stream = log, time = log;
    int closed = 0;
    if (whole.n < 2 || *at++ != '{')
        return 0;
    for (int first = 1; (at = member_read(at, end, first, &key, &value, &closed)) && !closed;
         first = 0) {
        if (is_key(&key, "log"))
            log = value;
        else if (is_key(&key, "stream"))
            stream = value;
        else if (is_key(&key, "time"))
            time = value;
    }
    if (at != end || log.type != '"' || stream.type != '"' || time.type != '"')
        return 0;
    time_take(take, &time);
    take->line.stream = stream.text;
    eddy_str text = plain(take, &log);
    if (take->arena) {
        take->line.partial = text.n == 0 || text.at[text.n - 1] != '\n';
        text.n -= text.n > 0 && !take->line.partial;
    } else { /* the newline is still two signs */
        take->line.partial = text.n < 2 || memcmp(text.at + text.n - 2, "\\n", 2) != 0;
        text.n -= take->line.partial ? 0 : 2;
    }
    take->rest = text;
    return 1;
}

/* ---- logfmt ---- */

/* key=value, key="value" or a key alone: what follows, or NULL. */
static const char *pair_read(const char *at, const char *end, eddy_str *key, struct value *value)
{
    const char *from = at;
    while (at < end && (unsigned char)*at > ' ' && *at != '=' && *at != '"')
        at++;
    if (at == from || (at < end && *at == '"'))
        return NULL;
    *key = (eddy_str){from, (size_t)(at - from)};
    *value = (struct value){.type = 0};
    if (at == end || *at != '=')
        return at;
    at++;
    if (at < end && *at == '"')
        return string_read(at + 1, end, value);
    from = at;
    while (at < end && (unsigned char)*at > ' ')
        at++;
    *value = (struct value){{from, (size_t)(at - from)}, '=', 0};
    return at;
}

int ed_logfmt_take(struct ed_take *take)
{
    struct found found[ROLES] = {{.rank = 0}};
    eddy_str whole = ed_trimmed(take->rest), key;
    const char *at = whole.at, *end = whole.at + whole.n;
    size_t pairs = 0, bare = 0;
    while (at < end) {
        struct value value;
        struct folded name = {.n = 0};
        at = pair_read(at, end, &key, &value);
        if (!at || (at < end && (unsigned char)*at > ' ') || (!value.type && !pairs))
            return 0;
        if (value.type) {
            fold(&name, key);
            note(found, &name, &value);
            pairs++;
        } else {
            bare++;
        }
        while (at < end && (unsigned char)*at <= ' ')
            at++;
    }
    if (pairs < 2 || bare > pairs ||
        !(found[ROLE_MESSAGE].rank || found[ROLE_LEVEL].rank || found[ROLE_TIME].rank))
        return 0;
    found_take(take, found, whole);
    return 1;
}
