/* label: threads */
/* Keyphrases before clustering: what they change, and that nothing waits for them in vain. */
#include "pipeline_support.h"
#include "remote_support.h"

#include "base/json.h"
#include "pipeline/batch.h"
#include "pipeline/keyphraser.h"

#include <ctype.h>
#include <pthread.h>
#include <stdatomic.h>

#define THINGS 6

/* ---- documents that share no word, and a model that knows what they are about ---- */

/* Eight letters that no other number gives. */
static void letters(uint64_t number, char ret[9])
{
    uint64_t h = ed_mix64(number);
    for (int i = 0; i < 8; i++, h /= 26)
        ret[i] = (char)('a' + h % 26);
    ret[8] = 0;
}

/* What a document is about can be told from its first word only by who knows how it was made. */
static unsigned thing_of(const char *word)
{
    unsigned sum = 0;
    for (int i = 0; i < 8; i++)
        sum += (unsigned)(word[i] - 'a');
    return sum % THINGS;
}

static const char *phrases_of(unsigned thing)
{
    static const char *const all[THINGS] = {"harbour crane collapse, dock workers injured",
                                            "parliament budget vote, tax reform",
                                            "volcano eruption, ash cloud, flights cancelled",
                                            "football cup final, penalty shootout",
                                            "hospital nurses strike, wage talks",
                                            "satellite launch, rocket engine failure"};
    return all[thing];
}

/* with: they bring their phrases themselves. */
static void write_documents(const char *path, size_t n, int with)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    for (size_t i = 0; i < n; i++) {
        char first[9], word[9];
        letters(i * 100 + 1, first);
        fprintf(out, "{\"id\":\"d%zu\",\"ts\":%llu,\"text\":\"%s", i,
                1900000000000ULL + i * 60000ULL, first);
        for (size_t k = 1; k < 10; k++) {
            letters(i * 100 + 1 + k, word);
            fprintf(out, " %s", word);
        }
        fputs("\"", out);
        if (with) /* as one text, or as a list */
            fprintf(out, i % 2 ? ",\"phrases\":\"%s\"" : ",\"phrases\":[\"%s\", \" \"]",
                    phrases_of(thing_of(first)));
        fputs("}\n", out);
    }
    assert_int_equal(fclose(out), 0);
}

struct model {
    atomic_int requests, documents, at_once, crowded;
    int wait_ms, nonsense;
};

/* Answers from the first words of the documents, as it finds them in the question. */
static void complete(void *self, const eddy_request *requests, size_t n, eddy_arena *arena,
                     eddy_reply *replies)
{
    struct model *m = self;
    if (atomic_fetch_add(&m->at_once, 1))
        atomic_fetch_add(&m->crowded, 1);
    nanosleep(&(struct timespec){0, m->wait_ms * 1000000L}, NULL);
    for (size_t i = 0; i < n; i++) {
        struct ed_bytes b;
        ed_bytes_init(&b, 0);
        ed_json_open(&b, '{');
        const char *at = requests[i].user.at;
        for (int q = 1; (at = strstr(at, "{\"text\":\"")) != NULL; q++) {
            char key[24];
            at += strlen("{\"text\":\"");
            snprintf(key, sizeof key, "Q%d", q);
            ed_json_key(&b, key);
            ed_bytes_printf(&b, "{\"keyphrases\":[\"%s\"]}", phrases_of(thing_of(at)));
            atomic_fetch_add(&m->documents, 1);
        }
        ed_json_close(&b, '}');
        const char *said = m->nonsense ? "I would rather not" : b.at;
        replies[i] =
            (eddy_reply){.status = EDDY_OK, .text = ed_arena_str(arena, said, strlen(said))};
        ed_bytes_clear(&b);
        atomic_fetch_add(&m->requests, 1);
    }
    atomic_fetch_sub(&m->at_once, 1);
}

/* Passes ask nothing: only keyphrases count. */
static struct ed_reason_options reason_by(struct model *m)
{
    struct ed_reason_options o = {.kind = ED_REASON_LLM, .interval_ms = 3600000};
    eddy_reason_options_init(&o.reason);
    o.reason.completer = (eddy_completer){m, complete};
    o.reason.questions_max = 0;
    return o;
}

static struct setup setup_with(const struct ed_reason_options *reason)
{
    struct setup s = setup_of(64, 2, 4);
    s.options.reason = reason;
    s.options.keyphrases = 1;
    s.options.keyphrases_ms = 10000;
    return s;
}

