/* eddy alert: alerts of a running pipeline, brought to those who wake people.
 *
 * The topic of alerts is read from its beginning, so that what is active is known after a restart;
 * but only what stands behind the group's mark is brought, and the mark is moved when every sink
 * has it: each message reaches each sink at least once, and has the same id each time (header
 * Idempotency-Key). A sink that is down is waited for. What it calls malformed (400, 413, 422) it
 * will never take: that is logged, and left behind.
 *
 * Alertmanager forgets what is not sent again: all active alerts go to it every alerts.resend, with
 * an end a few of these away. So, should this process die, they end by themselves. */
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/look.h"
#include "cli/stream.h"
#include "cli/usage.h"
#include "remote/alarms.h"
#include "remote/http.h"
#include "source/marks.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define READ_MAX    256
#define WAIT_MS     200
#define RESENDS     4 /* an active alert ends by itself when so many were missed */
#define PARTITIONS  64
#define ARENA_BYTES ((size_t)64 << 20)
#define AGAIN_MS    1000 /* between attempts at a sink that is down */

/* One rule and what it is about, as the last message has it. */
struct active {
    char *key;
    json_t *alert;
    int64_t starts_ms;
    int over;   /* 1: it has ended, and is forgotten once that was brought */
    int is_new; /* 1: not brought yet as it is now */
};

struct bell {
    struct ed_config config;
    struct ed_source *source;
    struct ed_marks *marks;
    struct ed_http *alertmanager, *webhook, *slack; /* NULL: not wanted */
    struct active *at;                              /* (n) */
    size_t n, room;
    struct mark {
        int32_t partition;
        int64_t done;   /* answered below this */
        int64_t next;   /* read below this */
    } mark[PARTITIONS]; /* (n_marks) */
    size_t n_marks;
    int64_t resend_ms; /* ed_monotonic_ms of the next */
    uint64_t brought, refused;
    eddy_arena *arena; /* for one exchange */
};

static int stopped(void *user)
{
    (void)user;
    return ed_stream_signal() != 0;
}

/* ---- to a sink ---- */

static int is_malformed(const struct ed_http_reply *reply)
{
    return reply->status == 400 || reply->status == 413 || reply->status == 422;
}

/* Until it has it. EDDY_STOPPED. */
static eddy_status bring(struct bell *bell, struct ed_http *http, const char *sink,
                         const char *path, const struct ed_bytes *body, const char *id,
                         eddy_error *err)
{
    char key[300];
    snprintf(key, sizeof key, "Idempotency-Key: %s", id);
    const char *headers[] = {"Content-Type: application/json", key};
    const struct ed_http_request request = {.method = "POST",
                                            .path = path,
                                            .headers = headers,
                                            .n_headers = *id ? 2 : 1,
                                            .body = {body->at, body->n}};
    if (body->failed)
        return eddy_fail_nomem(err, "alert", body->n);
    for (;;) {
        struct ed_http_reply reply;
        eddy_arena_reset(bell->arena);
        ed_http_exchange_unless(http, &request, 1, bell->arena, &reply, stopped, NULL);
        if (reply.cause == ED_HTTP_GOOD || reply.cause == ED_HTTP_TOO_LARGE) {
            bell->brought++;
            return EDDY_OK;
        }
        if (reply.cause == ED_HTTP_STOPPED || stopped(NULL))
            return eddy_fail(err, EDDY_STOPPED, "stopped before %s had it", sink);
        ed_log(ED_LOG_WARN, "alert", "%s: %s (status %ld)%s", sink, ed_http_cause_name(reply.cause),
               reply.status, is_malformed(&reply) ? ": it is left behind" : ": once more");
        if (is_malformed(&reply)) {
            bell->refused++;
            return EDDY_OK;
        }
        nanosleep(&(struct timespec){AGAIN_MS / 1000, AGAIN_MS % 1000 * 1000000L}, NULL);
    }
}

