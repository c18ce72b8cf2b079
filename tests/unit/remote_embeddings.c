/* label: threads */
/* Embeddings against the scripted endpoint: the vectors are those of the texts, whatever happens on
 * the way; what waiting mends is waited for, what it does not is told; and one text that is to
 * blame takes no other with it. */
#include "remote_support.h"

#include "remote/embeddings.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#define DIM  64
#define MANY 100

static const char calm[] = "";

/* A scripted endpoint, and an embedder that asks it. */
struct place {
    struct scripted s;
    struct ed_embeddings_options o;
    struct ed_embeddings *e; /* the embedder's */
    eddy_embedder *embedder;
    eddy_arena *scratch;
    eddy_error err;
};

/* Numbers for an endpoint that fails on purpose, and soon. */
static void place_prepare(struct place *p, const char *script, const char *const *more)
{
    *p = (struct place){0};
    scripted_start(&p->s, script, more);
    ed_embeddings_options_init(&p->o);
    p->o.http.url = p->s.url;
    p->o.http.key = "sk-secret-17";
    p->o.http.stall_ms = 10000; /* more than a busy machine needs */
    p->o.start_ms = 300;
    p->o.http.pace.wait_min_ms = 10;
    p->o.http.pace.wait_max_ms = 100;
    p->o.model = "tiny";
    p->o.batch_max = 16;
}

static eddy_status place_open(struct place *p)
{
    eddy_status st = ed_embeddings_open(&p->o, NULL, NULL, &p->e, &p->err);
    if (st != EDDY_OK)
        return st;
    eddy_endpoint endpoint = ed_embeddings_endpoint(p->e);
    eddy_embedder_options options = {.model = "endpoint", .endpoint = &endpoint};
    p->scratch = eddy_arena_new(0);
    return eddy_embedder_open(&options, &p->embedder, &p->err);
}

static void place_start(struct place *p, const char *script)
{
    place_prepare(p, script, NULL);
    CHECK_OK(place_open(p), &p->err);
}

static void place_end(struct place *p)
{
    eddy_embedder_free(p->embedder);
    eddy_arena_free(p->scratch);
    scripted_end(&p->s);
}

/* ---- texts and what their vectors must be ---- */

static char written[MANY][80];
static eddy_str texts[MANY];
static float truth[MANY * DIM]; /* as the endpoint tells them when it is asked by hand */

static int texts_make(void **state)
{
    struct scripted s;
    char *body = malloc(MANY * 100 + 100);
    (void)state;
    strcpy(body, "{\"model\": \"x\", \"input\": [");
    for (int i = 0; i < MANY; i++) {
        snprintf(written[i], sizeof written[i], "report %d of the flood in district %d", i, i % 7);
        texts[i] = (eddy_str){written[i], strlen(written[i])};
        sprintf(body + strlen(body), "%s\"%s\"", i ? ", " : "", written[i]);
    }
    strcat(body, "]}");
    scripted_start(&s, calm, NULL);
    json_t *reply = scripted_tell(&s, "POST", "/embeddings", body);
    for (int i = 0; i < MANY; i++) {
        const json_t *row =
            json_object_get(json_array_get(json_object_get(reply, "data"), i), "embedding");
        double sum = 0;
        assert_int_equal(json_array_size(row), DIM);
        for (size_t d = 0; d < DIM; d++)
            sum += pow(json_number_value(json_array_get(row, d)), 2);
        for (size_t d = 0; d < DIM; d++)
            truth[i * DIM + (int)d] =
                (float)(json_number_value(json_array_get(row, d)) / sqrt(sum));
    }
    json_decref(reply);
    free(body);
    return 0;
}

static int is_row(const float *row, size_t i)
{
    for (size_t d = 0; d < DIM; d++)
        if (fabsf(row[d] - truth[i * DIM + d]) > 1e-6F)
            return 0;
    return 1;
}

/* The first n texts are embedded, and all is well. */
static void check_embedded(struct place *p, size_t n)
{
    static float rows[MANY * DIM];
    memset(rows, 0x7f, sizeof rows);
    CHECK_OK(eddy_embedder_embed(p->embedder, texts, n, p->scratch, rows, &p->err), &p->err);
    for (size_t i = 0; i < n; i++)
        assert_true(is_row(rows + i * DIM, i));
}

static struct ed_embeddings_stats stats_of(struct place *p)
{
    struct ed_embeddings_stats stats;
    ed_embeddings_stats(p->e, &stats);
    return stats;
}

static const json_t *field(const json_t *seen, size_t i, const char *name)
{
    return json_object_get(json_array_get(json_object_get(seen, "seen"), i), name);
}

static size_t texts_in(const json_t *seen, size_t i)
{
    return json_array_size(field(seen, i, "texts"));
}

/* ---- when all is well ---- */

