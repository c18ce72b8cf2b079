/* The passthrough to librdkafka, and its borders.
 *
 * Any setting goes through under its own name, but three kinds:
 *   owned      eddy's promises (what was read is answered, nothing is committed before) hang on
 *              them, so there is no other value to choose (RELIABILITY.md 2.2)
 *   dangerous  they run a program, load code, or call an address (4.1): a configuration that a
 *              template or a tenant had a hand in must not do that
 *   weakening  they turn the check of the broker's certificate off; allowed with insecure: true
 * librdkafka itself refuses what it does not know; its words are passed on when it is opened. */
#include "cli/config_inner.h"

#include "base/error.h"
#include "base/kafka.h"
#include "base/memory.h"

#include <string.h>
#include <strings.h>

struct rule {
    const char *name;
    const char *why;
};

static const struct rule owned[] = {
    {"acks", "answers count as delivered only when all in-sync copies have them"},
    {"allow.auto.create.topics", "a topic is created by output.create_topics, never by a typo"},
    {"auto.commit.enable", "offsets are part of the transaction that holds the answers"},
    {"auto.commit.interval.ms", "offsets are part of the transaction that holds the answers"},
    {"auto.offset.reset", "set source.from"},
    {"delivery.report.only.error", "every answer is accounted for"},
    {"delivery.timeout.ms", "set output.deliver_within"},
    {"enable.auto.commit", "offsets are part of the transaction that holds the answers"},
    {"enable.auto.offset.store", "offsets are part of the transaction that holds the answers"},
    {"enable.idempotence", "always on"},
    {"enable.gapless.guarantee", "always off; an epoch that fails is sent again"},
    {"enable.partition.eof", "set source.exit_at_end"},
    {"group.id", "set source.group"},
    {"group.protocol", "classic"},
    {"isolation.level", "always read_committed"},
    {"message.timeout.ms", "set output.deliver_within"},
    {"offset.store.method", "offsets are kept in the state topic"},
    {"partition.assignment.strategy", "always roundrobin"},
    {"request.required.acks", "answers count as delivered only when all in-sync copies have them"},
    {"transactional.id", "made from the pipeline's name"},
};

/* More than base/kafka.h refuses for everybody. */
static const struct rule dangerous[] = {
    {"ssl.providers", "it loads code"},
    {"sasl.oauthbearer.token.endpoint.url", "it calls any address"},
    {"sasl.oauthbearer.assertion.file", "it reads any file"},
};

/* Weakening unless it has the one good value. */
static const struct rule weakening[] = {
    {"enable.ssl.certificate.verification", "true"},
    {"ssl.endpoint.identification.algorithm", "https"},
    {"enable.sasl.oauthbearer.unsecure.jwt", "false"},
};

static const char *const nothing_owned[] = {NULL};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct rule *find(const struct rule *rules, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(rules[i].name, name) == 0)
            return &rules[i];
    return NULL;
}

static int is_callback(const char *name)
{
    size_t n = strlen(name);
    return strstr(name, "callback") || (n > 3 && strcmp(name + n - 3, "_cb") == 0);
}

/* librdkafka reads booleans as true, t, 1 and false, f, 0. */
static int is_good(const char *value, const char *good)
{
    if (strcasecmp(value, good) == 0)
        return 1;
    return strlen(value) == 1 && ((strcmp(good, "true") == 0 && strchr("tT1", *value)) ||
                                  (strcmp(good, "false") == 0 && strchr("fF0", *value)));
}

int ed_kafka_is_secret(const char *name)
{
    static const char *const parts[] = {"password",   "secret", "token", "key",
                                        "credential", ".pem",   "jaas"};
    size_t n = strlen(name);
    if (n > 9 && strcmp(name + n - 9, ".location") == 0)
        return 0; /* where a key lies is no secret, and the first thing to look at */
    if (strncmp(name, "sasl.", 5) == 0 && strncmp(name, "sasl.mechanism", 14) != 0)
        return 1;
    for (size_t i = 0; i < COUNT(parts); i++)
        if (strstr(name, parts[i]))
            return 1;
    return 0;
}

