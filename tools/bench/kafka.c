/* The C half of the Kafka benchmarks; tools/bench/kafka and tools/bench/recovery run it.
 *
 *   bench_kafka BROKER topic NAME PARTITIONS [OPTION=VALUE ...]   make a topic
 *   bench_kafka BROKER drop NAME ...                              delete topics
 *   bench_kafka BROKER fill TOPIC N DIM STORIES SEED              documents, as fast as they go
 *   bench_kafka BROKER feed TOPIC RATE SECONDS DIM STORIES SEED   the same at a steady rate
 *   bench_kafka BROKER bare IN OUT N GROUP                        what eddy is held against
 *   bench_kafka BROKER span TOPIC                                 messages, from when to when
 *   bench_kafka BROKER watch TOPIC                                "ARRIVAL_US KEY" of new ones
 *
 * SIGTERM ends feed and watch.
 *
 * A document is like an article of the news: a title and a text of 300 to 600 bytes together, and a
 * vector whose numbers have six digits. Of STORIES that are told at a time, some far more often
 * than others, one ends and a new one begins every 200 documents; with 0 each document is a story
 * of its own. feed's ids begin with the microsecond in which the document was sent.
 *
 * The bare loop does what any consume-transform-produce program must, and nothing else: consume
 * each message, produce it unchanged by an idempotent producer with eddy's options, commit the
 * offsets at the end. */
#include "base/hash.h"

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DIM_MAX     4096
#define STORIES_MAX 100000
#define LIFE        200   /* documents between two new stories */
#define STEP_MS     17000 /* of the documents' own time: 5,000 a day */
#define START_MS    INT64_C(1735689600000)
#define WAIT_MS     10000
#define QUIET_MS    5000 /* a loop that gets nothing for this long has failed */

static const char *broker;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bench_kafka: %s: %s\n", what, why);
    exit(1);
}

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static size_t n_failed;

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    (void)rk;
    (void)opaque;
    n_failed += m->err != 0;
}

/* Names and values, ended by NULL. */
static rd_kafka_t *client(rd_kafka_type_t type, ...)
{
    char text[300];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    va_list list;
    va_start(list, type);
    rd_kafka_conf_set(conf, "bootstrap.servers", broker, NULL, 0);
    rd_kafka_conf_set(conf, "socket.nagle.disable", "true", NULL, 0);
    for (const char *name; (name = va_arg(list, const char *));)
        if (rd_kafka_conf_set(conf, name, va_arg(list, const char *), text, sizeof text))
            die(name, text);
    va_end(list);
    if (type == RD_KAFKA_PRODUCER)
        rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    rd_kafka_t *rk = rd_kafka_new(type, conf, text, sizeof text);
    if (!rk)
        die("client", text);
    return rk;
}

/* ---- topics ---- */

static void results_check(const rd_kafka_topic_result_t *const *results, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (rd_kafka_topic_result_error(results[i]))
            die(rd_kafka_topic_result_name(results[i]),
                rd_kafka_topic_result_error_string(results[i]));
}

static void topic_make(const char *name, int partitions, char *const *options, int n_options)
{
    char text[300];
    size_t n = 0;
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new(name, partitions, -1, text, sizeof text);
    if (!wanted)
        die(name, text);
    for (int i = 0; i < n_options; i++) {
        char *equals = strchr(options[i], '=');
        if (!equals)
            die(options[i], "not OPTION=VALUE");
        *equals = 0;
        rd_kafka_NewTopic_set_config(wanted, options[i], equals + 1);
    }
    rd_kafka_CreateTopics(rk, &wanted, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, WAIT_MS);
    if (!event)
        die(name, "the broker does not answer");
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);
    results_check(results, n);
    rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy(wanted);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(rk);
}

static void topics_drop(char *const *names, int n_names)
{
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    for (int i = 0; i < n_names; i++) { /* one by one: one that is not there is no trouble */
        rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(names[i]);
        rd_kafka_DeleteTopics(rk, &topic, 1, NULL, queue);
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, WAIT_MS);
        if (event)
            rd_kafka_event_destroy(event);
        rd_kafka_DeleteTopic_destroy(topic);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(rk);
}

/* ---- documents ---- */

static struct {
    uint64_t random, next_story, *stories;
    size_t n_stories, dim, n_docs;
} maker;

static uint64_t draw(void)
{
    return ed_mix64(maker.random++);
}

static double uniform(void)
{
    return (double)(draw() >> 11) * 0x1p-53;
}