TEST(texts_get_their_vectors_in_requests_of_the_size_that_was_set)
{
    struct place p;
    place_start(&p, calm);
    assert_int_equal(eddy_embedder_dim(p.embedder), DIM);
    assert_non_null(strstr(eddy_embedder_name(p.embedder), "model tiny, 64 dimensions"));
    assert_int_equal(eddy_embedder_batch(p.embedder), 64);
    check_embedded(&p, MANY);
    check_embedded(&p, 1);
    check_embedded(&p, 0);
    json_t *seen = scripted_seen(&p.s);
    assert_int_equal(json_integer_value(json_object_get(seen, "n")), 1 + 7 + 1);
    assert_int_equal(texts_in(seen, 0), 3); /* the self-test */
    assert_string_equal(json_string_value(field(seen, 0, "form")), "base64");
    assert_string_equal(json_string_value(field(seen, 0, "model")), "tiny");
    assert_string_equal(json_string_value(field(seen, 0, "authorization")), "Bearer sk-secret-17");
    assert_null(json_string_value(field(seen, 0, "dimensions")));
    assert_int_equal(texts_in(seen, 1), 16);
    assert_true(json_integer_value(json_object_get(seen, "connections")) <= 4 + 2);
    json_decref(seen);
    struct ed_embeddings_stats stats = stats_of(&p);
    assert_int_equal(stats.texts, 3 + MANY + 1);
    assert_int_equal(stats.tokens, 7 * (3 + MANY + 1));
    assert_int_equal(stats.http.requests, 9);
    assert_true(!stats.refused && !stats.waits && !stats.nonsense && !stats.floats);
    place_end(&p);
}

TEST(requests_are_bounded_by_tokens_and_long_texts_are_cut_behind_their_prefix)
{
    struct place p;
    float rows[4 * DIM];
    char long_text[3000] = "";
    for (int i = 0; i < 200; i++)
        strcat(long_text, "flood water ");
    const eddy_str four[] = {texts[0], {long_text, strlen(long_text)}, texts[1], texts[2]};
    place_prepare(&p, calm, NULL);
    p.o.prefix = "clustering: ";
    p.o.tokens_max = 40;
    p.o.batch_tokens = 50;
    CHECK_OK(place_open(&p), &p.err);
    CHECK_OK(eddy_embedder_embed(p.embedder, four, 4, p.scratch, rows, &p.err), &p.err);
    json_t *seen = scripted_seen(&p.s);
    size_t n = (size_t)json_integer_value(json_object_get(seen, "n"));
    assert_int_equal(n, 1 + 3); /* 12 and 42 tokens; then 2 of 12 */
    assert_int_equal(texts_in(seen, 1) + texts_in(seen, 2) + texts_in(seen, 3), 4);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < texts_in(seen, i); k++) {
            const char *text = json_string_value(json_array_get(field(seen, i, "texts"), k));
            assert_int_equal(strncmp(text, "clustering: ", 12), 0);
            assert_true(strlen(text) <= 12 + 20 * strlen("flood water "));
        }
    json_decref(seen);
    place_end(&p);
}

TEST(any_shape_of_an_answer_will_do)
{
    static const char *const hows[] = {"float", "base64", "backwards", "no_index"};
    for (size_t i = 0; i < sizeof hows / sizeof *hows; i++) {
        char script[100];
        struct place p;
        snprintf(script, sizeof script, "{\"do\": \"embed\", \"how\": \"%s\"}\n", hows[i]);
        place_start(&p, script);
        check_embedded(&p, MANY);
        assert_int_equal(stats_of(&p).nonsense, 0);
        place_end(&p);
    }
}

TEST(an_endpoint_that_does_not_know_base64_is_asked_for_numbers)
{
    /* In so many words, and in none. */
    static const char *const scripts[] = {
        "{\"form\": \"base64\", \"do\": \"status\", \"status\": 422, \"body\": {\"detail\": "
        "\"encoding_format: must be float\"}}\n",
        "{\"form\": \"base64\", \"do\": \"status\", \"status\": 400, \"body\": {\"x\": 1}}\n",
        "{\"form\": \"base64\", \"do\": \"status\", \"status\": 500, \"body\": {\"x\": 1}}\n"};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct place p;
        place_start(&p, scripts[i]);
        check_embedded(&p, 10);
        assert_int_equal(scripted_count(&p.s), 3); /* it is remembered */
        assert_int_equal(stats_of(&p).floats, 1);
        place_end(&p);
    }
    struct place p; /* also where it is only found out later */
    place_start(&p, "{\"form\": \"base64\", \"nth\": [2, 99], \"do\": \"status\", \"status\": 400, "
                    "\"body\": {\"error\": {\"message\": \"no base64 here\"}}}\n");
    check_embedded(&p, 10);
    assert_int_equal(scripted_count(&p.s), 3);
    place_end(&p);
}