TEST(documents_that_share_no_word_meet_in_their_keyphrases)
{
    char stream[200];
    struct model m = {0};
    const struct ed_reason_options reason = reason_by(&m);
    write_documents(file_of("stream", "phrases", stream), 200, 0);

    struct setup without = setup_of(64, 2, 4);
    CHECK_OK(run(&without, stream, NULL, NULL), &without.err);
    check_account(&without.counts);
    assert_int_equal(without.counts.phrased + without.counts.unphrased, 0);

    struct setup with = setup_with(&reason);
    CHECK_OK(run(&with, stream, NULL, NULL), &with.err);
    check_account(&with.counts);
    assert_int_equal(with.counts.phrased, 200);
    assert_int_equal(with.counts.unphrased, 0);
    assert_int_equal(atomic_load(&m.documents), 200);
    assert_true(atomic_load(&m.requests) <= 200 / 4); /* several documents in each */
    assert_int_equal(atomic_load(&m.crowded), 0);     /* one asks for all */
    assert_int_equal(with.counts.reason.answered, 200);
    assert_true(without.counts.founded > 150);
    assert_true(with.counts.events_active <= 2 * THINGS);
}

TEST(documents_that_bring_their_keyphrases_are_not_asked_about)
{
    char stream[200];
    struct model m = {0};
    const struct ed_reason_options reason = reason_by(&m);
    write_documents(file_of("stream", "own", stream), 200, 1);
    for (int alone = 0; alone < 2; alone++) { /* with a model, and without anybody */
        struct setup s = setup_with(alone ? NULL : &reason);
        CHECK_OK(run(&s, stream, NULL, NULL), &s.err);
        assert_int_equal(s.counts.phrased, 200);
        assert_int_equal(atomic_load(&m.requests), 0);
        assert_true(s.counts.events_active <= 2 * THINGS);
    }
}

TEST(nonsense_and_empty_budgets_leave_documents_without_and_are_counted)
{
    char stream[200];
    write_documents(file_of("stream", "budget", stream), 100, 0);
    struct model m = {.nonsense = 1};
    struct ed_reason_options reason = reason_by(&m);
    struct setup s = setup_with(&reason);
    CHECK_OK(run(&s, stream, NULL, NULL), &s.err);
    check_account(&s.counts);
    assert_int_equal(s.counts.unphrased, 100);
    assert_true(atomic_load(&m.requests) > 0);

    m = (struct model){0};
    eddy_budget *budget = NULL;
    CHECK_OK(eddy_budget_new(&budget, NULL), &(eddy_error){0});
    reason.reason.calls_day = 2;
    reason.reason.budget = budget;
    s = setup_with(&reason);
    CHECK_OK(run(&s, stream, NULL, NULL), &s.err);
    check_account(&s.counts);
    assert_int_equal(atomic_load(&m.requests), 2);
    assert_int_equal(s.counts.phrased, 16);
    assert_int_equal(s.counts.unphrased, 84);
    assert_int_equal(s.counts.reason.over_budget, 84);
    CHECK_OK(run(&s, stream, NULL, NULL), &s.err); /* another pipeline, the same purse */
    assert_int_equal(atomic_load(&m.requests), 2);
    assert_int_equal(s.counts.phrased, 0);
    eddy_budget_free(budget);
}

/* ---- an endpoint that hangs ---- */

TEST(an_endpoint_that_hangs_holds_up_a_batch_for_its_time_and_no_longer)
{
    enum { WAIT_MS = 400 };
    char stream[200];
    struct scripted server;
    write_documents(file_of("stream", "hangs", stream), 300, 0);
    scripted_start(&server, "{\"do\": \"hang\", \"seconds\": 60}\n", NULL);
    struct ed_reason_options reason = reason_by(NULL);
    reason.reason.completer = (eddy_completer){0};
    ed_chat_options_init(&reason.chat);
    reason.chat.http.url = server.url;
    reason.chat.model = "scripted";
    struct setup s = setup_with(&reason);
    s.options.keyphrases_ms = WAIT_MS;
    int64_t began = ed_monotonic_ms();
    CHECK_OK(run(&s, stream, NULL, NULL), &s.err);
    int64_t took = ed_monotonic_ms() - began;
    check_account(&s.counts);
    assert_int_equal(s.counts.unphrased, 300);
    assert_true(s.counts.reason.failed > 0);
    /* After two askings for nothing nobody is asked for a while, and nothing waits any more. */
    if (took > (int64_t)(3 * WAIT_MS + 1500) * SLOW)
        fail_msg("took %lld ms", (long long)took);
    assert_true(scripted_count(&server) >= 1 && scripted_count(&server) <= 4);
    scripted_end(&server);
}

/* ---- the keyphraser itself ---- */