static void maker_start(size_t dim, size_t n_stories, uint64_t seed)
{
    if (dim < 1 || dim > DIM_MAX || n_stories > STORIES_MAX)
        die("fill", "more dimensions or stories than there is room for");
    maker.random = seed << 40;
    maker.dim = dim;
    maker.n_stories = n_stories;
    maker.next_story = seed << 32;
    maker.stories = calloc(n_stories + 1, sizeof *maker.stories);
    for (size_t i = 0; maker.stories && i < n_stories; i++)
        maker.stories[i] = maker.next_story++;
}

/* Nearly normal, of variance 1: the sum of four uniform numbers. */
static float normal(uint64_t key)
{
    uint64_t a = ed_mix64(key);
    int sum = 0;
    for (int i = 0; i < 4; i++)
        sum += (int)(a >> (16 * i) & 0xffff) - 32768;
    return (float)sum * (1.7320508f / 65536);
}

/* A word that can be said, the same for the same number. */
static size_t word_put(char *at, uint64_t word)
{
    static const char *const parts[32] = {"ka",  "lo",  "mi",  "ren", "tor", "va",  "shi", "bel",
                                          "no",  "pra", "dus", "el",  "fi",  "gar", "hu",  "jan",
                                          "ke",  "lim", "mo",  "na",  "os",  "per", "qui", "ro",
                                          "sta", "te",  "un",  "vor", "wes", "xi",  "yar", "zen"};
    char *to = at;
    uint64_t bits = ed_mix64(word ^ 0x5bd1e995);
    size_t n = 2 + bits % 3;
    for (size_t i = 0; i < n; i++) {
        const char *part = parts[bits >> (8 + 5 * i) & 31];
        size_t n_part = strlen(part);
        memcpy(to, part, n_part);
        to += n_part;
    }
    return (size_t)(to - at);
}

/* Words of the language, and one in three of the story's own twelve. */
static char *words_put(char *at, uint64_t story, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double u = uniform();
        uint64_t word =
            draw() % 3 ? (uint64_t)(u * u * u * 3000) : 10000 + story * 12 + draw() % 12;
        if (i)
            *at++ = ' ';
        at += word_put(at, word);
    }
    return at;
}

/* What all have in common, what the story is, and what is the document's own. */
static char *vector_put(char *at, uint64_t story)
{
    float x[DIM_MAX];
    double square = 0;
    uint64_t own = draw();
    for (size_t i = 0; i < maker.dim; i++) {
        x[i] =
            0.35f * normal(i) + 0.75f * normal(story * 1000003 + i + 77) + 0.55f * normal(own + i);
        square += (double)x[i] * (double)x[i];
    }
    double scale = 1e6 / sqrt(square);
    for (size_t i = 0; i < maker.dim; i++) {
        long v = lrint((double)x[i] * scale);
        unsigned long digits = (unsigned long)(v < 0 ? -v : v);
        if (i)
            *at++ = ',';
        if (v < 0)
            *at++ = '-';
        *at++ = digits >= 1000000 ? '1' : '0';
        *at++ = '.';
        for (unsigned long ten = 100000; ten; ten /= 10)
            *at++ = (char)('0' + digits / ten % 10);
    }
    return at;
}

/* The next document's bytes, in one place for all. */
static const char *doc_make(const char *id, size_t *ret_n)
{
    static char bytes[DIM_MAX * 12 + 4096];
    uint64_t story = maker.next_story;
    if (!maker.n_stories || maker.n_docs % LIFE == LIFE - 1)
        maker.next_story++;
    if (maker.n_stories) {
        if (story != maker.next_story)
            maker.stories[draw() % maker.n_stories] = story;
        double u = uniform();
        story = maker.stories[(size_t)(u * u * (double)maker.n_stories)];
    }
    char *at = bytes;
    at += sprintf(at, "{\"id\":\"%s\",\"ts\":%" PRId64 ",\"title\":\"", id,
                  START_MS + (int64_t)maker.n_docs * STEP_MS);
    at = words_put(at, story, 7);
    at += sprintf(at, "\",\"text\":\"");
    at = words_put(at, story, 36 + draw() % 32);
    at += sprintf(at, ".\",\"vector\":[");
    at = vector_put(at, story);
    at += sprintf(at, "]}");
    maker.n_docs++;
    *ret_n = (size_t)(at - bytes);
    return bytes;
}

/* ---- producing ---- */

static volatile sig_atomic_t ended;

static void on_term(int number)
{
    ended = number;
}