TEST(dimensions_are_asked_for_and_must_be_there)
{
    struct place p;
    place_prepare(&p, calm, NULL);
    p.o.dimensions = 16;
    CHECK_OK(place_open(&p), &p.err);
    assert_int_equal(eddy_embedder_dim(p.embedder), 16);
    place_end(&p);

    /* Refused, and there are other ones: told. */
    place_prepare(&p,
                  "{\"nth\": 1, \"do\": \"status\", \"status\": 400, \"body\": {\"error\": "
                  "\"tiny does not support dimensions\"}}\n",
                  NULL);
    p.o.dimensions = 16;
    assert_int_equal(place_open(&p), EDDY_CONFIG);
    assert_non_null(
        strstr(p.err.text, "64 dimensions where embed.endpoint.dimensions asks for 16"));
    place_end(&p);

    /* Refused, and it has as many by itself: fine. */
    place_prepare(&p,
                  "{\"nth\": 1, \"do\": \"status\", \"status\": 400, \"body\": {\"error\": "
                  "\"tiny does not support dimensions\"}}\n",
                  NULL);
    p.o.dimensions = DIM;
    CHECK_OK(place_open(&p), &p.err);
    check_embedded(&p, 5);
    json_t *seen = scripted_seen(&p.s);
    assert_int_equal(json_integer_value(field(seen, 0, "dimensions")), DIM);
    assert_null(json_string_value(field(seen, 2, "dimensions")));
    assert_string_equal(json_string_value(field(seen, 2, "form")), "base64");
    json_decref(seen);
    place_end(&p);
}

TEST(an_endpoint_that_is_just_starting_is_waited_for)
{
    struct place p;
    place_prepare(&p, "{\"nth\": [1, 5], \"do\": \"status\", \"status\": 503}\n", NULL);
    p.o.start_ms = 10000 * SLOW;
    CHECK_OK(place_open(&p), &p.err);
    check_embedded(&p, 5);
    assert_int_equal(scripted_count(&p.s), 7);
    place_end(&p);
}

TEST(the_fingerprint_is_of_the_model_and_not_of_its_place)
{
    uint64_t prints[6];
    for (int i = 0; i < 6; i++) {
        struct place p;
        place_prepare(&p, calm, i == 1 ? (const char *const[]){"--port", "0", NULL} : NULL);
        p.o.model = i == 2 ? "other" : "tiny";
        p.o.prefix = i == 3 ? "a: " : "";
        p.o.dimensions = i == 4 ? 32 : 0;
        p.o.tokens_max = i == 5 ? 100 : 480;
        CHECK_OK(place_open(&p), &p.err);
        prints[i] = eddy_embedder_fingerprint(p.embedder);
        place_end(&p);
    }
    assert_true(prints[0] == prints[1]);
    for (int i = 2; i < 6; i++)
        for (int k = 1; k < i; k++)
            assert_true(prints[i] != prints[k]);
}

/* ---- at the start ---- */

