/* The table: what values may be written, how they are written back, and that its documents (help,
 * conf/eddy.yaml, schema) and the folders' own defaults agree with it. */
#include "test.h"

#include "cli/config_inner.h"
#include "pipeline/shard.h"

#include <jansson.h>
#include <math.h>

static const struct ed_option *option(const char *key)
{
    int i = ed_option_find(key, strlen(key));
    if (i < 0)
        fail_msg("%s: no such option", key);
    return &ed_options[i];
}

static double number(const char *key, const char *text)
{
    char why[300];
    double value;
    if (!ed_option_number(option(key), text, &value, why, sizeof why))
        fail_msg("%s '%s' %s", key, text, why);
    return value;
}

static int is_refused(const char *key, const char *text)
{
    char why[300] = "";
    double value = 42;
    int refused = !ed_option_number(option(key), text, &value, why, sizeof why);
    assert_true(refused == (*why != 0));
    assert_true(!refused || value == 42); /* untouched on failure */
    return refused;
}

/* What a function writes to a stream; to be freed by free. */
static char *written_by(void (*write)(FILE *out))
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    write(out);
    fclose(out);
    return text;
}

TEST(durations_need_their_unit)
{
    assert_true(number("engine.fade", "250ms") == 250);
    assert_true(number("engine.fade", "10s") == 10e3);
    assert_true(number("engine.fade", "5m") == 300e3);
    assert_true(number("engine.fade", "5min") == 300e3);
    assert_true(number("engine.fade", "1.5h") == 5400e3);
    assert_true(number("engine.fade", "7d") == 604800e3);
    assert_true(number("engine.fade", "2w") == 1209600e3);
    assert_true(number("engine.fade", "0") == 0 && number("engine.fade", "never") == 0);
    static const char *const bad[] = {"",    "7",      "d",    "7 d",   " 7d", "7D",
                                      "-1h", "+1h",    "1e3s", "nan",   "inf", "0x7d",
                                      "7dd", "1.2.3s", ".",    "Never", "1,5h"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!is_refused("engine.fade", bad[i]))
            fail_msg("'%s' was taken", bad[i]);
}

TEST(sizes_are_decimal_or_binary)
{
    assert_true(number("document.max_bytes", "4096") == 4096);
    assert_true(number("document.max_bytes", "64KiB") == 65536);
    assert_true(number("document.max_bytes", "64kb") == 64000);
    assert_true(number("document.max_bytes", "1.5MB") == 1.5e6);
    assert_true(number("document.max_bytes", "2048B") == 2048);
    assert_true(is_refused("document.max_bytes", "1M"));
    assert_true(is_refused("document.max_bytes", "-1"));
    assert_true(is_refused("document.max_bytes", "1KiBB"));
    assert_true(is_refused("document.max_bytes", "65MiB"));
}

TEST(numbers_are_decimal)
{
    assert_true(number("engine.detail", "8") == 8 && number("engine.detail", "+8") == 8);
    assert_true(number("engine.granularity", "-2.5e-1") == -0.25);
    assert_true(number("engine.granularity", "fine") == 1);
    assert_true(isnan(number("engine.threshold", "learned")));
    static const char *const bad[] = {"", "-", "+", ".", "8.", "1e1", "0x8", "8 ", "--8", "8-8"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!is_refused("engine.detail", bad[i]))
            fail_msg("'%s' was taken", bad[i]);
    static const char *const bad_real[] = {"nan", "inf", "1e", "1e999", "e1", "0x1p3", "1.1.1"};
    for (size_t i = 0; i < sizeof bad_real / sizeof *bad_real; i++)
        if (!is_refused("engine.granularity", bad_real[i]))
            fail_msg("'%s' was taken", bad_real[i]);
}

TEST(numbers_are_written_as_people_write_them)
{
    static const struct {
        const char *key, *text;
    } same[] = {
        {"engine.fade", "12h"},         {"engine.fade", "7d"},
        {"engine.fade", "90m"},         {"engine.fade", "never"},
        {"engine.idle_half", "250ms"},  {"engine.half_life", "never"},
        {"document.max_bytes", "1MB"},  {"document.max_bytes", "1MiB"},
        {"document.max_bytes", "4097"}, {"output.dead_max_bytes", "0"},
        {"engine.stability", "0.01"},   {"engine.granularity", "-0.1"},
        {"engine.detail", "8"},         {"insecure", "true"},
        {"embed.workers", "auto"},      {"output.replication", "broker"},
        {"engine.granularity", "-10"},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        char text[64];
        ed_option_text(option(same[i].key), number(same[i].key, same[i].text), text, sizeof text);
        assert_string_equal(text, same[i].text);
    }
}