static void put(rd_kafka_t *rk, const char *topic, const char *key, size_t n_key, const char *bytes,
                size_t n)
{
    rd_kafka_resp_err_t why;
    while ((why = rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(key, n_key),
                                    RD_KAFKA_V_VALUE((void *)(uintptr_t)bytes, n),
                                    RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END)) ==
           RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(rk, 10);
    if (why)
        die(topic, rd_kafka_err2str(why));
    rd_kafka_poll(rk, 0);
}

static void flush(rd_kafka_t *rk, const char *topic)
{
    if (rd_kafka_flush(rk, 60000) || n_failed)
        die(topic, "messages were not delivered");
}

static void fill(const char *topic, size_t n)
{
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, "enable.idempotence", "true", "compression.type",
                            "lz4", "linger.ms", "50", "queue.buffering.max.kbytes", "65536", NULL);
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        char id[32];
        int n_id = snprintf(id, sizeof id, "d%zu", i);
        size_t n_doc;
        const char *doc = doc_make(id, &n_doc);
        bytes += n_doc;
        put(rk, topic, id, (size_t)n_id, doc, n_doc);
    }
    flush(rk, topic);
    printf("{\"documents\": %zu, \"bytes\": %zu}\n", n, bytes);
    rd_kafka_destroy(rk);
}

/* A document whose id, all of one width, is not written yet. */
struct made {
    char *bytes, *id;
    size_t n;
};

#define ID_WIDTH 24 /* microseconds of its sending, and its number */

/* All of them before the clock starts: the one who feeds is not to take part in what is measured.
 */
static struct made *made_all(size_t n)
{
    static const char blank[ID_WIDTH + 1] = "000000000000000000000000";
    struct made *all = malloc((n + 1) * sizeof *all);
    for (size_t i = 0; all && i < n; i++) {
        const char *doc = doc_make(blank, &all[i].n);
        all[i].bytes = malloc(all[i].n + 1);
        if (!all[i].bytes)
            die("feed", "no memory");
        memcpy(all[i].bytes, doc, all[i].n + 1);
        all[i].id = strstr(all[i].bytes, blank);
    }
    if (!all)
        die("feed", "no memory");
    return all;
}

static void feed(const char *topic, double rate, double seconds)
{
    rd_kafka_t *rk =
        client(RD_KAFKA_PRODUCER, "acks", "1", "compression.type", "lz4", "linger.ms", "5", NULL);
    signal(SIGTERM, on_term);
    size_t n = (size_t)(rate * seconds), late = 0, i = 0;
    struct made *all = made_all(n);
    int64_t start = now_us();
    for (; i < n && !ended; i++) {
        char id[48];
        int64_t due = start + (int64_t)((double)i * 1e6 / rate), now;
        while ((now = now_us()) < due)
            rd_kafka_poll(rk, 1); /* those of a millisecond at once: no core is for spinning */
        late += now - due > 10000;
        snprintf(id, sizeof id, "%016" PRId64 "-%07zu", now, i);
        memcpy(all[i].id, id, ID_WIDTH);
        put(rk, topic, id, ID_WIDTH, all[i].bytes, all[i].n);
        free(all[i].bytes);
    }
    for (size_t k = i; k < n; k++)
        free(all[k].bytes);
    free(all);
    flush(rk, topic);
    printf("{\"documents\": %zu, \"late\": %zu, \"seconds\": %.3f}\n", i, late,
           (double)(now_us() - start) * 1e-6);
    rd_kafka_destroy(rk);
}

/* ---- consuming ---- */

/* A broker may answer that it has made a topic before it knows of it. */
static int partitions_of(rd_kafka_t *rk, const char *topic)
{
    int n = 0;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
    for (int64_t until = now_us() + WAIT_MS * 1000LL; !n; rd_kafka_poll(rk, 100)) {
        const struct rd_kafka_metadata *meta = NULL;
        rd_kafka_resp_err_t why = rd_kafka_metadata(rk, 0, rkt, &meta, WAIT_MS);
        if (!why && meta->topic_cnt && !meta->topics[0].err)
            n = meta->topics[0].partition_cnt;
        else if (why || now_us() > until)
            die(topic, why ? rd_kafka_err2str(why) : "no such topic");
        rd_kafka_metadata_destroy(meta);
    }
    rd_kafka_topic_destroy(rkt);
    return n;
}

static void read_from(rd_kafka_t *rk, const char *topic, int64_t offset)
{
    int n = partitions_of(rk, topic);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n);
    for (int i = 0; i < n; i++)
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = offset;
    rd_kafka_poll_set_consumer(rk);
    rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
}

