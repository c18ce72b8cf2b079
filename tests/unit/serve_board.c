/* label: threads */
/* The published copy: what is put there is found there, what is over leaves, documents follow their
 * groups, and readers and writers do not disturb each other. */
#include "test.h"

#include "base/order.h"
#include "serve/board.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

struct feed {
    eddy_arena *arena;
    struct ed_epoch epoch;
};

static void feed_init(struct feed *f)
{
    f->arena = eddy_arena_new((size_t)64 << 20);
    assert_non_null(f->arena);
    ed_epoch_init(&f->epoch, f->arena);
}

static void feed_clear(struct feed *f)
{
    ed_epoch_clear(&f->epoch);
    eddy_arena_free(f->arena);
}

__attribute__((format(printf, 3, 4))) static void say(struct feed *f, enum ed_topic topic,
                                                      const char *format, ...)
{
    char text[2000];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct ed_message *m = ed_epoch_add(&f->epoch);
    assert_non_null(m);
    *m = (struct ed_message){.topic = topic, .value = ed_arena_str(f->arena, text, (size_t)n)};
}

static void event(struct feed *f, uint64_t id, int version, const char *state, double size)
{
    say(f, ED_EVENTS,
        "{\"id\":\"E%" PRIu64
        "\",\"version\":%d,\"state\":\"%s\",\"merged_into\":null,\"name\":\"N "
        "%" PRIu64 "\",\"topic\":\"T2\",\"theme\":null,\"size\":%g,\"indexes\":{\"silhouette\":%g,"
        "\"davies_bouldin\":null,\"compactness\":0.5,\"separation\":1,\"drift\":0},"
        "\"first_seen\":\"2031-05-14T08:30:00.000Z\",\"last_seen\":\"2031-05-14T08:30:01.500Z\"}",
        id, version, state, id, size, size / 100);
}

static void put(struct ed_board *b, struct feed *f, uint32_t shard)
{
    ed_board_put(b, shard, &f->epoch);
    ed_epoch_reset(&f->epoch);
    eddy_arena_reset(f->arena);
}

static struct ed_board *board_new(void)
{
    struct ed_board *b = NULL;
    eddy_error err = {0};
    CHECK_OK(ed_board_new(&b, &err), &err);
    return b;
}

static size_t count(struct ed_board *b, unsigned states)
{
    const struct ed_wanted wanted = {.states = states, .since_ms = INT64_MIN};
    const struct ed_picture **all = NULL;
    size_t n = 0;
    eddy_error err = {0};
    CHECK_OK(ed_board_gather(b, &wanted, &all, &n, &err), &err);
    for (size_t i = 0; i < n; i++)
        ed_picture_back(all[i]);
    ed_free(all);
    return n;
}

TEST(the_last_picture_of_an_event_is_the_one_that_is_found)
{
    struct feed f;
    struct ed_board *b = board_new();
    feed_init(&f);
    event(&f, 7, 1, "active", 3);
    event(&f, 8, 1, "active", 5);
    event(&f, 7, 2, "active", 4);
    say(&f, ED_EVENTS,
        "{\"id\":\"T2\",\"type\":\"topic\",\"version\":1,\"state\":\"active\",\"size\":9}");
    put(b, &f, 1);
    const struct ed_picture *p = ed_board_find(b, 7);
    assert_non_null(p);
    assert_int_equal(p->shard, 1);
    assert_true(p->facts.size == 4);
    assert_int_equal(p->facts.last_ms - p->facts.first_ms, 1500);
    assert_int_equal(p->facts.topic, ED_ID_TOPIC | 2);
    assert_true(isnan(p->facts.davies_bouldin) && p->facts.silhouette == 0.04);
    eddy_str words = ed_picture_words(p);
    assert_memory_equal(words.at, "n 7\n", 4);
    /* It stays what it is, whatever comes. */
    event(&f, 7, 3, "faded", 4);
    put(b, &f, 1);
    assert_int_equal(p->facts.state, EDDY_ACTIVE);
    ed_picture_back(p);
    assert_int_equal(count(b, 1u << EDDY_ACTIVE), 1);
    assert_int_equal(count(b, 1u << EDDY_STATE_FADED), 1);
    assert_null(ed_board_find(b, 9));
    struct ed_board_whole whole;
    ed_board_whole(b, 1, &whole);
    assert_int_equal(whole.active, 1);
    assert_int_equal(whole.faded, 1);
    assert_int_equal(whole.topics, 1);
    assert_true(whole.documents == 5 && whole.silhouette == 0.05 && whole.compactness == 0.5);
    assert_true(isnan(whole.davies_bouldin));
    ed_board_forget(b, 0);
    assert_int_equal(count(b, 7), 2);
    ed_board_forget(b, 1);
    assert_int_equal(count(b, 7), 0);
    feed_clear(&f);
    ed_board_free(b);
}