/* Those that are new (all: and those that are not), in one request. */
static eddy_status alertmanager_bring(struct bell *bell, int all, eddy_error *err)
{
    const struct ed_config *c = &bell->config;
    int64_t now = ed_wall_ms(), later = now + RESENDS * c->alerts.resend_ms;
    struct ed_bytes b;
    size_t n = 0;
    if (!bell->alertmanager)
        return EDDY_OK;
    ed_bytes_init(&b, 0);
    ed_json_open(&b, '[');
    for (size_t i = 0; i < bell->n; i++) {
        const struct active *a = &bell->at[i];
        if (!all && !a->is_new)
            continue;
        ed_alarm_alertmanager(&b, a->alert, c->pipeline, c->alerts.link,
                              a->starts_ms < now ? a->starts_ms : now, a->over ? now : later);
        n++;
    }
    ed_json_close(&b, ']');
    eddy_status st =
        n ? bring(bell, bell->alertmanager, "alertmanager", "/api/v2/alerts", &b, "", err)
          : EDDY_OK;
    ed_bytes_clear(&b);
    return st;
}

static eddy_status hooks_bring(struct bell *bell, const json_t *alert, eddy_error *err)
{
    const struct ed_config *c = &bell->config;
    const char *body = c->alerts.webhook_body, *id = ed_look_text(alert, "id");
    eddy_status st = EDDY_OK;
    struct ed_bytes b;
    ed_bytes_init(&b, 0);
    if (bell->webhook) {
        char *whole = *body ? NULL : json_dumps(alert, JSON_COMPACT);
        if (*body)
            ed_alarm_template(&b, body, alert, c->pipeline, c->alerts.link);
        else
            ed_bytes_add_str(&b, whole ? whole : "");
        free(whole);
        st = bring(bell, bell->webhook, "webhook", "", &b, id, err);
    }
    ed_bytes_empty(&b);
    if (st == EDDY_OK && bell->slack) {
        ed_alarm_slack(&b, alert, c->pipeline, c->alerts.link);
        st = bring(bell, bell->slack, "slack", "", &b, id, err);
    }
    ed_bytes_clear(&b);
    return st;
}

/* ---- what is active ---- */

static void active_clear(struct active *a)
{
    ed_free(a->key);
    json_decref(a->alert);
}

static struct active *active_of(struct bell *bell, const char *key, eddy_error *err)
{
    for (size_t i = 0; i < bell->n; i++)
        if (strcmp(bell->at[i].key, key) == 0)
            return &bell->at[i];
    struct active *list = ed_list_room(bell->at, bell->n, &bell->room, sizeof *list);
    char *copy = list ? ed_strdup(key) : NULL;
    if (list)
        bell->at = list;
    if (!copy) {
        eddy_fail_nomem(err, "alerts", bell->n * sizeof *list);
        return NULL;
    }
    list[bell->n] = (struct active){.key = copy};
    return &list[bell->n++];
}

/* Labels are identity: what an alert began with holds to its end. */
static eddy_status active_take(struct bell *bell, json_t *alert, int is_new, eddy_error *err)
{
    char key[400];
    snprintf(key, sizeof key, "%s/%s", ed_look_text(alert, "rule"), ed_alarm_subject(alert));
    struct active *a = active_of(bell, key, err);
    if (!a)
        return EDDY_NOMEM;
    json_t *severity = json_object_get(a->alert, "severity");
    if (severity && !a->over)
        json_object_set(alert, "severity", severity);
    json_decref(a->alert);
    a->alert = json_incref(alert);
    a->starts_ms = ed_look_time(alert, "starts");
    a->over = strcmp(ed_look_text(alert, "state"), "resolved") == 0;
    a->is_new = is_new;
    return EDDY_OK;
}

static void active_forget(struct bell *bell)
{
    size_t kept = 0;
    for (size_t i = 0; i < bell->n; i++) {
        struct active *a = &bell->at[i];
        a->is_new = 0;
        if (a->over)
            active_clear(a);
        else
            bell->at[kept++] = *a;
    }
    bell->n = kept;
}

/* ---- what was read ---- */