TEST(an_endpoint_that_is_none_is_told_at_the_start)
{
    static const struct {
        const char *rule;
        eddy_status status;
        const char *holds;
    } starts[] = {
        {"\"do\": \"status\", \"status\": 401", EDDY_CONFIG, "the key is refused"},
        {"\"do\": \"status\", \"status\": 403", EDDY_CONFIG, "the key is refused"},
        {"\"do\": \"status\", \"status\": 402", EDDY_CONFIG, "nothing left"},
        {"\"do\": \"status\", \"status\": 404, \"body\": {\"error\": \"model tiny not found\"}",
         EDDY_CONFIG, "it says: model tiny not found"},
        {"\"do\": \"status\", \"status\": 400", EDDY_CONFIG, "as the script says"},
        {"\"do\": \"status\", \"status\": 405", EDDY_CONFIG, "405"},
        {"\"do\": \"status\", \"status\": 500", EDDY_UNAVAILABLE, "500"},
        {"\"do\": \"status\", \"status\": 503", EDDY_UNAVAILABLE, "503"},
        {"\"do\": \"status\", \"status\": 429, \"body\": {\"error\": {\"code\": "
         "\"insufficient_quota\"}}",
         EDDY_CONFIG, "nothing left"},
        {"\"do\": \"redirect\", \"to\": \"http://169.254.169.254/\"", EDDY_CONFIG, "302"},
        {"\"do\": \"reset\"", EDDY_UNAVAILABLE, "attempt 2"},
        {"\"do\": \"hang\", \"seconds\": 5", EDDY_UNAVAILABLE, "127.0.0.1"},
        {"\"do\": \"garbage\"", EDDY_CONFIG, "not JSON"},
        {"\"do\": \"bomb\", \"bytes\": 1e8", EDDY_CONFIG, "larger than"},
        {"\"do\": \"answer\", \"content\": \"hello\"", EDDY_CONFIG, "no list of embeddings"},
        {"\"do\": \"embed\", \"how\": \"count\"", EDDY_CONFIG, "fewer or more"},
        {"\"do\": \"embed\", \"how\": \"index\"", EDDY_CONFIG, "numbers its vectors"},
        {"\"do\": \"embed\", \"how\": \"nested\"", EDDY_CONFIG, "pooling"},
        {"\"do\": \"embed\", \"how\": \"empty\"", EDDY_CONFIG, "empty"},
        {"\"do\": \"embed\", \"how\": \"longer\"", EDDY_CONFIG, "different lengths"},
        {"\"do\": \"embed\", \"how\": \"not_base64\"", EDDY_CONFIG, "neither numbers nor base64"},
        {"\"do\": \"embed\", \"how\": \"wide\"", EDDY_CONFIG, "neither numbers nor base64"},
        {"\"do\": \"embed\", \"how\": \"all_zero\"", EDDY_CONFIG, "zero, or not finite"},
        {"\"do\": \"embed\", \"how\": \"null\"", EDDY_CONFIG, "zero, or not finite"},
        {"\"do\": \"embed\", \"how\": \"same\"", EDDY_CONFIG, "two sentences have the same vector"},
        {"\"do\": \"embed\", \"how\": \"random\"", EDDY_CONFIG,
         "the same sentence has two vectors"},
    };
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        char script[300];
        struct place p;
        snprintf(script, sizeof script, "{%s}\n", starts[i].rule);
        place_prepare(&p, script, NULL);
        p.o.http.timeout_ms = 1000 * SLOW;
        int64_t began = ed_monotonic_ms();
        eddy_status st = place_open(&p);
        if (st != starts[i].status || !strstr(p.err.text, starts[i].holds))
            fail_msg("%s: %s: %s", starts[i].rule, eddy_status_name(st), p.err.text);
        assert_true(ed_monotonic_ms() - began < 2000 * SLOW);
        assert_non_null(strstr(p.err.text, "model tiny: http://127.0.0.1"));
        assert_null(strstr(p.err.text, "sk-secret"));
        assert_null(p.e);
        place_end(&p);
    }
}

/* ---- faults in the middle ---- */

TEST(whatever_passes_is_waited_for)
{
    static const char *const faults[] = {
        "\"do\": \"refuse\", \"seconds\": 1",
        "\"do\": \"reset\"",
        "\"do\": \"hang\", \"seconds\": 5",
        "\"do\": \"drip\", \"every\": 0.5",
        "\"do\": \"status\", \"status\": 500",
        "\"do\": \"status\", \"status\": 502",
        "\"do\": \"status\", \"status\": 503, \"headers\": {\"Retry-After\": \"1\"}",
        "\"do\": \"status\", \"status\": 529",
        "\"do\": \"status\", \"status\": 429, \"headers\": {\"Retry-After\": \"1\"}",
        "\"do\": \"status\", \"status\": 429, \"retry_date\": 1",
        "\"do\": \"status\", \"status\": 408",
        "\"do\": \"garbage\"",
        "\"do\": \"not_http\"",
        "\"do\": \"cut\"",
        "\"do\": \"short\"",
        "\"do\": \"huge\", \"bytes\": 1e9",
        "\"do\": \"bomb\", \"bytes\": 1e9",
        "\"do\": \"endless\"",
        "\"do\": \"headers\"",
        "\"do\": \"answer\", \"content\": \"hello\"",
        "\"do\": \"embed\", \"how\": \"count\"",
        "\"do\": \"embed\", \"how\": \"none\"",
        "\"do\": \"embed\", \"how\": \"index\"",
        "\"do\": \"embed\", \"how\": \"longer\"",
        "\"do\": \"embed\", \"how\": \"nested\"",
        "\"do\": \"embed\", \"how\": \"words\"",
        "\"do\": \"embed\", \"how\": \"not_base64\"",
        "\"do\": \"embed\", \"how\": \"zero\"",
        "\"do\": \"embed\", \"how\": \"null\"",
        "\"do\": \"embed\", \"how\": \"huge\"",
    };
    long before = memory_kib();
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char script[300];
        struct place p;
        snprintf(script, sizeof script, "{\"nth\": [2, 4], %s}\n", faults[i]);
        place_prepare(&p, script, NULL);
        p.o.http.timeout_ms = 2000 * SLOW;
        p.o.http.stall_ms = 500 * SLOW;
        CHECK_OK(place_open(&p), &p.err);
        check_embedded(&p, 40);
        assert_int_equal(stats_of(&p).refused, 0);
        assert_true(scripted_count(&p.s) >= 4);
        place_end(&p);
    }
    if (!TEST_SANITIZED) /* which keep what was freed */
        assert_true(memory_kib() - before < 64 << 10);
}