TEST(what_is_over_is_kept_for_a_while_and_not_for_ever)
{
    struct feed f;
    struct ed_board *b = board_new();
    feed_init(&f);
    for (uint64_t i = 1; i <= ED_BOARD_FADED + 100; i++) {
        event(&f, i, 1, "active", 1);
        event(&f, i, 2, "faded", 1);
        if (i % 256 == 0)
            put(b, &f, 0);
    }
    put(b, &f, 0);
    assert_int_equal(count(b, 1u << EDDY_STATE_FADED), ED_BOARD_FADED);
    assert_null(ed_board_find(b, 100));
    for (int i = 0; i < ED_BOARD_CHANGES + 10; i++) {
        say(&f, ED_CHANGES, "{\"id\":\"c%d\",\"kind\":\"born\",\"event\":\"E%d\"}", i, i + 1);
        if (i % 256 == 0)
            put(b, &f, 0);
    }
    put(b, &f, 0);
    const struct ed_told_change *c = ed_board_change(b, 1);
    assert_int_equal(c->number, 11);
    assert_int_equal(c->event, 11);
    ed_change_back(c);
    assert_null(ed_board_change(b, ED_BOARD_CHANGES + 11));
    assert_int_equal(ed_board_wait(b, 0, 0), ED_BOARD_CHANGES + 11);
    struct ed_board_left left;
    ed_board_left(b, &left);
    assert_int_equal(left.faded, 100);
    assert_int_equal(left.changes, 10);
    assert_int_equal(left.merged, 0);
    assert_int_equal(left.documents, 0);
    feed_clear(&f);
    ed_board_free(b);
}

static void document(struct feed *f, int i, int to, int group)
{
    say(f, ED_ASSIGNMENTS,
        "{\"id\":\"d%d\",\"event\":\"E%d\",\"group\":\"G%d\",\"founded\":false,\"similarity\":0.5,"
        "\"threshold\":0.4,\"position\":%d,\"time\":\"2031-05-14T08:30:00.000Z\","
        "\"source\":{\"topic\":\"a\",\"partition\":0,\"offset\":1}}",
        i, to, group, i);
}

/* The documents from..to-1, of event `to_event`, are from this source. */
static void from_source(struct feed *f, const char *source, int from, int to, int to_event)
{
    for (int i = from; i < to; i++) {
        document(f, i, to_event, to_event);
        f->epoch.messages[f->epoch.n_messages - 1].source =
            ed_arena_str(f->arena, source, strlen(source));
    }
}

static size_t members(struct ed_board *b, uint64_t id, char first[128])
{
    struct ed_board_document *list = NULL;
    size_t n = 0;
    eddy_error err = {0};
    CHECK_OK(ed_board_documents(b, id, 100, &list, &n, &err), &err);
    snprintf(first, 128, "%s", n ? list[0].id : "");
    ed_free(list);
    return n;
}

TEST(documents_are_where_their_groups_are)
{
    struct feed f;
    char first[128];
    struct ed_board *b = board_new();
    feed_init(&f);
    document(&f, 0, 1, 11);
    document(&f, 1, 1, 12);
    document(&f, 2, 2, 21);
    document(&f, 3, 3, 31);
    put(b, &f, 0);
    assert_int_equal(members(b, 1, first), 2);
    assert_string_equal(first, "d1");
    /* G12 is folded into G11, which moves to E2, which goes into E3. */
    say(&f, ED_CHANGES,
        "{\"kind\":\"folded\",\"event\":\"E1\",\"group\":\"G12\",\"into_group\":\"G11\"}");
    say(&f, ED_CHANGES, "{\"kind\":\"moved\",\"event\":\"E2\",\"other\":\"E1\",\"group\":\"G11\"}");
    put(b, &f, 0);
    assert_int_equal(members(b, 1, first), 0);
    assert_int_equal(members(b, 2, first), 3);
    say(&f, ED_CHANGES, "{\"kind\":\"merged\",\"event\":\"E2\",\"other\":\"E3\"}");
    put(b, &f, 0);
    assert_int_equal(members(b, 3, first), 4);
    /* One goes by itself; and what is folded into the documents says the same. */
    say(&f, ED_CHANGES,
        "{\"kind\":\"reassigned\",\"event\":\"E9\",\"other\":\"E3\",\"group\":\"G11\","
        "\"into_group\":\"G91\",\"document\":\"d1\",\"document_position\":1}");
    put(b, &f, 0);
    assert_int_equal(members(b, 9, first), 1);
    assert_string_equal(first, "d1");
    for (int i = 0; i < 4 * ED_BOARD_DOCUMENTS + 10; i++) {
        say(&f, ED_CHANGES,
            "{\"kind\":\"moved\",\"event\":\"E5\",\"other\":\"E6\",\"group\":\"G%d\"}", 1000 + i);
        if (i % 1024 == 0)
            put(b, &f, 0);
    }
    put(b, &f, 0);
    assert_int_equal(members(b, 3, first), 3);
    assert_int_equal(members(b, 9, first), 1);
    feed_clear(&f);
    ed_board_free(b);
}