static void check_pair(struct ed_config *config, const struct ed_option *option,
                       const struct ed_pair *pair)
{
    char key[160];
    snprintf(key, sizeof key, "%s.%s", option->key, pair->name);
    const struct rule *rule = find(owned, COUNT(owned), pair->name);
    if (rule) {
        ed_config_complain_at(config, &pair->origin, key, "is eddy's own to set (%s)", rule->why);
        return;
    }
    rule = find(dangerous, COUNT(dangerous), pair->name);
    if (rule || is_callback(pair->name)) {
        ed_config_complain_at(config, &pair->origin, key, "is refused: %s",
                              rule ? rule->why : "it is no setting but a pointer");
        return;
    }
    rule = find(weakening, COUNT(weakening), pair->name);
    if (rule && !is_good(pair->value, rule->why)) {
        if (config->insecure)
            ed_config_warn(config, &pair->origin, "%s: anybody may pose as the broker", key);
        else
            ed_config_complain_at(config, &pair->origin, key,
                                  "anything but %s lets anybody pose as the broker; it is refused "
                                  "without insecure: true",
                                  rule->why);
        return;
    }
    eddy_error err = {0};
    if (ed_kafka_option(pair->name, pair->value, nothing_owned, config->insecure, &err) != EDDY_OK)
        ed_config_complain_at(config, &pair->origin, NULL, "%s", err.text);
    if (strcmp(pair->name, "security.protocol") == 0 &&
        strcasecmp(pair->value, "sasl_plaintext") == 0)
        ed_config_warn(config, &pair->origin,
                       "%s: sasl_plaintext sends secrets in the clear; sasl_ssl does not", key);
}

void ed_config_check_kafka(struct ed_config *config)
{
    for (size_t i = 0; i < ed_options_n; i++) {
        if (ed_options[i].type != ED_MAP)
            continue;
        const struct ed_map *map = ed_config_field(config, &ed_options[i]);
        for (size_t k = 0; k < map->n; k++)
            check_pair(config, &ed_options[i], &map->at[k]);
    }
}

int ed_config_has_broker(const struct ed_config *config)
{
    static const char *const names[] = {"bootstrap.servers", "metadata.broker.list",
                                        "test.mock.num.brokers"};
    for (size_t i = 0; i < COUNT(names); i++) {
        const struct ed_pair *pair = ed_map_find(&config->kafka, names[i]);
        if (pair && *pair->value)
            return 1;
    }
    return 0;
}

eddy_status ed_config_kafka_options(struct ed_config *config, enum ed_kafka_side side,
                                    const char *const **ret, size_t *n_ret, eddy_error *err)
{
    const struct ed_map *both = &config->kafka;
    const struct ed_map *own =
        side == ED_KAFKA_CONSUMER ? &config->kafka_consumer : &config->kafka_producer;
    if (config->kafka_made[side]) {
        *ret = config->kafka_made[side];
        *n_ret = config->n_kafka_made[side];
        return EDDY_OK;
    }
    const char **options =
        ed_arena_alloc_zero(config->arena, 2 * (both->n + own->n) + 1, sizeof *options);
    if (!options)
        return eddy_fail_nomem(err, "settings of librdkafka", (both->n + own->n) * sizeof *options);
    size_t n = 0;
    for (size_t i = 0; i < both->n; i++) {
        if (ed_map_find(own, both->at[i].name))
            continue; /* the side's own value stands */
        options[n++] = both->at[i].name;
        options[n++] = both->at[i].value;
    }
    for (size_t i = 0; i < own->n; i++) {
        options[n++] = own->at[i].name;
        options[n++] = own->at[i].value;
    }
    *ret = config->kafka_made[side] = options;
    *n_ret = config->n_kafka_made[side] = n / 2;
    return EDDY_OK;
}
