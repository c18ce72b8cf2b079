/* The configuration: layers, complaints with their places, secrets, printing, and the golden files
 * of tests/golden/config. invalid/NAME.txt holds the complaints about invalid/NAME.yaml, a line
 * each; EDDY_GOLDEN=write writes them, and then a person reads them. */
#include "test.h"

#include "cli/config_inner.h"

#include <dirent.h>
#include <math.h>

#define FOLDER "tests/golden/config"

static char *const environment[] = {
    "HOME=/home/tester", "NAME=whirl", "SECRET=swordfish", "EMPTY=", "UNRELATED=yes", NULL};

static void start(struct ed_config *config)
{
    eddy_error err = {0};
    CHECK_OK(ed_config_init(config, environment, &err), &err);
}

static void read_yaml(struct ed_config *config, const char *text)
{
    ed_config_read_text(config, "test.yaml", text, strlen(text));
}

/* Finish, and fail the test with the first complaint. */
static void finish(struct ed_config *config)
{
    eddy_error err = {0};
    CHECK_OK(ed_config_finish(config, &err), &err);
}

static void is_text(const char *actual, const char *expected)
{
    assert_string_equal(actual, expected);
}

static const char *place_of(const struct ed_config *config, const char *key)
{
    static char text[ED_PLACE_TEXT];
    ed_origin_text(ed_config_source_of(config, key), text, sizeof text);
    return text;
}

/* What ed_config_print writes; to be freed by free. */
static char *printed(const struct ed_config *config)
{
    char *text = NULL;
    size_t n = 0;
    eddy_error err = {0};
    FILE *out = open_memstream(&text, &n);
    CHECK_OK(ed_config_print(config, out, &err), &err);
    fclose(out);
    return text;
}

static char *read_whole(const char *path, size_t *ret_n)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        fail_msg("%s: cannot open", path);
    char *text = malloc(1u << 20);
    *ret_n = fread(text, 1, (1u << 20) - 1, in);
    text[*ret_n] = 0;
    fclose(in);
    return text;
}

/* ---- equality, by the table ---- */

static int same_list(const struct ed_list *a, const struct ed_list *b)
{
    if (a->n != b->n)
        return 0;
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->at[i], b->at[i]) != 0)
            return 0;
    return 1;
}

static int same_map(const struct ed_map *a, const struct ed_map *b)
{
    if (a->n != b->n)
        return 0;
    for (size_t i = 0; i < a->n; i++) {
        const struct ed_pair *other = ed_map_find(b, a->at[i].name);
        if (!other || strcmp(other->value, a->at[i].value) != 0)
            return 0;
    }
    return 1;
}

static void check_same(const struct ed_config *a, const struct ed_config *b)
{
    for (size_t i = 0; i < ed_options_n; i++) {
        const struct ed_option *option = &ed_options[i];
        const void *x = ed_config_field(a, option), *y = ed_config_field(b, option);
        int same = 0;
        switch (option->type) {
        case ED_STRING: {
            const char *u = *(char *const *)x, *v = *(char *const *)y;
            same = strcmp(u, v) == 0 || (option->shape == ED_SECRET && *u && !strcmp("***", v));
            break;
        }
        case ED_LIST: same = same_list(x, y); break;
        case ED_MAP: same = same_map(x, y); break;
        case ED_REAL: {
            double u = *(const double *)x, v = *(const double *)y;
            same = u == v || (isnan(u) && isnan(v));
            break;
        }
        case ED_BOOL:
        case ED_CHOICE: same = *(const int *)x == *(const int *)y; break;
        default: same = *(const int64_t *)x == *(const int64_t *)y;
        }
        if (!same)
            fail_msg("%s differs", option->key);
    }
}

/* ---- layers ---- */