TEST(sources_of_events_are_counted_and_the_many_small_ones_together)
{
    struct feed f;
    struct ed_board *b = board_new();
    struct ed_board_sources s[3];
    const uint64_t events[] = {2, 9, 1};
    size_t seen = 0;
    eddy_error err = {0};
    feed_init(&f);
    from_source(&f, "The Tide", 0, 3, 1);
    from_source(&f, "Harbour News", 3, 8, 1);
    for (int i = 0; i < 6; i++) {
        char name[2] = {(char)('a' + i), 0};
        from_source(&f, name, 10 + i, 11 + i, 1);
    }
    from_source(&f, "The Tide", 20, 22, 2);
    document(&f, 30, 2, 2); /* it does not say */
    put(b, &f, 0);
    CHECK_OK(ed_board_sources(b, events, 3, s, &seen, &err), &err);
    assert_int_equal(seen, 17);
    assert_int_equal(s[0].documents, 3);
    assert_int_equal(s[0].n, 1);
    assert_int_equal(s[0].others, 1);
    assert_int_equal(s[0].others_documents, 1);
    assert_int_equal(s[1].documents, 0);
    assert_int_equal(s[2].documents, 14);
    assert_int_equal(s[2].n, ED_SOURCES_TOLD);
    assert_int_equal(s[2].at[0].documents, 5);
    assert_memory_equal(s[2].at[0].name.at, "Harbour News", s[2].at[0].name.n);
    assert_int_equal(s[2].at[1].documents, 3);
    assert_int_equal(s[2].others, 4);
    assert_int_equal(s[2].others_documents, 4);
    /* They go where the event goes. */
    say(&f, ED_CHANGES, "{\"id\":\"c\",\"kind\":\"merged\",\"event\":\"E1\",\"other\":\"E2\"}");
    put(b, &f, 0);
    CHECK_OK(ed_board_sources(b, events, 1, s, &seen, &err), &err);
    assert_int_equal(s[0].documents, 17);
    assert_int_equal(s[0].at[1].documents, 5);
    ed_board_free(b);
    feed_clear(&f);
}

TEST(a_walk_over_json_reads_nothing_but_json)
{
    static const char text[] =
        "{\"id\":\"E12\",\"name\":\"a \\\"{[,\\\\\",\"n\":-1.5e3,\"list\":[1,[2,{}],\"x\"],"
        "\"o\":{\"k\":{\"a\":1}},\"last\":null}";
    eddy_str json = {text, sizeof text - 1}, key, value;
    size_t n = 0;
    assert_int_equal(ed_raw_id(ed_raw_find(json, "id")), 12);
    assert_true(ed_raw_number(ed_raw_find(json, "n")) == -1500);
    assert_true(isnan(ed_raw_number(ed_raw_find(json, "last"))));
    assert_int_equal(ed_raw_find(json, "none").n, 0);
    eddy_str name = ed_raw_text(ed_raw_find(json, "name"));
    assert_int_equal(name.n, strlen("a \\\"{[,\\\\"));
    for (size_t at = 0; ed_raw_item(ed_raw_find(json, "list"), &at, &value);)
        n++;
    assert_int_equal(n, 3);
    assert_true(ed_raw_number(ed_raw_find(ed_raw_find(ed_raw_find(json, "o"), "k"), "a")) == 1);
    /* Cut anywhere, it ends, within its bytes (which the sanitizers watch). */
    for (size_t cut = 0; cut < json.n; cut++) {
        char *piece = malloc(cut + 1);
        memcpy(piece, text, cut);
        size_t members_read = 0;
        for (size_t at = 0; ed_raw_member((eddy_str){piece, cut}, &at, &key, &value);)
            assert_true(++members_read <= 6);
        struct ed_facts facts;
        ed_facts_read((eddy_str){piece, cut}, &facts);
        free(piece);
    }
}