/* EDDY_UNAVAILABLE is tried again: a broker that is asked for a group the first time makes it. */
static eddy_status mark_of(struct bell *bell, int32_t partition, struct mark **ret, eddy_error *err)
{
    const char *topic = bell->config.output.topics[ED_ALERTS];
    for (size_t i = 0; i < bell->n_marks; i++)
        if (bell->mark[i].partition == partition) {
            *ret = &bell->mark[i];
            return EDDY_OK;
        }
    if (bell->n_marks == PARTITIONS)
        return eddy_fail(err, EDDY_CONFIG, "topic %s: more than %d partitions", topic, PARTITIONS);
    struct mark mark = {.partition = partition};
    eddy_status st;
    eddy_error why;
    do {
        why = (eddy_error){0};
        st = ed_marks_read(bell->marks, topic, partition, &mark.done, &why);
    } while (st == EDDY_UNAVAILABLE && !stopped(NULL));
    if (st != EDDY_OK) {
        *err = why;
        return st;
    }
    bell->mark[bell->n_marks] = mark;
    *ret = &bell->mark[bell->n_marks++];
    return EDDY_OK;
}

static eddy_status message_take(struct bell *bell, const eddy_raw *raw, eddy_error *err)
{
    struct mark *mark = NULL;
    eddy_status st = mark_of(bell, raw->position.partition, &mark, err);
    if (st != EDDY_OK)
        return st;
    int is_new = raw->position.offset >= mark->done;
    mark->next = raw->position.offset + 1;
    json_t *alert = raw->bytes ? json_loadb(raw->bytes, raw->n, 0, NULL) : NULL;
    if (json_is_object(alert)) {
        st = active_take(bell, alert, is_new, err);
        if (st == EDDY_OK && is_new)
            st = hooks_bring(bell, alert, err);
    } else {
        ed_log(ED_LOG_WARN, "alert", "partition %d offset %" PRId64 ": not an alert",
               (int)raw->position.partition, raw->position.offset);
    }
    json_decref(alert);
    return st;
}

static eddy_status marks_move(struct bell *bell, eddy_error *err)
{
    eddy_status st = EDDY_OK;
    for (size_t i = 0; i < bell->n_marks && st == EDDY_OK; i++) {
        struct mark *m = &bell->mark[i];
        if (m->next <= m->done)
            continue;
        st = ed_marks_write(bell->marks, bell->config.output.topics[ED_ALERTS], m->partition,
                            m->next, err);
        if (st == EDDY_OK)
            m->done = m->next;
    }
    return st;
}

/* 1: nothing is known to wait at the broker: what is held active is so. */
static int is_up_to_date(const struct bell *bell)
{
    struct ed_progress at;
    ed_source_progress(bell->source, &at);
    return !at.behind && !at.behind_unknown;
}

static eddy_status follow(struct bell *bell, int once, eddy_error *err)
{
    eddy_raw raws[READ_MAX];
    eddy_status st = EDDY_OK;
    while (st == EDDY_OK) {
        size_t n = 0;
        int end = 0;
        st = ed_source_read(bell->source, WAIT_MS, raws, READ_MAX, &n, &end, err);
        for (size_t i = 0; i < n && st == EDDY_OK; i++)
            st = message_take(bell, &raws[i], err);
        int whole = st == EDDY_OK && !n && is_up_to_date(bell);
        int due = whole && ed_monotonic_ms() >= bell->resend_ms;
        if (st == EDDY_OK)
            st = alertmanager_bring(bell, due, err);
        if (st == EDDY_OK && n)
            st = marks_move(bell, err);
        if (due)
            bell->resend_ms = ed_monotonic_ms() + bell->config.alerts.resend_ms;
        if (st == EDDY_OK)
            active_forget(bell);
        if (whole && once)
            break;
    }
    return st;
}

/* ---- the command ---- */

static const char *given(const char *value)
{
    return value && *value ? value : NULL;
}

/* What is secret in the URL of a hook is its path. */
static eddy_status sink_open(const struct bell *bell, const char *url, struct ed_access access,
                             struct ed_http **ret, eddy_error *err)
{
    struct ed_http_options o;
    ed_http_options_init(&o);
    o.url = url;
    o.hide_path = url != bell->config.alerts.alertmanager;
    o.key = given(access.key);
    o.login = given(access.login);
    o.ca_file = given(access.ca_file);
    o.cert_file = given(access.cert_file);
    o.cert_key_file = given(access.cert_key_file);
    o.timeout_ms = 10000;
    o.insecure = bell->config.insecure;
    return *url ? ed_http_new(&o, ret, err) : EDDY_OK;
}