TEST(later_layers_win_in_any_order_of_reading)
{
    char *const variables[] = {"EDDY_ENGINE_FADE=3d", "EDDY_ENGINE_DETAIL=5", NULL};
    struct ed_config c;
    eddy_error err = {0};
    CHECK_OK(ed_config_init(&c, variables, &err), &err);
    ed_config_letter(&c, "source.group", "by-letter", "-G");
    ed_config_set(&c, "engine.fade=4d");
    ed_config_set(&c, "source.group=by-set");
    ed_config_read_environment(&c);
    read_yaml(&c, "profile: news\nsource: {group: by-file}\n"
                  "engine: {fade: 2d, detail: 3, stability: 0.5}\n");
    finish(&c);
    is_text(c.source.group, "by-letter");
    assert_int_equal(c.engine.fade_ms, 4 * 86400000LL);
    assert_int_equal(c.engine.detail, 5);
    assert_true(c.engine.stability == 0.5 && c.engine.idle_penalty == 0.1);
    is_text(place_of(&c, "source.group"), "-G");
    is_text(place_of(&c, "engine.fade"), "--set");
    is_text(place_of(&c, "engine.detail"), "environment EDDY_ENGINE_DETAIL");
    is_text(place_of(&c, "engine.stability"), "test.yaml:3:42");
    is_text(place_of(&c, "engine.idle_penalty"), "profile news");
    is_text(place_of(&c, "batch.max"), "default");
    assert_null(ed_config_source_of(&c, "no.such"));
    ed_config_clear(&c);
}

TEST(later_files_win_over_earlier_ones)
{
    struct ed_config c;
    start(&c);
    ed_config_read_text(&c, "a", "engine: {detail: 3, fade: 1d}", 29);
    ed_config_read_text(&c, "b", "engine: {detail: 4}", 19);
    finish(&c);
    assert_int_equal(c.engine.detail, 4);
    assert_int_equal(c.engine.fade_ms, 86400000);
    ed_config_clear(&c);
}

TEST(profiles_set_what_nobody_set)
{
    static const struct {
        const char *name;
        int64_t fade_ms;
        double idle_penalty;
        int format, model;
    } expected[] = {
        {"none", 7 * 86400000LL, 0, EDDY_FORMAT_JSON, ED_MODEL_AUTO},
        {"news", 12 * 3600000LL, 0.1, EDDY_FORMAT_JSON, ED_MODEL_AUTO},
        {"tickets", 0, 0, EDDY_FORMAT_JSON, ED_MODEL_AUTO},
        {"posts", 7 * 86400000LL, 0, EDDY_FORMAT_JSON, ED_MODEL_AUTO},
        {"logs", 7 * 86400000LL, 0, EDDY_FORMAT_LOGS, ED_MODEL_HASH},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct ed_config c;
        start(&c);
        ed_config_letter(&c, "profile", expected[i].name, "--profile");
        finish(&c);
        assert_int_equal(c.engine.fade_ms, expected[i].fade_ms);
        assert_true(c.engine.idle_penalty == expected[i].idle_penalty);
        assert_int_equal(c.document.format, expected[i].format);
        assert_int_equal(c.embed.model, expected[i].model);
        ed_config_clear(&c);
    }
    struct ed_config c;
    start(&c);
    read_yaml(&c, "profile: logs\nembed: {model: auto}\n");
    finish(&c);
    assert_int_equal(c.embed.model, ED_MODEL_AUTO); /* its default, but said */
    ed_config_clear(&c);
}

TEST(names_of_topics_and_group_follow_the_pipeline)
{
    struct ed_config c;
    start(&c);
    read_yaml(&c, "pipeline: news\noutput: {dead: \"\", changes: \"{pipeline}-{pipeline}\"}\n");
    finish(&c);
    is_text(c.source.group, "eddy-news");
    is_text(c.output.topics[ED_ASSIGNMENTS], "news.assignments");
    is_text(c.output.topics[ED_EVENTS], "news.events");
    is_text(c.output.topics[ED_CHANGES], "news-news");
    is_text(c.output.topics[ED_DEAD], "");
    ed_config_clear(&c);
}