TEST(words_are_found_whatever_their_case)
{
    struct ed_bytes b;
    ed_bytes_init(&b, 0);
    ed_words_fold("ÄRGER in ÉVRY, ДЫМ 東京\xff", strlen("ÄRGER in ÉVRY, ДЫМ 東京") + 1, &b);
    assert_string_equal(b.at, "ärger in évry, дым 東京");
    ed_bytes_clear(&b);
}

/* ---- many at once ---- */

struct shared {
    struct ed_board *board;
    atomic_int done;
};

enum { ROUNDS = 400 };

static void *writer(void *p)
{
    struct shared *s = p;
    struct feed f;
    feed_init(&f);
    for (int i = 0; i < ROUNDS; i++) {
        for (uint64_t id = 1; id <= 20; id++)
            event(&f, id, i, i % 7 == 6 && id == 3 ? "faded" : "active", i + 1);
        say(&f, ED_CHANGES, "{\"id\":\"c%d\",\"kind\":\"grew\",\"event\":\"E1\"}", i);
        from_source(&f, "one", i, i + 1, 1 + i % 20);
        put(s->board, &f, 0);
    }
    feed_clear(&f);
    atomic_store(&s->done, 1);
    ed_board_wake(s->board);
    return NULL;
}

static void *reader(void *p)
{
    struct shared *s = p;
    uint64_t next = 1, seen = 0;
    while (!atomic_load(&s->done) || next <= ROUNDS) {
        const struct ed_told_change *c = ed_board_change(s->board, next);
        if (!c) {
            ed_board_wait(s->board, next, 10);
            continue;
        }
        assert_int_equal(c->number, next);
        next++;
        seen++;
        ed_change_back(c);
        const uint64_t one = 1;
        struct ed_board_sources sources;
        size_t looked;
        if (ed_board_sources(s->board, &one, 1, &sources, &looked, NULL) == EDDY_OK && sources.n)
            assert_memory_equal(sources.at[0].name.at, "one", 3);
        const struct ed_picture *picture = ed_board_find(s->board, 5);
        assert_int_equal(picture->json.at[picture->json.n - 1], '}');
        assert_int_equal(ed_picture_words(picture).n > 0, 1);
        ed_picture_back(picture);
        assert_true(count(s->board, 3) == 20);
    }
    assert_int_equal(seen, ROUNDS);
    return NULL;
}

TEST(readers_and_a_writer_do_not_disturb_each_other)
{
    struct shared s = {.board = board_new()};
    struct feed f;
    pthread_t threads[4];
    feed_init(&f);
    for (uint64_t id = 1; id <= 20; id++)
        event(&f, id, 0, "active", 1);
    put(s.board, &f, 0);
    feed_clear(&f);
    assert_int_equal(pthread_create(&threads[0], NULL, writer, &s), 0);
    for (int i = 1; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader, &s), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ed_board_free(s.board);
}

TEST(lost_memory_costs_pictures_and_nothing_else)
{
    struct feed f;
    feed_init(&f);
    event(&f, 1, 1, "active", 3);
    event(&f, 2, 1, "active", 3);
    say(&f, ED_CHANGES, "{\"kind\":\"merged\",\"event\":\"E2\",\"other\":\"E3\"}");
    document(&f, 3, 3, 31);
    EACH_ALLOC_FAILS (k) {
        struct ed_board *b = NULL;
        if (ed_board_new(&b, NULL) != EDDY_OK)
            continue;
        ed_board_put(b, 0, &f.epoch);
        const struct ed_picture *p = ed_board_find(b, 1);
        if (p)
            (void)ed_picture_words(p);
        ed_picture_back(p);
        ed_board_free(b);
    }
    feed_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_picture_of_an_event_is_the_one_that_is_found),
        cmocka_unit_test(what_is_over_is_kept_for_a_while_and_not_for_ever),
        cmocka_unit_test(documents_are_where_their_groups_are),
        cmocka_unit_test(sources_of_events_are_counted_and_the_many_small_ones_together),
        cmocka_unit_test(a_walk_over_json_reads_nothing_but_json),
        cmocka_unit_test(words_are_found_whatever_their_case),
        cmocka_unit_test(readers_and_a_writer_do_not_disturb_each_other),
        cmocka_unit_test(lost_memory_costs_pictures_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