static void bare(const char *in, const char *out, size_t n, const char *group)
{
    rd_kafka_t *from =
        client(RD_KAFKA_CONSUMER, "group.id", group, "enable.auto.commit", "false",
               "isolation.level", "read_committed", "check.crcs", "true", "queued.min.messages",
               "20000", "queued.max.messages.kbytes", "16384", "fetch.wait.max.ms", "100", NULL);
    rd_kafka_t *to = client(RD_KAFKA_PRODUCER, "enable.idempotence", "true", "compression.type",
                            "lz4", "linger.ms", "5", "queue.buffering.max.kbytes", "65536", NULL);
    int64_t began = 0, quiet = now_us();
    size_t done = 0;
    read_from(from, in, RD_KAFKA_OFFSET_BEGINNING);
    while (done < n) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(from, 100);
        if (!m && now_us() - quiet > QUIET_MS * 1000)
            die(in, "there are fewer messages than wanted");
        if (!m)
            continue;
        if (m->err)
            die(in, rd_kafka_message_errstr(m));
        began = began ? began : now_us();
        put(to, out, m->key, m->key_len, m->payload, m->len);
        rd_kafka_message_destroy(m);
        quiet = now_us();
        done++;
    }
    flush(to, out);
    rd_kafka_commit(from, NULL, 0);
    printf("{\"documents\": %zu, \"seconds\": %.6f}\n", done, (double)(now_us() - began) * 1e-6);
    rd_kafka_destroy(to);
    rd_kafka_destroy(from);
}

static void span(const char *topic)
{
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, "group.id", "bench-span", "enable.auto.commit",
                            "false", "enable.partition.eof", "true", NULL);
    int left = partitions_of(rk, topic);
    int64_t first = INT64_MAX, last = 0;
    size_t n = 0;
    read_from(rk, topic, RD_KAFKA_OFFSET_BEGINNING);
    while (left) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, QUIET_MS);
        rd_kafka_timestamp_type_t type;
        if (!m)
            die(topic, "it has no end");
        if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            left--;
        } else if (m->err) {
            die(topic, rd_kafka_message_errstr(m));
        } else {
            int64_t at = rd_kafka_message_timestamp(m, &type);
            first = at < first ? at : first;
            last = at > last ? at : last;
            n++;
        }
        rd_kafka_message_destroy(m);
    }
    printf("{\"messages\": %zu, \"first_ms\": %" PRId64 ", \"last_ms\": %" PRId64 "}\n", n,
           n ? first : 0, last);
    rd_kafka_destroy(rk);
}

/* Until it is told to end. */
static void watch(const char *topic)
{
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, "group.id", "bench-watch", "enable.auto.commit",
                            "false", "isolation.level", "read_committed", NULL);
    read_from(rk, topic, RD_KAFKA_OFFSET_END);
    signal(SIGTERM, on_term);
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    while (!ended) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 200);
        if (!m) {
            fflush(stdout);
            continue;
        }
        if (!m->err)
            printf("%" PRId64 " %.*s\n", now_us(), (int)m->key_len, (const char *)m->key);
        rd_kafka_message_destroy(m);
    }
    fflush(stdout);
    rd_kafka_destroy(rk);
}

int main(int argc, char **argv)
{
    const char *what = argc > 3 ? argv[2] : "";
    char **rest = argv + 3;
    int n = argc - 3;
    broker = argv[1];
    if (!strcmp(what, "topic") && n >= 2) {
        topic_make(rest[0], atoi(rest[1]), rest + 2, n - 2);
    } else if (!strcmp(what, "drop")) {
        topics_drop(rest, n);
    } else if (!strcmp(what, "fill") && n == 5) {
        maker_start((size_t)atol(rest[2]), (size_t)atol(rest[3]), (uint64_t)atol(rest[4]));
        fill(rest[0], (size_t)atol(rest[1]));
    } else if (!strcmp(what, "feed") && n == 6) {
        maker_start((size_t)atol(rest[3]), (size_t)atol(rest[4]), (uint64_t)atol(rest[5]));
        feed(rest[0], atof(rest[1]), atof(rest[2]));
    } else if (!strcmp(what, "bare") && n == 4) {
        bare(rest[0], rest[1], (size_t)atol(rest[2]), rest[3]);
    } else if (!strcmp(what, "span") && n == 1) {
        span(rest[0]);
    } else if (!strcmp(what, "watch") && n == 1) {
        watch(rest[0]);
    } else {
        fprintf(stderr, "usage: the story at the top of tools/bench/kafka.c\n");
        return 2;
    }
    return 0;
}