TEST(the_model_lies_in_the_users_cache)
{
    static const struct {
        const char *variables[3], *dir;
    } cases[] = {
        {{"HOME=/h"}, "/h/.cache/eddy/models/all-MiniLM-L6-v2"},
        {{"HOME=/h", "XDG_CACHE_HOME=/c"}, "/c/eddy/models/all-MiniLM-L6-v2"},
        {{"HOME=/h", "XDG_CACHE_HOME=relative"}, "/h/.cache/eddy/models/all-MiniLM-L6-v2"},
        {{"HOME=/h", "EDDY_MODEL_DIR=/m"}, "/m/all-MiniLM-L6-v2"},
        {{"EDDY_EMBED_DIR=/e", "EDDY_MODEL_DIR=/m"}, "/e"},
        {{NULL}, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *variables[4] = {NULL};
        for (size_t k = 0; k < 3; k++)
            variables[k] = (char *)(uintptr_t)cases[i].variables[k];
        struct ed_config c;
        eddy_error err = {0};
        CHECK_OK(ed_config_init(&c, variables, &err), &err);
        ed_config_read_environment(&c);
        finish(&c);
        is_text(c.embed.dir, cases[i].dir);
        ed_config_clear(&c);
    }
}

TEST(letters_of_a_list_add_up_and_hide_what_is_below)
{
    struct ed_config c;
    start(&c);
    read_yaml(&c, "source: {topics: [x, y]}\n");
    ed_config_letter(&c, "source.topics", "a", "-t");
    ed_config_letter(&c, "source.topics", "b", "-t");
    ed_config_letter(&c, "kafka.bootstrap.servers", "h:1", "-b");
    finish(&c);
    assert_int_equal(c.source.topics.n, 2);
    is_text(c.source.topics.at[0], "a");
    is_text(c.source.topics.at[1], "b");
    assert_true(ed_config_has_broker(&c));
    ed_config_clear(&c);

    start(&c);
    read_yaml(&c, "source: {topics: [x, y]}\n"); /* without a broker: but it does not matter */
    ed_config_letter(&c, "source.files", "a,b.jsonl", "command line");
    finish(&c);
    assert_int_equal(c.source.topics.n, 0);
    assert_int_equal(c.source.files.n, 1);
    is_text(c.source.files.at[0], "a,b.jsonl"); /* file names may hold commas */
    ed_config_clear(&c);
}

TEST(the_environment_names_options_and_librdkafkas_settings)
{
    char *const variables[] = {"EDDY_SOURCE_TOPICS=a, b",
                               "EDDY_KAFKA_BOOTSTRAP_SERVERS=h:1",
                               "EDDY_KAFKA_CONSUMER_FETCH_MIN_BYTES=7",
                               "EDDY_KAFKA_SASL_PASSWORD=${not replaced",
                               "EDDY_OUTPUT_EVENTS=e",
                               "EDDY_OUTPT_EVENTS=f",         /* a slip: warned of */
                               "EDDY_KAFKA=h:1",              /* likewise */
                               "EDDY_TEST_SEED=1",            /* far from all: not ours */
                               "EDDY_KAFKA_SERVICE_HOST=1.2", /* Kubernetes' */
                               "EDDY_KAFKA_PORT_9092_TCP=tcp://1.2",
                               "EDDYKIN=1",
                               "EDDY_=",
                               NULL};
    struct ed_config c;
    eddy_error err = {0};
    CHECK_OK(ed_config_init(&c, variables, &err), &err);
    ed_config_read_environment(&c);
    finish(&c);
    assert_int_equal(c.source.topics.n, 2);
    is_text(c.source.topics.at[1], "b");
    is_text(c.output.topics[ED_EVENTS], "e");
    assert_int_equal(c.kafka.n, 2);
    is_text(ed_map_find(&c.kafka, "bootstrap.servers")->value, "h:1");
    is_text(ed_map_find(&c.kafka, "sasl.password")->value, "${not replaced");
    assert_int_equal(c.kafka_consumer.n, 1);
    is_text(ed_map_find(&c.kafka_consumer, "fetch.min.bytes")->value, "7");
    assert_int_equal(c.warnings.n, 2);
    is_text(c.warnings.at[0],
            "environment EDDY_OUTPT_EVENTS: ignored; did you mean EDDY_OUTPUT_EVENTS?");
    is_text(c.warnings.at[1],
            "environment EDDY_KAFKA: ignored; did you mean EDDY_KAFKA_BOOTSTRAP_SERVERS?");
    ed_config_clear(&c);
}

TEST(set_takes_every_key_and_says_which_it_does_not_know)
{
    struct ed_config c;
    eddy_error err = {0};
    start(&c);
    ed_config_set(&c, "kafka.bootstrap.servers=h:1");
    ed_config_set(&c, "kafka_producer.linger.ms=5");
    ed_config_set(&c, "source.topics=a,${NAME}");
    ed_config_set(&c, "output.dead=");
    ed_config_property(&c, "client.id=a=b");
    finish(&c);
    is_text(c.source.topics.at[1], "whirl");
    is_text(c.output.topics[ED_DEAD], "");
    is_text(ed_map_find(&c.kafka, "client.id")->value, "a=b");
    is_text(ed_map_find(&c.kafka_producer, "linger.ms")->value, "5");

    ed_config_set(&c, "enigne.fade=1d");
    ed_config_set(&c, "engine.fade");
    ed_config_set(&c, "=3");
    ed_config_set(&c, "kafka=h:1");
    ed_config_property(&c, "group.id=g");
    assert_int_equal(ed_config_finish(&c, &err), EDDY_CONFIG);
    assert_int_equal(c.complaints.n, 5);
    is_text(c.complaints.at[0],
            "--set: enigne.fade: there is no such option; did you mean engine.fade?");
    is_text(c.complaints.at[1], "--set: 'engine.fade' is not KEY=VALUE");
    is_text(c.complaints.at[2], "--set: '=3' is not KEY=VALUE");
    is_text(c.complaints.at[3], "--set: kafka: holds settings of librdkafka, each with its name, "
                                "such as kafka.bootstrap.servers");
    is_text(c.complaints.at[4], "-X: kafka.group.id: is eddy's own to set (set source.group)");
    is_text(err.text, "--set: enigne.fade: there is no such option; did you mean engine.fade? "
                      "(and 4 more)");
    ed_config_clear(&c);
}

/* ---- librdkafka's settings ---- */

TEST(a_sides_own_settings_stand_behind_the_common_ones)
{
    struct ed_config c;
    eddy_error err = {0};
    const char *const *options;
    size_t n;
    start(&c);
    read_yaml(&c, "kafka: {client.id: a, linger.ms: 1}\nkafka_producer: {linger.ms: 2}\n");
    finish(&c);
    CHECK_OK(ed_config_kafka_options(&c, ED_KAFKA_PRODUCER, &options, &n, &err), &err);
    assert_int_equal(n, 2);
    is_text(options[0], "client.id");
    is_text(options[2], "linger.ms");
    is_text(options[3], "2");
    CHECK_OK(ed_config_kafka_options(&c, ED_KAFKA_CONSUMER, &options, &n, &err), &err);
    assert_int_equal(n, 2);
    is_text(options[3], "1");
    ed_config_clear(&c);
}

TEST(insecure_allows_what_is_weak_and_warns)
{
    struct ed_config c;
    start(&c);
    read_yaml(&c, "insecure: true\nkafka:\n  enable.ssl.certificate.verification: 'false'\n"
                  "  security.protocol: SASL_PLAINTEXT\n");
    finish(&c);
    assert_int_equal(c.warnings.n, 2);
    assert_non_null(strstr(c.warnings.at[0], "test.yaml:3:40: "));
    assert_non_null(strstr(c.warnings.at[1], "in the clear"));
    ed_config_clear(&c);
}

TEST(secrets_are_known_by_their_names)
{
    static const char *const secret[] = {"sasl.password",
                                         "sasl.username",
                                         "ssl.key.password",
                                         "ssl.key.pem",
                                         "sasl.oauthbearer.client.secret",
                                         "ssl.keystore.password",
                                         "ssl.certificate.pem"};
    static const char *const open[] = {"bootstrap.servers", "sasl.mechanism",   "sasl.mechanisms",
                                       "ssl.ca.location",   "ssl.key.location", "client.id"};
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
        assert_true(ed_kafka_is_secret(secret[i]));
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        assert_false(ed_kafka_is_secret(open[i]));
}

/* ---- secrets and printing ---- */

TEST(what_came_from_files_and_variables_is_never_shown)
{
    struct ed_config c;
    eddy_error err = {0};
    start(&c);
    read_yaml(&c, "kafka:\n"
                  "  bootstrap.servers: ${SECRET}\n"
                  "  sasl.password: ${file:" FOLDER "/secret.txt}\n"
                  "  sasl.username: swordfish\n"
                  "  ssl.key.password: ${NONE:-swordfish}\n"
                  "pipeline: ${SECRET}\n"
                  "source:\n"
                  "  files: [\"${SECRET}\", \"a ${SECRET} b\"]\n"
                  "engine: {detail: \"${FOUR:-4}\"}\n");
    ed_config_set(&c, "document.languages=${SECRET},${SECRET}");
    finish(&c);
    is_text(ed_map_find(&c.kafka, "sasl.password")->value, "swordfish"); /* no newline */
    is_text(c.output.topics[ED_EVENTS], "swordfish.events");
    assert_int_equal(c.engine.detail, 4);
    char *text = printed(&c);
    assert_null(strstr(text, "swordfish"));
    assert_non_null(strstr(text, "sasl.password: \"${file:" FOLDER "/secret.txt}\""));
    assert_non_null(strstr(text, "sasl.username: \"***\""));
    assert_non_null(strstr(text, "ssl.key.password: \"***\""));
    assert_non_null(strstr(text, "detail: \"${FOUR:-4}\""));
    assert_non_null(strstr(text, "languages: \"${SECRET},${SECRET}\""));
    free(text);

    read_yaml(&c, "engine: {fade: \"${SECRET}\"}\noutput: {events: \"${SECRET} x\"}\n"
                  "document: {extra: [\"${SECRET}\"], text: \"${SECRET}\"}\n");
    ed_config_set(&c, "insecure=${SECRET}");
    assert_int_equal(ed_config_finish(&c, &err), EDDY_CONFIG);
    assert_true(c.complaints.n >= 5);
    for (size_t i = 0; i < c.complaints.n; i++)
        assert_null(strstr(c.complaints.at[i], "swordfish"));
    ed_config_clear(&c);
}

static void check_reads_back(const struct ed_config *c, char *const *variables)
{
    struct ed_config again;
    eddy_error err = {0};
    char *text = printed(c);
    CHECK_OK(ed_config_init(&again, variables, &err), &err);
    ed_config_read_text(&again, "printed", text, strlen(text));
    finish(&again);
    check_same(c, &again);
    ed_config_clear(&again);
    free(text);
}

/* A value that the option takes, chosen by chance. */
static void random_value(const struct ed_option *o, uint64_t *seed, char *ret, size_t n)
{
    static const char *const texts[] = {
        "plain",       "with blanks in it", "\"quoted\" \\ back", "no",          "${NAME}",
        "$${NAME} $5", "caf\xC3\xA9",       "tab\there",          "# : - ,[]{}", "7"};
    size_t n_words = 0;
    while (o->words && o->words[n_words].word)
        n_words++;
    double share = (double)(test_random(seed) >> 11) * 0x1p-53;
    if (n_words && (o->type == ED_CHOICE || test_random(seed) % 4 == 0))
        snprintf(ret, n, "%s", o->words[test_random(seed) % n_words].word);
    else if (o->type == ED_BOOL)
        snprintf(ret, n, "%s", share < 0.5 ? "yes" : "false");
    else if (o->type == ED_REAL)
        snprintf(ret, n, "%.17g", o->min + share * (o->max - o->min));
    else if (o->type == ED_DURATION)
        snprintf(ret, n, "%.0fms", o->min + floor(share * (o->max - o->min)));
    else if (o->type == ED_INTEGER || o->type == ED_SIZE)
        snprintf(ret, n, "%.0f", o->min + floor(share * (o->max - o->min)));
    else if (o->shape == ED_POINTER)
        snprintf(ret, n, "/a~1b/%d", (int)(share * 100));
    else if (o->shape == ED_TOPIC || o->shape == ED_PIPELINE)
        snprintf(ret, n, "name-%llu", (unsigned long long)test_random(seed));
    else
        snprintf(ret, n, "%s", texts[test_random(seed) % (sizeof texts / sizeof *texts)]);
}

TEST(what_is_printed_reads_back_the_same)
{
    uint64_t seed = test_seed();
    for (int round = 0; round < 300; round++) {
        struct ed_config c;
        start(&c);
        ed_config_set(&c, "kafka.bootstrap.servers=h:1");
        for (size_t i = 0; i < ed_options_n; i++) {
            const struct ed_option *o = &ed_options[i];
            char value[200], line[300];
            if (test_random(&seed) % 3 || strcmp(o->key, "document.extra") == 0 ||
                strcmp(o->key, "alerts.rules") == 0 || strcmp(o->key, "source.files") == 0)
                continue;
            random_value(o, &seed, value, sizeof value);
            if (o->type == ED_MAP)
                snprintf(line, sizeof line, "%s.client.id=%s", o->key, value);
            else
                snprintf(line, sizeof line, "%s=%s", o->key, value);
            ed_config_set(&c, line);
        }
        if (c.embed.model == ED_MODEL_MESSAGE && !*c.document.vector)
            ed_config_set(&c, "document.vector=/v");
        if (*c.document.vector && !c.document.vector_dim)
            ed_config_set(&c, "document.vector_dim=3");
        if (!*c.reason.url)
            ed_config_set(&c, "reason.url=http://localhost/v1");
        if (!*c.reason.model)
            ed_config_set(&c, "reason.model=m");
        if (!*c.document.keyphrases)
            ed_config_set(&c, "document.keyphrases=/k");
        if (c.embed.model == ED_MODEL_MESSAGE || c.embed.model == ED_MODEL_NONE)
            ed_config_set(&c, "embed.keyphrases=off");
        if (c.document.format == EDDY_FORMAT_LOGS || c.profile == ED_PROFILE_LOGS)
            ed_config_set(&c, "stage=all");
        if (!*c.embed.endpoint.url)
            ed_config_set(&c, "embed.endpoint.url=http://localhost/v1");
        if (!*c.embed.endpoint.model)
            ed_config_set(&c, "embed.endpoint.model=m");
        finish(&c);
        check_reads_back(&c, environment);
        ed_config_clear(&c);
    }
}

/* ---- ceilings ---- */

TEST(values_lists_and_files_have_ceilings)
{
    struct ed_config c;
    eddy_error err = {0};
    char *big = malloc(2u << 20);

    start(&c);
    memset(big, 'x', 2u << 20);
    memcpy(big, "pipeline: ", 10);
    ed_config_read_text(&c, "big", big, ED_VALUE_MAX + 100);
    assert_int_equal(ed_config_finish(&c, &err), EDDY_CONFIG);
    is_text(c.complaints.at[0], "big:1:11: pipeline: the value is too long");
    ed_config_clear(&c);

    start(&c); /* 300 settings, and so on to 2 MB of them */
    size_t n = (size_t)sprintf(big, "kafka:\n");
    for (int i = 0; i < 300; i++)
        n += (size_t)sprintf(big + n, "  a%d: b\n", i);
    ed_config_read_text(&c, "many", big, n);
    memset(&err, 0, sizeof err);
    assert_int_equal(ed_config_finish(&c, &err), EDDY_CONFIG);
    assert_int_equal(c.kafka.n, ED_PAIRS_MAX);
    assert_int_equal(c.complaints.n, 300 - ED_PAIRS_MAX);
    ed_config_clear(&c);

    start(&c); /* a file that is put in may be as large as a value, and not larger */
    ed_config_set(&c, "output.dir=${file:/dev/zero}");
    ed_config_read_file(&c, "/dev/zero");
    memset(&err, 0, sizeof err);
    assert_int_equal(ed_config_finish(&c, &err), EDDY_CONFIG);
    is_text(c.complaints.at[0], "--set: output.dir: the file /dev/zero is larger than 65536 bytes");
    is_text(c.complaints.at[1], "/dev/zero: larger than 1048576 bytes");
    ed_config_clear(&c);
    free(big);
}

TEST(the_hundredth_mistake_is_counted)
{
    struct ed_config c;
    eddy_error err = {0};
    start(&c);
    for (int i = 0; i < 100; i++)
        ed_config_set(&c, "nonsense=1");
    assert_int_equal(ed_config_finish(&c, &err), EDDY_CONFIG);
    assert_int_equal(c.complaints.n + c.dropped, 100);
    assert_non_null(strstr(err.text, "(and 99 more)"));
    ed_config_clear(&c);
}

static const char everything[] =
    "pipeline: ${NAME}\nprofile: news\n"
    "source: {topics: [a, b, \"{pipeline}\"], group: \"g-{pipeline}\"}\n"
    "document: {extra: [\"/a 3 0.5\"], languages: \"en, de\"}\n"
    "kafka: {bootstrap.servers: h, sasl.password: \"${SECRET}\"}\n"
    "engine: {fades: 1, detail: ${FOUR:-4}}\n";

TEST(configuration_survives_any_lost_allocation)
{
    char *const variables[] = {
        "NAME=whirl", "SECRET=s", "HOME=/h", "EDDY_KAFKA_CLIENT_ID=x", "EDDY_SOURCE_READERS=2",
        NULL};
    EACH_ALLOC_FAILS (k) {
        struct ed_config c;
        eddy_error err = {0};
        eddy_status st = ed_config_init(&c, variables, &err);
        if (st == EDDY_OK) {
            ed_config_read_text(&c, "test.yaml", everything, strlen(everything));
            ed_config_read_file(&c, "conf/news.yaml");
            ed_config_set(&c, "output.dir=${file:" FOLDER "/secret.txt}");
            ed_config_letter(&c, "source.topics", "c", "-t");
            ed_config_property(&c, "client.id=y");
            ed_config_read_environment(&c);
            st = ed_config_finish(&c, &err);
        }
        assert_true(st == EDDY_CONFIG || st == EDDY_NOMEM);
        assert_int_equal(err.status, st);
        ed_config_clear(&c);
    }
}

/* ---- golden files ---- */

/* Call check for each YAML file of a folder, in no order; gives how many there were. */
static size_t each_file(const char *folder, void (*check)(const char *path, const char *name))
{
    DIR *dir = opendir(folder);
    size_t n = 0;
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        char path[1000];
        const char *dot = strrchr(e->d_name, '.');
        if (!dot || strcmp(dot, ".yaml") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        check(path, e->d_name);
        n++;
    }
    closedir(dir);
    return n;
}

static void check_valid(const char *path, const char *name)
{
    struct ed_config c;
    eddy_error err = {0};
    start(&c);
    ed_config_read_file(&c, path);
    if (ed_config_finish(&c, &err) != EDDY_OK)
        fail_msg("%s: %s", name, err.text);
    if (!ed_map_find(&c.kafka, "sasl.password")) /* which is not printed */
        check_reads_back(&c, environment);
    ed_config_clear(&c);
}

static void check_invalid(const char *path, const char *name)
{
    struct ed_config c;
    eddy_error err = {0};
    char expected_path[1000], *lines = NULL;
    size_t n_lines = 0, n, n_yaml;
    char *yaml = read_whole(path, &n_yaml);
    start(&c);
    ed_config_read_text(&c, name, yaml, n_yaml);
    if (ed_config_finish(&c, &err) != EDDY_CONFIG)
        fail_msg("%s: no complaint", name);
    FILE *out = open_memstream(&lines, &n_lines);
    for (size_t i = 0; i < c.complaints.n; i++)
        fprintf(out, "%s\n", c.complaints.at[i]);
    if (c.dropped)
        fprintf(out, "and %zu more\n", c.dropped);
    fclose(out);

    snprintf(expected_path, sizeof expected_path, "%.*s.txt", (int)strlen(path) - 5, path);
    const char *write = getenv("EDDY_GOLDEN");
    if (write && strcmp(write, "write") == 0) {
        FILE *file = fopen(expected_path, "wb");
        assert_non_null(file);
        fwrite(lines, 1, n_lines, file);
        fclose(file);
    }
    char *expected = read_whole(expected_path, &n);
    assert_string_equal(lines, expected);
    free(expected);
    free(lines);
    free(yaml);
    ed_config_clear(&c);
}

TEST(golden_mistakes_are_told_with_their_places)
{
    assert_true(each_file(FOLDER "/invalid", check_invalid) >= 50);
}

TEST(golden_configurations_are_taken)
{
    assert_true(each_file(FOLDER "/valid", check_valid) >= 15);
}

static void check_shipped(const char *path, const char *name)
{
    check_valid(path, name);
    struct ed_config c;
    start(&c);
    ed_config_read_file(&c, path);
    finish(&c);
    assert_int_equal(c.warnings.n, 0);
    ed_config_clear(&c);
}

TEST(the_shipped_configurations_are_right)
{
    assert_true(each_file("conf", check_shipped) >= 5);
}

TEST(a_file_that_is_not_there_is_a_complaint)
{
    struct ed_config c;
    eddy_error err = {0};
    start(&c);
    ed_config_read_file(&c, "/nonexistent/eddy.yaml");
    ed_config_read_file(&c, "tests");
    assert_int_equal(ed_config_finish(&c, &err), EDDY_CONFIG);
    is_text(c.complaints.at[0], "/nonexistent/eddy.yaml: cannot open: No such file or directory");
    is_text(c.complaints.at[1], "tests: cannot read: Is a directory");
    ed_config_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_layers_win_in_any_order_of_reading),
        cmocka_unit_test(later_files_win_over_earlier_ones),
        cmocka_unit_test(profiles_set_what_nobody_set),
        cmocka_unit_test(names_of_topics_and_group_follow_the_pipeline),
        cmocka_unit_test(the_model_lies_in_the_users_cache),
        cmocka_unit_test(letters_of_a_list_add_up_and_hide_what_is_below),
        cmocka_unit_test(the_environment_names_options_and_librdkafkas_settings),
        cmocka_unit_test(set_takes_every_key_and_says_which_it_does_not_know),
        cmocka_unit_test(a_sides_own_settings_stand_behind_the_common_ones),
        cmocka_unit_test(insecure_allows_what_is_weak_and_warns),
        cmocka_unit_test(secrets_are_known_by_their_names),
        cmocka_unit_test(what_came_from_files_and_variables_is_never_shown),
        cmocka_unit_test(what_is_printed_reads_back_the_same),
        cmocka_unit_test(values_lists_and_files_have_ceilings),
        cmocka_unit_test(the_hundredth_mistake_is_counted),
        cmocka_unit_test(configuration_survives_any_lost_allocation),
        cmocka_unit_test(golden_mistakes_are_told_with_their_places),
        cmocka_unit_test(golden_configurations_are_taken),
        cmocka_unit_test(the_shipped_configurations_are_right),
        cmocka_unit_test(a_file_that_is_not_there_is_a_complaint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