static void find(struct ed_keyphraser *k, size_t from, size_t n, int known)
{
    eddy_arena *arena = eddy_arena_new(0);
    eddy_str texts[64], found[64];
    char text[64][20];
    assert_true(n <= 64);
    for (size_t i = 0; i < n; i++) {
        char first[9];
        letters(from + i, first);
        snprintf(text[i], sizeof text[i], "%s and more", first);
        texts[i] = (eddy_str){text[i], strlen(text[i])};
    }
    ed_keyphraser_find(k, texts, n, arena, found);
    for (size_t i = 0; i < n; i++)
        if (!known)
            assert_int_equal(found[i].n, 0);
        else
            assert_string_equal(found[i].at, phrases_of(thing_of(text[i])));
    eddy_arena_free(arena);
}

TEST(an_answer_is_kept_whatever_it_was_asked_with)
{
    struct model m = {0};
    const struct ed_reason_options reason = reason_by(&m);
    struct ed_keyphraser *k = NULL;
    struct ed_reason_counts counts = {0};
    eddy_error err = {0};
    CHECK_OK(ed_keyphraser_new(&reason, 10000, &k, &err), &err);
    find(k, 0, 20, 1);
    assert_int_equal(atomic_load(&m.documents), 20);
    for (size_t i = 0; i < 20; i += 5)
        find(k, i, 5, 1); /* in other batches */
    find(k, 10, 20, 1);   /* ten of them are new */
    assert_int_equal(atomic_load(&m.documents), 30);
    ed_keyphraser_counts(k, &counts);
    assert_int_equal(counts.asked, 30);
    assert_int_equal(counts.answered, 60);
    ed_keyphraser_free(k);
}

TEST(who_asked_in_vain_is_spared_but_what_is_known_is_known)
{
    struct model m = {0};
    const struct ed_reason_options reason = reason_by(&m);
    struct ed_keyphraser *k = NULL;
    eddy_error err = {0};
    CHECK_OK(ed_keyphraser_new(&reason, 10000, &k, &err), &err);
    find(k, 0, 8, 1);
    m.nonsense = 1;
    find(k, 8, 1, 0);
    m.nonsense = 0;
    find(k, 8, 1, 1); /* once is no habit */
    m.nonsense = 1;
    find(k, 9, 1, 0);
    find(k, 9, 1, 0);
    m.nonsense = 0;
    int requests = atomic_load(&m.requests);
    find(k, 9, 1, 0); /* not asked for a while ... */
    find(k, 0, 9, 1); /* ... but kept answers are there */
    assert_int_equal(atomic_load(&m.requests), requests);
    ed_keyphraser_free(k);
}

struct asker {
    pthread_t thread;
    struct ed_keyphraser *k;
    size_t from;
};

static void *asker_main(void *p)
{
    struct asker *a = p;
    for (size_t round = 0; round < 6; round++)
        find(a->k, a->from + round * 7, 40, 1);
    return NULL;
}

TEST(many_ask_at_once_and_each_gets_his_own_answers)
{
    struct model m = {.wait_ms = 5};
    const struct ed_reason_options reason = reason_by(&m);
    struct ed_keyphraser *k = NULL;
    struct asker askers[8];
    eddy_error err = {0};
    CHECK_OK(ed_keyphraser_new(&reason, 10000, &k, &err), &err);
    for (size_t i = 0; i < 8; i++) {
        askers[i] = (struct asker){.k = k, .from = i * 30};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, asker_main, &askers[i]), 0);
    }
    for (size_t i = 0; i < 8; i++)
        pthread_join(askers[i].thread, NULL);
    assert_int_equal(atomic_load(&m.crowded), 0);
    ed_keyphraser_free(k);
}

TEST(who_is_stopped_goes_on_without_an_answer)
{
    struct scripted server;
    struct ed_keyphraser *k = NULL;
    eddy_error err = {0};
    struct ed_reason_options reason = reason_by(NULL);
    reason.reason.completer = (eddy_completer){0};
    ed_chat_options_init(&reason.chat);
    assert_int_equal(ed_keyphraser_new(&reason, 1000, &k, &err), EDDY_CONFIG); /* no URL */
    scripted_start(&server, "", NULL);
    reason.chat.http.url = server.url;
    reason.chat.model = "scripted";
    err = (eddy_error){0};
    CHECK_OK(ed_keyphraser_new(&reason, 60000, &k, &err), &err);
    ed_keyphraser_stop(k);
    find(k, 0, 30, 0);
    assert_int_equal(scripted_count(&server), 0);
    ed_keyphraser_free(k);
    scripted_end(&server);
}