static eddy_status open_all(struct bell *bell, eddy_error *err)
{
    struct ed_config *c = &bell->config;
    struct ed_source_kafka options = {.topics = &c->output.topics[ED_ALERTS],
                                      .n_topics = 1,
                                      .n_shards = 1,
                                      .from = {.kind = ED_FROM_BEGINNING},
                                      .endless = 1,
                                      .insecure = c->insecure};
    if (!ed_config_has_broker(c) || !*c->output.topics[ED_ALERTS])
        return eddy_fail(err, EDDY_CONFIG,
                         "no alerts to bring: name a broker (-b, or -c FILE) and output.alerts");
    if (!*c->alerts.alertmanager && !*c->alerts.webhook && !*c->alerts.slack)
        return eddy_fail(err, EDDY_CONFIG,
                         "nobody to bring them to: set alerts.alertmanager, alerts.webhook or "
                         "alerts.slack");
    eddy_status st = sink_open(bell, c->alerts.alertmanager, c->alerts.alertmanager_access,
                               &bell->alertmanager, err);
    if (st == EDDY_OK)
        st = sink_open(bell, c->alerts.webhook, c->alerts.webhook_access, &bell->webhook, err);
    if (st == EDDY_OK)
        st = sink_open(bell, c->alerts.slack, (struct ed_access){0}, &bell->slack, err);
    if (st == EDDY_OK && !(bell->arena = eddy_arena_new(ARENA_BYTES)))
        st = eddy_fail_nomem(err, "alert", 0);
    if (st == EDDY_OK)
        st = ed_config_kafka_options(c, ED_KAFKA_CONSUMER, &options.options, &options.n_options,
                                     err);
    if (st == EDDY_OK)
        st = ed_marks_open(&options, c->alerts.group, &bell->marks, err);
    if (st == EDDY_OK)
        st = ed_source_kafka_open(&options, &bell->source, err);
    return st;
}

static void close_all(struct bell *bell)
{
    ed_stream_listen(NULL);
    ed_source_free(bell->source);
    ed_marks_free(bell->marks);
    ed_http_free(bell->alertmanager);
    ed_http_free(bell->webhook);
    ed_http_free(bell->slack);
    for (size_t i = 0; i < bell->n; i++)
        active_clear(&bell->at[i]);
    ed_free(bell->at);
    eddy_arena_free(bell->arena);
    ed_config_clear(&bell->config);
}

int ed_cmd_alert(int argc, char **argv)
{
    static struct bell bell;
    const char *once = NULL;
    const struct ed_flag flags[] = {
        {"once", 0, NULL, "bring what there is, and end", &once},
    };
    const struct ed_command command = {
        .name = "alert",
        .synopsis = "eddy alert [OPTIONS]",
        .about =
            "Bring the alerts of a running pipeline (alerts.rules) to Alertmanager, a webhook or\n"
            "Slack, each at least once, until SIGINT or SIGTERM. One such process at a time for\n"
            "each alerts.group; should two run, all is brought twice, under the same ids.",
        .examples =
            "  eddy alert -b localhost:9092 --set alerts.alertmanager=http://localhost:9093\n"
            "  eddy alert -c /etc/eddy/eddy.yaml\n",
        .takes = ED_TAKES_CONFIG | ED_TAKES_KAFKA,
        .flags = flags,
        .n_flags = sizeof flags / sizeof *flags,
    };
    int code = ed_config_start(argc, argv, &command, &bell.config);
    if (code >= 0)
        return code;
    eddy_error err = {0};
    ed_stream_listen(NULL);
    eddy_status st = open_all(&bell, &err);
    if (st == EDDY_OK) {
        ed_stream_listen(bell.source);
        ed_log(ED_LOG_INFO, "alert", "group %s brings topic %s", bell.config.alerts.group,
               bell.config.output.topics[ED_ALERTS]);
        st = follow(&bell, once != NULL, &err);
    }
    ed_log(ED_LOG_INFO, "alert", "end: brought=%" PRIu64 " refused=%" PRIu64 " active=%zu",
           bell.brought, bell.refused, bell.n);
    close_all(&bell);
    if (ed_stream_signal())
        return 128 + ed_stream_signal();
    return st == EDDY_OK ? ED_EXIT_OK : ed_exit_with(&err);
}