TEST(what_does_not_pass_ends_the_call_and_names_the_endpoint)
{
    static const struct {
        const char *rule;
        const char *holds;
    } ends[] = {
        {"\"do\": \"status\", \"status\": 401", "the key is refused"},
        {"\"do\": \"status\", \"status\": 404", "no such path or model"},
        {"\"do\": \"status\", \"status\": 402", "nothing left"},
        {"\"do\": \"status\", \"status\": 429, \"body\": {\"error\": {\"code\": "
         "\"insufficient_quota\"}}",
         "nothing left"},
        {"\"do\": \"redirect\", \"to\": \"file:///etc/passwd\"", "302"},
        {"\"do\": \"embed\", \"how\": \"wrong_dim\"", "65 dimensions, and had 64 before"},
        /* Not even a plain sentence is taken: then no text is to blame. */
        {"\"do\": \"status\", \"status\": 400", "as the script says"},
        {"\"do\": \"status\", \"status\": 413", "as the script says"},
    };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char script[300];
        static float rows[20 * DIM];
        struct place p;
        snprintf(script, sizeof script, "{\"nth\": [2, 99], %s}\n", ends[i].rule);
        place_start(&p, script);
        eddy_status st = eddy_embedder_embed(p.embedder, texts, 20, p.scratch, rows, &p.err);
        if (st != EDDY_CONFIG || !strstr(p.err.text, ends[i].holds))
            fail_msg("%s: %s: %s", ends[i].rule, eddy_status_name(st), p.err.text);
        assert_int_equal(p.err.retriable, 0);
        assert_non_null(strstr(p.err.text, "model tiny: http://127.0.0.1"));
        assert_null(strstr(p.err.text, "sk-secret"));
        assert_null(strstr(p.err.text, "district"));
        assert_int_equal(stats_of(&p).refused, 0);
        place_end(&p);
    }
}

TEST(endless_nonsense_is_not_waited_for_for_ever)
{
    static float rows[20 * DIM];
    struct place p;
    place_start(&p, "{\"nth\": [2, 999], \"do\": \"garbage\"}\n");
    assert_int_equal(eddy_embedder_embed(p.embedder, texts, 20, p.scratch, rows, &p.err),
                     EDDY_UNAVAILABLE);
    assert_non_null(strstr(p.err.text, "not JSON"));
    assert_true(stats_of(&p).waits == 4 && scripted_count(&p.s) < 12);
    place_end(&p);
}

/* ---- one text is to blame ---- */

/* Texts 5 and 33 are replaced by one that nobody can embed. */
static void with_poison(struct place *p, const char *word, const char *const **ret)
{
    static float rows[MANY * DIM];
    static const char *refused[MANY];
    eddy_str all[MANY];
    char poison[100];
    memcpy(all, texts, sizeof all);
    snprintf(poison, sizeof poison, "an old text about %s that is somehow wrong", word);
    all[5] = all[33] = (eddy_str){poison, strlen(poison)};
    const eddy_embed_caller caller = {.refused = refused};
    memset(rows, 0x7f, sizeof rows);
    CHECK_OK(eddy_embedder_embed_for(p->embedder, &caller, all, 60, p->scratch, rows, &p->err),
             &p->err);
    for (size_t i = 0; i < 60; i++) {
        if (i != 5 && i != 33) {
            assert_null(refused[i]);
            assert_true(is_row(rows + i * DIM, i));
            continue;
        }
        assert_non_null(refused[i]);
        assert_null(strstr(refused[i], "an old text"));
        for (size_t d = 0; d < DIM; d++)
            assert_true(rows[i * DIM + d] == 0);
    }
    *ret = refused;
}

TEST(a_text_that_the_endpoint_refuses_takes_no_other_with_it)
{
    static const struct {
        const char *rule, *holds;
    } poisons[] = {
        {"\"do\": \"status\", \"status\": 400", "status 400"},
        {"\"do\": \"status\", \"status\": 400, \"body\": {\"error\": \"an old text about poison "
         "that is somehow wrong\"}",
         "does not understand"},
        {"\"do\": \"status\", \"status\": 413", "too large"},
        {"\"do\": \"status\", \"status\": 422", "status 422"},
        {"\"do\": \"status\", \"status\": 500", "status 500"},
        {"\"do\": \"status\", \"status\": 500, \"body\": {\"error\": {\"message\": \"input is too "
         "large to process\"}}",
         "too large to process"},
        {"\"do\": \"garbage\"", "not JSON"},
        {"\"do\": \"embed\", \"how\": \"all_zero\"", "zero, or not finite"},
    };
    for (size_t i = 0; i < sizeof poisons / sizeof *poisons; i++) {
        char script[300];
        struct place p;
        const char *const *refused;
        snprintf(script, sizeof script, "{\"text\": \"poison\", %s}\n", poisons[i].rule);
        place_start(&p, script);
        with_poison(&p, "poison", &refused);
        if (!strstr(refused[5], poisons[i].holds))
            fail_msg("%s: %s", poisons[i].rule, refused[5]);
        assert_int_equal(stats_of(&p).refused, 2);
        assert_int_equal(stats_of(&p).waits, 0);
        place_end(&p);
    }
}