TEST(a_keyphraser_survives_any_lost_allocation)
{
    struct model m = {0};
    const struct ed_reason_options reason = reason_by(&m);
    EACH_ALLOC_FAILS (i) {
        struct ed_keyphraser *k = NULL;
        eddy_status st = ed_keyphraser_new(&reason, 1000, &k, NULL);
        assert_true(st == EDDY_OK || (st == EDDY_NOMEM && !k));
        ed_keyphraser_free(k);
    }
}

/* ---- from a process that embeds to one with an engine ---- */

static void vector_fill(float *row, float first)
{
    for (size_t i = 0; i < DIM; i++)
        row[i] = first + (float)i;
}

/* The message of ED_VECTORS becomes an item again; *ret has its vectors. */
static eddy_status handed_over(const eddy_doc *doc, const eddy_raw *raw, size_t view, int with_them,
                               struct ed_batch *to, eddy_error *err)
{
    struct ed_epoch epoch;
    eddy_arena *arena = eddy_arena_new(0);
    eddy_embedder *embedder = NULL;
    ed_epoch_init(&epoch, arena);
    CHECK_OK(eddy_embedder_open(&(eddy_embedder_options){.model = "hash"}, &embedder, NULL),
             &(eddy_error){0});
    CHECK_OK(
        ed_publish_vector(&epoch, raw, doc, DIM, view, ed_pipeline_model(embedder, view != 0), err),
        err);
    const eddy_raw sent = {.bytes = epoch.messages[0].value.at,
                           .n = epoch.messages[0].value.n,
                           .position = {"vectors", 0, 0},
                           .headers = epoch.messages[0].headers,
                           .n_headers = epoch.messages[0].n_headers};
    ed_batch_reset(to);
    CHECK_OK(ed_batch_add(to, &sent, err), err);
    eddy_status st = ed_batch_vector(to, 0, DIM, ed_pipeline_model(embedder, with_them),
                                     with_them ? &to->items[0].doc.extra[0] : NULL, err);
    ed_epoch_clear(&epoch);
    eddy_arena_free(arena);
    eddy_embedder_free(embedder);
    return st;
}

TEST(a_vectors_message_carries_them_byte_for_byte)
{
    static float dense[DIM], phrases[DIM], forged[DIM];
    struct ed_batch *to = NULL;
    eddy_error err = {0};
    vector_fill(dense, 1);
    vector_fill(phrases, 1000);
    const eddy_header headers[] = {{ED_HEADER_PHRASES, {(const char *)forged, sizeof forged}}};
    eddy_raw raw = {
        .bytes = "x", .n = 1, .position = {"t", 0, 7}, .headers = headers, .n_headers = 1};
    eddy_doc doc = {.id = {"d", 1}, .dense = dense, .extra = {phrases}};
    CHECK_OK(ed_batch_new(1, 0, &to, &err), &err);
    CHECK_OK(handed_over(&doc, &raw, 1, 1, to, &err), &err);
    assert_memory_equal(to->items[0].doc.dense, dense, sizeof dense);
    assert_memory_equal(to->items[0].doc.extra[0], phrases, sizeof phrases);
    assert_int_equal(to->items[0].raw.position.offset, 7);

    doc.extra[0] = NULL; /* what a producer says himself does not stand in for it */
    CHECK_OK(handed_over(&doc, &raw, 1, 1, to, &err), &err);
    assert_null(to->items[0].doc.extra[0]);

    /* Only one side has them: told, not mixed. */
    assert_int_equal(handed_over(&doc, &raw, 1, 0, to, &err), EDDY_CONFIG);
    err = (eddy_error){0};
    assert_int_equal(handed_over(&doc, &raw, 0, 1, to, &err), EDDY_CONFIG);
    err = (eddy_error){0};
    CHECK_OK(handed_over(&doc, &raw, 0, 0, to, &err), &err);
    ed_batch_free(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_that_share_no_word_meet_in_their_keyphrases),
        cmocka_unit_test(documents_that_bring_their_keyphrases_are_not_asked_about),
        cmocka_unit_test(nonsense_and_empty_budgets_leave_documents_without_and_are_counted),
        cmocka_unit_test(an_endpoint_that_hangs_holds_up_a_batch_for_its_time_and_no_longer),
        cmocka_unit_test(an_answer_is_kept_whatever_it_was_asked_with),
        cmocka_unit_test(who_asked_in_vain_is_spared_but_what_is_known_is_known),
        cmocka_unit_test(many_ask_at_once_and_each_gets_his_own_answers),
        cmocka_unit_test(who_is_stopped_goes_on_without_an_answer),
        cmocka_unit_test(a_keyphraser_survives_any_lost_allocation),
        cmocka_unit_test(a_vectors_message_carries_them_byte_for_byte),
    };
    return cmocka_run_group_tests(tests, make_dir, dir_remove);
}