TEST(any_number_of_any_option_reads_back_the_same)
{
    uint64_t seed = test_seed();
    for (int round = 0; round < 20000; round++) {
        const struct ed_option *o = &ed_options[test_random(&seed) % ed_options_n];
        if (o->type != ED_INTEGER && o->type != ED_REAL && o->type != ED_DURATION &&
            o->type != ED_SIZE)
            continue;
        double share = (double)(test_random(&seed) >> 11) * 0x1p-53;
        double value = o->min + share * share * share * (o->max - o->min), again;
        if (o->type != ED_REAL)
            value = floor(value);
        char text[64], why[300];
        ed_option_text(o, value, text, sizeof text);
        if (!ed_option_number(o, text, &again, why, sizeof why) || again != value)
            fail_msg("%s: %.17g, written '%s'", o->key, value, text);
    }
}

TEST(the_nearest_key_is_the_one_that_was_meant)
{
    static const struct {
        const char *wrong, *right;
    } cases[] = {
        {"engine.fades", "engine.fade"},
        {"engine.granularty", "engine.granularity"},
        {"engnie.fade", "engine.fade"},
        {"fade", "engine.fade"},
        {"halflife", "engine.half_life"},
        {"source.topic", "source.topics"},
        {"sources", "source"},
        {"pipelin", "pipeline"},
        {"output.asignments", "output.assignments"},
        {"kafak", "kafka"},
        {"xylophone", NULL},
        {"", NULL},
        {"engine.something_else_entirely", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *nearest = ed_option_nearest(cases[i].wrong);
        if ((nearest == NULL) != (cases[i].right == NULL) ||
            (nearest && strcmp(nearest, cases[i].right) != 0))
            fail_msg("%s: %s", cases[i].wrong, nearest ? nearest : "none");
    }
    assert_int_equal(ed_edit_distance("abcd", "abdc", 9), 1);
    assert_int_equal(ed_edit_distance("", "abc", 9), 3);
    assert_int_equal(ed_edit_distance("kitten", "sitting", 9), 3);
    assert_int_equal(ed_edit_distance("kitten", "sitting", 2), 2);
}

TEST(the_table_is_in_order)
{
    for (size_t i = 0; i < ed_options_n; i++) {
        const struct ed_option *o = &ed_options[i];
        assert_int_equal(ed_option_find(o->key, strlen(o->key)), i); /* no key twice */
        assert_true(o->help && strlen(o->help) > 10);
        assert_true(o->standard || o->type == ED_LIST || o->type == ED_MAP);
        assert_true(o->type != ED_CHOICE || o->words);
        const char *dot = strchr(o->key, '.');
        if (!dot)
            continue;
        size_t known = 0;
        for (const struct ed_section *s = ed_sections; s->name; s++)
            known += strlen(s->name) == (size_t)(dot - o->key) &&
                     strncmp(s->name, o->key, strlen(s->name)) == 0;
        assert_int_equal(known, 1);
    }
}

/* ---- the documents ---- */

TEST(the_sample_file_is_what_the_table_says)
{
    char *sample = written_by(ed_options_sample), *file = calloc(1, 1u << 20);
    FILE *in = fopen("conf/eddy.yaml", "rb");
    assert_non_null(in);
    assert_true(fread(file, 1, (1u << 20) - 1, in) > 0);
    fclose(in);
    /* eddy check --defaults > conf/eddy.yaml */
    assert_string_equal(file, sample);
    free(file);
    free(sample);
}

/* Take the '#' from each line "  #name: value". */
static void uncomment(char *text)
{
    for (char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        char *hash = line + strspn(line, " ");
        if (hash[0] == '#' && hash[1] >= 'a' && hash[1] <= 'z')
            memmove(hash, hash + 1, strlen(hash));
    }
}

TEST(the_sample_file_tells_the_defaults)
{
    char *sample = written_by(ed_options_sample);
    for (int all = 0; all < 2; all++) {
        struct ed_config c;
        eddy_error err = {0};
        if (all)
            uncomment(sample);
        CHECK_OK(ed_config_init(&c, NULL, &err), &err);
        ed_config_read_text(&c, "eddy.yaml", sample, strlen(sample));
        CHECK_OK(ed_config_finish(&c, &err), &err);
        for (size_t i = 0; i < ed_options_n; i++) {
            const struct ed_option *o = &ed_options[i];
            int expected = all && o->type != ED_MAP ? ED_LAYER_FILE : ED_LAYER_DEFAULT;
            if ((int)c.origins[i].layer != expected)
                fail_msg("%s: layer %d", o->key, (int)c.origins[i].layer);
        }
        eddy_engine_options engine, standard;
        ed_config_engine_options(&c, 384, &engine);
        eddy_engine_options_init(&standard);
        assert_int_equal(engine.fade_ms, standard.fade_ms);
        ed_config_clear(&c);
    }
    free(sample);
}

static void plain_help(FILE *out)
{
    ed_options_help(out, 0);
}

static void schema(FILE *out)
{
    eddy_error err = {0};
    CHECK_OK(ed_options_schema(out, &err), &err);
}

TEST(help_and_schema_name_every_option)
{
    char *help = written_by(plain_help), *text = written_by(schema);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    size_t n = 0;
    for (size_t i = 0; i < ed_options_n; i++) {
        const char *key = ed_options[i].key, *dot;
        char line[100], section[40];
        snprintf(line, sizeof line, "\n%s  (", key);
        if (!strstr(help, line))
            fail_msg("%s: not in the help", key);
        json_t *properties = json_object_get(root, "properties");
        for (; (dot = strchr(key, '.')) != NULL; key = dot + 1) { /* level by level */
            snprintf(section, sizeof section, "%.*s", (int)(dot - key), key);
            properties = json_object_get(json_object_get(properties, section), "properties");
        }
        json_t *entry = json_object_get(properties, key);
        assert_true(json_is_string(json_object_get(entry, "description")));
        n += json_array_size(json_object_get(entry, "anyOf")) > 0;
    }
    assert_int_equal(n, ed_options_n);
    assert_null(strchr(help, '\033'));
    json_decref(root);
    free(help);
    free(text);
}

/* ---- the folders ---- */

TEST(defaults_are_those_of_the_folders)
{
    struct ed_config c;
    eddy_error err = {0};
    CHECK_OK(ed_config_init(&c, NULL, &err), &err);
    CHECK_OK(ed_config_finish(&c, &err), &err);

    eddy_engine_options engine, e;
    eddy_engine_options_init(&e);
    ed_config_engine_options(&c, e.dense_dim, &engine);
    assert_true(engine.dense_weight == e.dense_weight && engine.granularity == e.granularity);
    assert_true(isnan(engine.threshold) && isnan(e.threshold));
    assert_true(engine.fade_ms == e.fade_ms && engine.half_life_ms == e.half_life_ms);
    assert_true(engine.idle_penalty == e.idle_penalty && engine.idle_half_ms == e.idle_half_ms);
    assert_true(engine.stability == e.stability && engine.detail == e.detail);
    assert_true(engine.repair_every == e.repair_every && engine.events_max == e.events_max);
    assert_true(engine.words_max == e.words_max && engine.terms_dim == e.terms_dim);
    assert_true(engine.neighbours == e.neighbours && engine.turns == e.turns);
    assert_int_equal(engine.topics, e.topics);
    assert_true(engine.false_alarms == e.false_alarms);

    eddy_parse_options parse, p;
    eddy_parse_options_init(&p);
    ed_config_parse_options(&c, &parse);
    assert_true(parse.format == p.format && parse.time_unit == p.time_unit);
    assert_string_equal(parse.id_path, p.id_path);
    assert_string_equal(parse.text_path, p.text_path);
    assert_string_equal(parse.title_path, p.title_path);
    assert_string_equal(parse.time_path, p.time_path);
    assert_string_equal(parse.language_path, p.language_path);
    assert_string_equal(parse.source_path, p.source_path);
    assert_string_equal(parse.group_path, p.group_path ? p.group_path : "");
    assert_int_equal(parse.document_max, p.document_max);
    assert_int_equal(parse.ahead_max_ms, p.ahead_max_ms);
    assert_int_equal(parse.n_extra, p.n_extra);
    assert_int_equal(parse.dense_dim, p.dense_dim);
    ed_config_clear(&c);
}

/* A setting at an end of its range must not be refused later, by the engine. */
TEST(every_end_of_every_range_is_taken_by_the_engine)
{
    for (size_t i = 0; i < ed_options_n; i++) {
        const struct ed_option *o = &ed_options[i];
        for (int end = 0; end < 2 && strncmp(o->key, "engine.", 7) == 0; end++) {
            struct ed_config c;
            eddy_error err = {0};
            eddy_engine_options options;
            eddy_clusterer *cl = NULL;
            char text[64], line[200];
            struct ed_option plain = *o;
            size_t last = 0;
            while (o->type == ED_CHOICE && end && o->words[last + 1].word)
                last++;
            plain.words = o->type == ED_CHOICE ? o->words : NULL;
            ed_option_text(&plain,
                           plain.words ? o->words[last].value
                           : end       ? o->max
                                       : o->min,
                           text, sizeof text);
            snprintf(line, sizeof line, "%s=%s", o->key, text);
            CHECK_OK(ed_config_init(&c, NULL, &err), &err);
            ed_config_set(&c, line);
            CHECK_OK(ed_config_finish(&c, &err), &err);
            ed_config_engine_options(&c, 8, &options);
            CHECK_OK(eddy_clusterer_new(&options, &cl, &err), &err);
            eddy_clusterer_free(cl);
            ed_config_clear(&c);
        }
    }
}

TEST(options_reach_the_folders)
{
    static const char yaml[] = "pipeline: p\n"
                               "document:\n"
                               "  format: lines\n"
                               "  text: /body\n"
                               "  vector: /v\n"
                               "  vector_dim: 384\n"
                               "  time_unit: us\n"
                               "  extra: [\"/image 512 0.25\", \"/e 8 .125\"]\n"
                               "  max_bytes: 2KiB\n"
                               "  languages: [en, de]\n"
                               "embed: {model: message, workers: 3}\n"
                               "engine: {threshold: 0.25, half_life: 1d, granularity: coarse}\n"
                               "batch: {max: 7, wait: 2s, ring: 5}\n"
                               "output: {dead_max_bytes: 9}\n";
    struct ed_config c;
    eddy_error err = {0};
    CHECK_OK(ed_config_init(&c, NULL, &err), &err);
    ed_config_read_text(&c, "test.yaml", yaml, strlen(yaml));
    CHECK_OK(ed_config_finish(&c, &err), &err);

    eddy_parse_options parse;
    ed_config_parse_options(&c, &parse);
    assert_int_equal(parse.format, EDDY_FORMAT_LINES);
    assert_string_equal(parse.text_path, "/body");
    assert_string_equal(parse.dense_path, "/v");
    assert_int_equal(parse.dense_dim, 384);
    assert_int_equal(parse.time_unit, EDDY_UNIT_US);
    assert_int_equal(parse.n_extra, 2);
    assert_string_equal(parse.extra_path[1], "/e");
    assert_int_equal(parse.extra_dim[0], 512);
    assert_int_equal(parse.document_max, 2048);

    eddy_embedder *embedder = (eddy_embedder *)&c;
    size_t dim = 0;
    CHECK_OK(ed_config_embedder(&c, NULL, &embedder, &dim, NULL, &err), &err);
    assert_null(embedder);
    assert_int_equal(dim, 384);

    eddy_engine_options engine;
    ed_config_engine_options(&c, dim, &engine);
    assert_int_equal(engine.dense_dim, 384);
    assert_true(engine.threshold == 0.25 && engine.granularity == -1);
    assert_int_equal(engine.half_life_ms, 86400000);
    assert_int_equal(engine.extra_dim[1], 8);
    assert_true(engine.extra_weight[0] == 0.25 && engine.extra_weight[1] == 0.125);

    struct ed_pipeline_options pipeline;
    ed_config_pipeline_options(&c, &pipeline);
    assert_string_equal(pipeline.publisher.pipeline, "p");
    assert_true(pipeline.batch_max == 7 && pipeline.wait_ms == 2000 && pipeline.ring_max == 5);
    assert_true(pipeline.workers == 3 && pipeline.value_max == 9 && pipeline.n_languages == 2);
    assert_string_equal(pipeline.languages[1], "de");
    ed_config_clear(&c);
}

TEST(keyphrases_are_the_last_extra_view_and_a_state_of_their_own)
{
    static const char yaml[] = "document: {keyphrases: /tags, extra: [/image 8 0.25]}\n"
                               "embed: {model: hash, keyphrases: on, keyphrases_wait: 3s}\n";
    struct ed_config c;
    eddy_error err = {0};
    eddy_parse_options parse;
    eddy_engine_options engine;
    struct ed_pipeline_options pipeline;
    eddy_embedder *embedder = NULL;
    size_t dim = 0;
    CHECK_OK(ed_config_init(&c, NULL, &err), &err);
    ed_config_read_text(&c, "test.yaml", yaml, strlen(yaml));
    CHECK_OK(ed_config_finish(&c, &err), &err);
    CHECK_OK(ed_config_embedder(&c, NULL, &embedder, &dim, NULL, &err), &err);
    ed_config_engine_options(&c, dim, &engine);
    assert_int_equal(engine.n_extra, 2);
    assert_int_equal(engine.extra_dim[1], 512);
    /* As much as the text's own vector has, of a short one without other views. */
    assert_true(engine.extra_weight[1] == (1 - engine.extra_weight[1]) * engine.dense_weight);
    ed_config_parse_options(&c, &parse);
    assert_string_equal(parse.keyphrases_path, "/tags");
    assert_int_equal(parse.n_extra, 1);
    ed_config_pipeline_options(&c, &pipeline);
    assert_int_equal(pipeline.keyphrases, 2);
    assert_int_equal(pipeline.keyphrases_ms, 3000);
    uint64_t with = ed_shard_fingerprint(&engine, embedder, 1);
    assert_true(with != ed_shard_fingerprint(&engine, embedder, 0)); /* some other extra view */
    engine.extra_weight[1] = 0.25;
    assert_true(with != ed_shard_fingerprint(&engine, embedder, 1));

    ed_config_set(&c, "embed.keyphrases=off");
    ed_config_engine_options(&c, dim, &engine);
    ed_config_parse_options(&c, &parse);
    ed_config_pipeline_options(&c, &pipeline);
    assert_int_equal(engine.n_extra, 1);
    assert_null(parse.keyphrases_path);
    assert_int_equal(pipeline.keyphrases, 0);
    eddy_embedder_free(embedder);
    ed_config_clear(&c);
}

TEST(an_embedder_must_fit_the_vectors_of_the_messages)
{
    struct ed_config c;
    eddy_error err = {0};
    eddy_embedder *embedder = NULL;
    size_t dim = 0;
    CHECK_OK(ed_config_init(&c, NULL, &err), &err);
    ed_config_set(&c, "embed.model=hash");
    CHECK_OK(ed_config_embedder(&c, NULL, &embedder, &dim, NULL, &err), &err);
    assert_int_equal(dim, 512);
    eddy_embedder_free(embedder);
    embedder = NULL;
    ed_config_set(&c, "document.vector=/v");
    ed_config_set(&c, "document.vector_dim=3");
    assert_int_equal(ed_config_embedder(&c, NULL, &embedder, &dim, NULL, &err), EDDY_CONFIG);
    assert_null(embedder);
    ed_config_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_need_their_unit),
        cmocka_unit_test(sizes_are_decimal_or_binary),
        cmocka_unit_test(numbers_are_decimal),
        cmocka_unit_test(numbers_are_written_as_people_write_them),
        cmocka_unit_test(any_number_of_any_option_reads_back_the_same),
        cmocka_unit_test(the_nearest_key_is_the_one_that_was_meant),
        cmocka_unit_test(the_table_is_in_order),
        cmocka_unit_test(the_sample_file_is_what_the_table_says),
        cmocka_unit_test(the_sample_file_tells_the_defaults),
        cmocka_unit_test(help_and_schema_name_every_option),
        cmocka_unit_test(defaults_are_those_of_the_folders),
        cmocka_unit_test(every_end_of_every_range_is_taken_by_the_engine),
        cmocka_unit_test(options_reach_the_folders),
        cmocka_unit_test(keyphrases_are_the_last_extra_view_and_a_state_of_their_own),
        cmocka_unit_test(an_embedder_must_fit_the_vectors_of_the_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