TEST(nobody_is_blamed_while_the_endpoint_is_broken)
{
    /* The poison is found while all is well; when it comes again nothing is, for a while. */
    struct place p;
    const char *const *refused;
    place_start(&p, "{\"nth\": [2, 30], \"do\": \"status\", \"status\": 500}\n"
                    "{\"text\": \"poison\", \"do\": \"status\", \"status\": 500}\n");
    with_poison(&p, "poison", &refused);
    assert_int_equal(stats_of(&p).refused, 2);
    assert_true(stats_of(&p).waits > 5);
    place_end(&p);
}

TEST(a_text_that_is_too_long_after_all_is_cut_until_it_is_taken)
{
    struct place p;
    char long_text[4000] = "";
    float rows[2 * DIM];
    const char *refused[2];
    for (int i = 0; i < 300; i++)
        strcat(long_text, "flood water ");
    const eddy_str two[] = {texts[0], {long_text, strlen(long_text)}};
    place_prepare(&p, calm, (const char *const[]){"--words", "100", NULL});
    CHECK_OK(place_open(&p), &p.err);
    const eddy_embed_caller caller = {.refused = refused};
    CHECK_OK(eddy_embedder_embed_for(p.embedder, &caller, two, 2, p.scratch, rows, &p.err), &p.err);
    assert_true(!refused[0] && !refused[1] && is_row(rows, 0));
    assert_int_equal(stats_of(&p).shortened, 3); /* 480, 240, 120, 60 */
    assert_true(fabs(rows[DIM] * rows[DIM]) > 0);
    place_end(&p);
}

TEST(an_endpoint_that_takes_fewer_texts_at_once_is_given_fewer)
{
    struct place p;
    place_prepare(&p, calm, (const char *const[]){"--batch", "5", NULL});
    CHECK_OK(place_open(&p), &p.err);
    check_embedded(&p, MANY);
    size_t first = scripted_count(&p.s);
    assert_int_equal(stats_of(&p).batch_max, 4);
    check_embedded(&p, MANY);
    assert_int_equal(scripted_count(&p.s) - first, MANY / 4); /* none is refused any more */
    place_end(&p);
}

/* ---- time, threads, budgets ---- */

struct worker {
    struct place *p;
    pthread_t thread;
    eddy_status st;
    size_t from, n;
    int rounds, right;
};

static atomic_int stop_asked;

static int is_asked(void *user)
{
    (void)user;
    return atomic_load(&stop_asked);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    static const eddy_embed_caller caller = {.stopped = is_asked};
    eddy_arena *scratch = eddy_arena_new(0);
    float *rows = malloc(w->n * DIM * sizeof *rows);
    w->right = 1;
    for (int r = 0; r < w->rounds && w->st == EDDY_OK; r++) {
        w->st = eddy_embedder_embed_for(w->p->embedder, &caller, texts + w->from, w->n, scratch,
                                        rows, NULL);
        for (size_t i = 0; i < w->n && w->st == EDDY_OK; i++)
            w->right &= is_row(rows + i * DIM, w->from + i);
    }
    free(rows);
    eddy_arena_free(scratch);
    return NULL;
}

#define WORKERS 6

static void work_all(struct place *p, int rounds, struct worker *workers)
{
    atomic_store(&stop_asked, 0);
    for (size_t i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.p = p, .from = 13 * i, .n = 7 + 4 * i, .rounds = rounds};
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
}

static void join_all(struct worker *workers, eddy_status st)
{
    for (size_t i = 0; i < WORKERS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].st, st);
        assert_true(workers[i].right);
    }
}

TEST(many_threads_share_one_endpoint_and_its_connections)
{
    struct place p;
    struct worker workers[WORKERS];
    place_prepare(&p, calm, (const char *const[]){"--dim", "64", NULL});
    p.o.http.concurrency = 3;
    CHECK_OK(place_open(&p), &p.err);
    work_all(&p, 20, workers);
    join_all(workers, EDDY_OK);
    json_t *seen = scripted_seen(&p.s);
    /* ours, and those of this test's own questions */
    assert_true(json_integer_value(json_object_get(seen, "connections")) <= 3);
    json_decref(seen);
    place_end(&p);
}

