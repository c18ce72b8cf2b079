/* Alarms: fields of an alert into bodies. */
#include "remote/alarms.h"

#include "base/json.h"
#include "base/time.h"

#include <string.h>

#define KEYWORDS_TEXT 400

const char *ed_alarm_text(const json_t *alert, const char *key, char room[32])
{
    const json_t *value = json_object_get(alert, key);
    if (json_is_string(value))
        return json_string_value(value);
    if (!json_is_number(value))
        return "";
    snprintf(room, 32, "%.6g", json_number_value(value));
    return room;
}

const char *ed_alarm_subject(const json_t *alert)
{
    const char *event = json_string_value(json_object_get(alert, "event"));
    const char *form = json_string_value(json_object_get(alert, "template"));
    return event ? event : form ? form : "";
}

static void put(struct ed_bytes *b, const char *key, const char *text)
{
    if (!*text)
        return;
    ed_json_key(b, key);
    ed_json_text(b, text, strlen(text));
}

static void put_field(struct ed_bytes *b, const char *key, const json_t *alert, const char *field)
{
    char room[32];
    put(b, key, ed_alarm_text(alert, field, room));
}

static void put_time(struct ed_bytes *b, const char *key, int64_t ms)
{
    char text[ED_TIME_TEXT];
    ed_time_text(ms, text);
    put(b, key, text);
}

/* "harbour, crane" */
static void put_keywords(struct ed_bytes *b, const json_t *alert)
{
    char text[KEYWORDS_TEXT] = "";
    const json_t *list = json_object_get(alert, "keywords"), *word;
    size_t i, n = 0;
    json_array_foreach(list, i, word) if (json_is_string(word) && n < sizeof text) n +=
        (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? ", " : "", json_string_value(word));
    if (n < sizeof text)
        put(b, "keywords", text);
}

/* ---- Alertmanager ---- */

void ed_alarm_alertmanager(struct ed_bytes *b, const json_t *alert, const char *pipeline,
                           const char *link, int64_t starts_ms, int64_t ends_ms)
{
    static const char *const notes[][2] = {
        {"summary", "name"}, {"reason", "reason"}, {"size", "size"},
        {"rate", "rate"},    {"growth", "growth"}, {"novelty", "novelty"},
        {"topic", "topic"},  {"from", "from"},     {"into", "into"}};
    ed_json_open(b, '{');
    ed_json_key(b, "labels");
    ed_json_open(b, '{');
    put_field(b, "alertname", alert, "rule");
    put_field(b, "event", alert, "event");
    put_field(b, "template", alert, "template");
    put(b, "pipeline", pipeline);
    put_field(b, "severity", alert, "severity");
    ed_json_close(b, '}');
    ed_json_key(b, "annotations");
    ed_json_open(b, '{');
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
        put_field(b, notes[i][0], alert, notes[i][1]);
    put_keywords(b, alert);
    ed_json_close(b, '}');
    put_time(b, "startsAt", starts_ms);
    put_time(b, "endsAt", ends_ms);
    put(b, "generatorURL", link);
    ed_json_close(b, '}');
}

/* ---- Slack ---- */

/* &, < and > are all that its markup begins with; * _ ~ ` only change how a word looks. */
static void add_slack(struct ed_bytes *b, const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c == '&')
            ed_bytes_add_str(b, "&amp;");
        else if (*c == '<')
            ed_bytes_add_str(b, "&lt;");
        else if (*c == '>')
            ed_bytes_add_str(b, "&gt;");
        else
            ed_bytes_add(b, c, 1);
}

void ed_alarm_slack(struct ed_bytes *b, const json_t *alert, const char *pipeline, const char *link)
{
    char room[32];
    struct ed_bytes text;
    ed_bytes_init(&text, 0);
    int over = strcmp(ed_alarm_text(alert, "state", room), "resolved") == 0;
    ed_bytes_printf(&text, "%s *", over ? "Over:" : "Alert:");
    add_slack(&text, ed_alarm_text(alert, "rule", room));
    ed_bytes_add_str(&text, "* ");
    add_slack(&text, ed_alarm_text(alert, "name", room));
    ed_bytes_printf(&text, " (%s, %s", pipeline, ed_alarm_subject(alert));
    const char *size = ed_alarm_text(alert, "size", room);
    if (*size)
        ed_bytes_printf(&text, ", %s documents", size);
    ed_bytes_printf(&text, ", %s)", ed_alarm_text(alert, "reason", room));
    if (*link)
        ed_bytes_printf(&text, " <%s>", link);
    ed_json_open(b, '{');
    ed_json_key(b, "text");
    ed_json_text(b, text.at, text.n);
    ed_json_close(b, '}');
    b->failed |= text.failed;
    ed_bytes_clear(&text);
}

/* ---- templates ---- */

/* Escaped for JSON, without the quotes. */
static void add_inside(struct ed_bytes *b, const char *text)
{
    struct ed_bytes quoted;
    ed_bytes_init(&quoted, 0);
    ed_json_text(&quoted, text, strlen(text));
    if (quoted.n >= 2)
        ed_bytes_add(b, quoted.at + 1, quoted.n - 2);
    b->failed |= quoted.failed;
    ed_bytes_clear(&quoted);
}

void ed_alarm_template(struct ed_bytes *b, const char *body, const json_t *alert,
                       const char *pipeline, const char *link)
{
    const char *open, *close;
    while ((open = strstr(body, "{{")) && (close = strstr(open, "}}"))) {
        char key[32] = "", room[32];
        size_t n = (size_t)(close - open) - 2;
        ed_bytes_add(b, body, (size_t)(open - body));
        if (n < sizeof key)
            memcpy(key, open + 2, n);
        add_inside(b, strcmp(key, "pipeline") == 0 ? pipeline
                      : strcmp(key, "link") == 0   ? link
                                                   : ed_alarm_text(alert, key, room));
        body = close + 2;
    }
    ed_bytes_add_str(b, body);
}