/* What comes while others wait does not wait for them. */
TEST(several_calls_are_under_way_at_once)
{
    struct place p;
    struct worker workers[WORKERS];
    place_prepare(&p, "{\"nth\": [2, 999], \"do\": \"judge\", \"after\": 0.5}\n", NULL);
    p.o.http.concurrency = WORKERS;
    p.o.batch_max = 64;
    CHECK_OK(place_open(&p), &p.err);
    int64_t began = ed_monotonic_ms();
    work_all(&p, 2, workers);
    join_all(workers, EDDY_OK);
    int64_t took = ed_monotonic_ms() - began;
    assert_true(took >= 1000 && took < 4000 * SLOW); /* 6,000 one after the other */
    place_end(&p);
}

TEST(threads_come_through_an_outage)
{
    struct place p;
    struct worker workers[WORKERS];
    place_prepare(&p,
                  "{\"nth\": 20, \"do\": \"refuse\", \"seconds\": 1}\n"
                  "{\"nth\": [30, 33], \"do\": \"status\", \"status\": 503}\n"
                  "{\"nth\": [40, 42], \"do\": \"reset\"}\n"
                  "{\"nth\": [45, 45], \"do\": \"garbage\"}\n"
                  "{\"nth\": [50, 60], \"do\": \"status\", \"status\": 429, \"headers\": "
                  "{\"Retry-After\": \"1\"}}\n",
                  NULL);
    CHECK_OK(place_open(&p), &p.err);
    work_all(&p, 10, workers);
    join_all(workers, EDDY_OK);
    assert_int_equal(stats_of(&p).refused, 0);
    assert_true(scripted_count(&p.s) > 60);
    place_end(&p);
}

TEST(a_stop_ends_what_waits_and_what_is_under_way)
{
    static const char *const scripts[] = {
        "{\"nth\": [2, 999], \"do\": \"hang\", \"seconds\": 30}\n",
        "{\"nth\": [2, 999], \"do\": \"status\", \"status\": 503, \"headers\": {\"Retry-After\": "
        "\"3600\"}}\n",
        "{\"nth\": [2, 999], \"do\": \"status\", \"status\": 500}\n",
        "{\"nth\": [2, 999], \"do\": \"reset\"}\n"};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct place p;
        struct worker workers[WORKERS];
        place_prepare(&p, scripts[i], (const char *const[]){"--dim", "64", NULL});
        p.o.http.pace.wait_max_ms = 20000;
        CHECK_OK(place_open(&p), &p.err);
        work_all(&p, 1, workers);
        usleep(500000);
        int64_t began = ed_monotonic_ms();
        atomic_store(&stop_asked, 1);
        join_all(workers, EDDY_STOPPED);
        int64_t took = ed_monotonic_ms() - began;
        if (took > 200 * SLOW)
            fail_msg("%s: %lld ms", scripts[i], (long long)took);
        place_end(&p);
    }
}

TEST(a_stop_at_the_start_is_no_longer_than_that)
{
    struct place p;
    place_prepare(&p, "{\"do\": \"hang\", \"seconds\": 30}\n",
                  (const char *const[]){"--dim", "64", NULL});
    atomic_store(&stop_asked, 1);
    int64_t began = ed_monotonic_ms();
    assert_int_equal(ed_embeddings_open(&p.o, is_asked, NULL, &p.e, &p.err), EDDY_STOPPED);
    assert_true(ed_monotonic_ms() - began < 200 * SLOW);
    place_end(&p);
}

TEST(a_budget_spreads_requests_and_texts_wait_for_it)
{
    struct place p;
    place_prepare(&p, calm, NULL);
    p.o.calls_minute = 600;
    p.o.http.timeout_ms = 1000;
    CHECK_OK(place_open(&p), &p.err);
    int64_t began = ed_monotonic_ms();
    check_embedded(&p, MANY); /* 7 requests behind the first, 100 ms each */
    int64_t took = ed_monotonic_ms() - began;
    assert_true(took >= 690 && took < 1500 * SLOW);
    json_t *seen = scripted_seen(&p.s);
    int64_t first = json_integer_value(field(seen, 0, "ms"));
    int64_t last = json_integer_value(field(seen, 7, "ms"));
    assert_true(last - first >= 690);
    assert_int_equal(stats_of(&p).http.replies[ED_HTTP_GOOD], 8);
    json_decref(seen);
    place_end(&p);
}

/* An endpoint that is too slow for large requests is asked for less at once, and gets there. */
TEST(an_endpoint_that_is_slow_is_asked_for_less)
{
    struct place p;
    place_prepare(&p,
                  "{\"nth\": 2, \"do\": \"hang\", \"seconds\": 5}\n"
                  "{\"nth\": 4, \"do\": \"hang\", \"seconds\": 5}\n",
                  NULL);
    p.o.http.timeout_ms = 1000 * SLOW;
    p.o.http.stall_ms = 300 * SLOW;
    p.o.http.retries = 0;
    p.o.http.concurrency = 1;
    CHECK_OK(place_open(&p), &p.err);
    check_embedded(&p, 16);
    json_t *seen = scripted_seen(&p.s);
    static const size_t sizes[] = {3, 16, 1, 8, 8, 4, 4};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_int_equal(texts_in(seen, i), sizes[i]);
    json_decref(seen);
    assert_true(stats_of(&p).batch_max > 4); /* and for more again */
    place_end(&p);
}

/* ---- memory ---- */

TEST(a_call_survives_any_lost_allocation)
{
    float rows[3 * DIM];
    struct place p;
    eddy_status st = EDDY_NOMEM;
    place_start(&p, calm);
    EACH_ALLOC_FAILS (k) {
        eddy_arena *scratch = eddy_arena_new(0);
        st = scratch ? eddy_embedder_embed(p.embedder, texts, 3, scratch, rows, NULL) : EDDY_NOMEM;
        assert_true(st == EDDY_OK || st == EDDY_NOMEM);
        eddy_arena_free(scratch);
    }
    assert_int_equal(st, EDDY_OK);
    EACH_ALLOC_FAILS (k) {
        struct ed_embeddings *e = NULL;
        st = ed_embeddings_open(&p.o, NULL, NULL, &e, NULL);
        assert_true(st == EDDY_OK || (st == EDDY_NOMEM && !e));
        ed_embeddings_free(e);
    }
    assert_int_equal(st, EDDY_OK);
    place_end(&p);
}

TEST(what_is_not_set_is_told_before_anything_is_sent)
{
    static const struct {
        const char *url, *model;
        size_t batch, tokens;
    } wrong[] = {{NULL, "m", 1, 100},
                 {"http://127.0.0.1:1/v1", NULL, 1, 100},
                 {"http://127.0.0.1:1/v1", "", 1, 100},
                 {"http://127.0.0.1:1/v1", "m", 0, 100},
                 {"http://127.0.0.1:1/v1", "m", 1, 31},
                 {"http://example.com/v1", "m", 1, 100}}; /* plain, and not this machine */
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct ed_embeddings_options o;
        struct ed_embeddings *e = NULL;
        eddy_error err = {0};
        ed_embeddings_options_init(&o);
        o.http.url = wrong[i].url;
        o.model = wrong[i].model;
        o.batch_max = wrong[i].batch;
        o.tokens_max = wrong[i].tokens;
        assert_int_equal(ed_embeddings_open(&o, NULL, NULL, &e, &err), EDDY_CONFIG);
        assert_true(*err.text);
    }
    eddy_embedder *embedder = NULL;
    assert_int_equal(
        eddy_embedder_open(&(eddy_embedder_options){.model = "endpoint"}, &embedder, NULL),
        EDDY_INVALID);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_get_their_vectors_in_requests_of_the_size_that_was_set),
        cmocka_unit_test(requests_are_bounded_by_tokens_and_long_texts_are_cut_behind_their_prefix),
        cmocka_unit_test(any_shape_of_an_answer_will_do),
        cmocka_unit_test(an_endpoint_that_does_not_know_base64_is_asked_for_numbers),
        cmocka_unit_test(dimensions_are_asked_for_and_must_be_there),
        cmocka_unit_test(an_endpoint_that_is_just_starting_is_waited_for),
        cmocka_unit_test(the_fingerprint_is_of_the_model_and_not_of_its_place),
        cmocka_unit_test(an_endpoint_that_is_none_is_told_at_the_start),
        cmocka_unit_test(whatever_passes_is_waited_for),
        cmocka_unit_test(what_does_not_pass_ends_the_call_and_names_the_endpoint),
        cmocka_unit_test(endless_nonsense_is_not_waited_for_for_ever),
        cmocka_unit_test(a_text_that_the_endpoint_refuses_takes_no_other_with_it),
        cmocka_unit_test(nobody_is_blamed_while_the_endpoint_is_broken),
        cmocka_unit_test(a_text_that_is_too_long_after_all_is_cut_until_it_is_taken),
        cmocka_unit_test(an_endpoint_that_takes_fewer_texts_at_once_is_given_fewer),
        cmocka_unit_test(many_threads_share_one_endpoint_and_its_connections),
        cmocka_unit_test(several_calls_are_under_way_at_once),
        cmocka_unit_test(threads_come_through_an_outage),
        cmocka_unit_test(a_stop_ends_what_waits_and_what_is_under_way),
        cmocka_unit_test(a_stop_at_the_start_is_no_longer_than_that),
        cmocka_unit_test(a_budget_spreads_requests_and_texts_wait_for_it),
        cmocka_unit_test(an_endpoint_that_is_slow_is_asked_for_less),
        cmocka_unit_test(a_call_survives_any_lost_allocation),
        cmocka_unit_test(what_is_not_set_is_told_before_anything_is_sent),
    };
    return cmocka_run_group_tests(tests, texts_make, NULL);
}
