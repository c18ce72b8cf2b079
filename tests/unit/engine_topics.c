/* Topics and themes: sums of their leaves, stable ids, the same in any batches; descriptions of
 * events and topics, and that nothing of it changes what events do. */
#include "engine_operating.h"

/* Events of a few topics: directions of their own around that of their topic. */
static struct stream topical_make(uint64_t seed, size_t n, size_t topics, size_t each)
{
    struct stream s = stream_make(seed, n, topics * each, 1.0);
    for (size_t i = 0; i < n; i++) {
        float *x = s.vectors + i * STREAM_DIM;
        for (size_t d = 0; d < STREAM_DIM; d++) {
            uint64_t own = ed_mix64(s.gold[i] / each * 104729 + d);
            x[d] += (float)(((double)(own >> 11) * 0x1p-53 - 0.5) * 0.5);
        }
    }
    return s;
}

static eddy_engine_options topical_options(void)
{
    eddy_engine_options o = stream_options();
    o.repair_every = 100;
    return o;
}

/* What is told of topics, as text. */
static void tell_topics(struct ed_bytes *told, const eddy_clusterer *cl, size_t before)
{
    const eddy_topic *t;
    size_t n = eddy_clusterer_topic_pictures(cl, &t);
    for (size_t i = 0; i < n; i++) {
        ed_bytes_printf(told, "t %llu v%llu %d L%d %llu %llu %g %zu after %zu %.*s:",
                        (unsigned long long)t[i].id, (unsigned long long)t[i].version,
                        (int)t[i].state, t[i].level, (unsigned long long)t[i].parent,
                        (unsigned long long)t[i].merged_into, t[i].documents, t[i].n_events,
                        before + t[i].after, (int)t[i].name.n, t[i].name.at ? t[i].name.at : "");
        for (size_t k = 0; k < t[i].n_children; k++)
            ed_bytes_printf(told, " %llu", (unsigned long long)t[i].children[k]);
        ed_bytes_add_str(told, "\n");
    }
}

static void give(eddy_clusterer *cl, const struct stream *s, size_t from, size_t n)
{
    eddy_assignment *a = calloc(n + 1, sizeof *a);
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_assign(cl, s->rows + from, n, a, &err), &err);
    free(a);
}

static const eddy_topic *topics_of(const eddy_clusterer *cl, eddy_arena *arena, size_t *n)
{
    const eddy_topic *t;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_topics(cl, arena, &t, n, &err), &err);
    return t;
}

static const eddy_topic *topic_find(const eddy_topic *list, size_t n, uint64_t id)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].id == id)
            return &list[i];
    return NULL;
}

/* The tree as it is asked for is that of the events' pictures, and sums up. */
static void tree_holds(const eddy_clusterer *cl)
{
    eddy_arena *arena = eddy_arena_new(0);
    eddy_error err = {0};
    size_t n, n_events;
    const eddy_topic *t = topics_of(cl, arena, &n);
    const uint64_t *ids;
    CHECK_OK(eddy_clusterer_events(cl, arena, &ids, &n_events, &err), &err);
    double *docs = calloc(n + 1, sizeof *docs);
    size_t *leaves = calloc(n + 1, sizeof *leaves);
    for (size_t i = 0; i < n_events; i++) {
        eddy_event e;
        CHECK_OK(eddy_clusterer_event(cl, ids[i], arena, &e, &err), &err);
        const eddy_topic *topic = topic_find(t, n, e.topic);
        assert_true(!e.topic || (topic && topic->level == 1 && topic->parent == e.theme));
        assert_true(e.topic || !e.theme);
        const eddy_topic *theme = topic_find(t, n, e.theme);
        assert_true(!e.theme || (theme && theme->level == 2 && !theme->parent));
        const eddy_topic *both[] = {topic, theme};
        for (size_t k = 0; k < 2; k++)
            if (both[k]) {
                docs[both[k] - t] += e.size;
                leaves[both[k] - t]++;
            }
    }
    for (size_t i = 0; i < n; i++) {
        assert_true(EDDY_IS_TOPIC(t[i].id) && (!i || t[i - 1].id < t[i].id));
        assert_true(t[i].documents == docs[i] && t[i].n_events == leaves[i]);
        assert_true(t[i].level == 2 || t[i].n_children == t[i].n_events);
    }
    free(docs);
    free(leaves);
    eddy_arena_free(arena);
}

TEST(events_gather_in_the_topics_that_there_are)
{
    struct stream s = topical_make(test_seed(), 4000, 6, 8);
    eddy_engine_options o = topical_options();
    eddy_clusterer *cl = clusterer_new(&o);
    uint64_t *topic_of_gold = calloc(48, sizeof *topic_of_gold);
    give(cl, &s, 0, s.n);
    eddy_assignment a[200];
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_assign(cl, s.rows, 200, a, &err), &err);
    size_t right = 0, all = 0;
    for (size_t i = 0; i < 200; i++) {
        uint32_t slot = ed_event_slot(cl, a[i].event);
        for (size_t j = 0; j < i; j++) {
            uint32_t other = ed_event_slot(cl, a[j].event);
            int same = cl->events[slot].topic && cl->events[slot].topic == cl->events[other].topic;
            right += same == (s.gold[i] / 8 == s.gold[j] / 8);
            all++;
        }
    }
    printf("%zu of %zu pairs\n", right, all);
    assert_true((double)right > 0.9 * (double)all);
    tree_holds(cl);
    eddy_engine_stats st;
    eddy_clusterer_stats(cl, &st);
    assert_true(st.topics >= 6 && st.topics < st.events_active);
    free(topic_of_gold);
    eddy_clusterer_free(cl);
    stream_free(&s);
}

/* What was told last of each is how the tree stands; versions rise; ids are never reused. */
TEST(what_is_told_of_topics_adds_up_to_the_tree)
{
    struct stream s = topical_make(test_seed() + 1, 9000, 8, 10);
    size_t kept = 0; /* half of the topics first, then the others */
    for (size_t i = 0; i < s.n; i++)
        if ((s.gold[i] < 40) == (i < s.n / 2))
            s.rows[kept++] = s.rows[i];
    s.n = kept / 50 * 50;
    eddy_engine_options o = topical_options();
    o.fade_ms = 400000;
    eddy_clusterer *cl = clusterer_new(&o);
    enum { MOST = 4000 };
    struct {
        uint64_t version, parent;
        eddy_event_state state;
        size_t n_children;
    } *last = calloc(MOST, sizeof *last);
    uint64_t merged = 0, faded = 0;
    for (size_t i = 0; i < s.n; i += 50) {
        const eddy_topic *t;
        give(cl, &s, i, 50);
        size_t n = eddy_clusterer_topic_pictures(cl, &t);
        for (size_t k = 0; k < n; k++) {
            uint64_t number = EDDY_TOPIC_NUMBER(t[k].id);
            assert_true(number < MOST && t[k].version > last[number].version);
            assert_true(last[number].state == EDDY_ACTIVE); /* not after its end */
            last[number].version = t[k].version;
            last[number].parent = t[k].parent;
            last[number].state = t[k].state;
            last[number].n_children = t[k].n_children;
            merged += t[k].state == EDDY_STATE_MERGED;
            faded += t[k].state == EDDY_STATE_FADED;
        }
        if (i % 500)
            continue;
        eddy_error err = {0};
        CHECK_OK(eddy_clusterer_flush(cl, &err), &err);
        n = eddy_clusterer_topic_pictures(cl, &t);
        for (size_t k = 0; k < n; k++) {
            uint64_t number = EDDY_TOPIC_NUMBER(t[k].id);
            last[number].version = t[k].version;
            last[number].parent = t[k].parent;
            last[number].state = t[k].state;
            last[number].n_children = t[k].n_children;
        }
        eddy_arena *arena = eddy_arena_new(0);
        const eddy_topic *now = topics_of(cl, arena, &n);
        size_t active = 0;
        for (size_t k = 0; k < MOST; k++)
            active += last[k].version && last[k].state == EDDY_ACTIVE;
        assert_int_equal(active, n);
        for (size_t k = 0; k < n; k++) {
            uint64_t number = EDDY_TOPIC_NUMBER(now[k].id);
            assert_true(last[number].version == now[k].version &&
                        last[number].parent == now[k].parent &&
                        last[number].n_children == now[k].n_children);
        }
        eddy_arena_free(arena);
        tree_holds(cl);
    }
    printf("%llu topics: %llu merged, %llu faded\n", (unsigned long long)cl->topics.next - 1,
           (unsigned long long)merged, (unsigned long long)faded);
    assert_true(merged && faded);
    free(last);
    eddy_clusterer_free(cl);
    stream_free(&s);
}

TEST(topics_are_the_same_in_any_batches_and_after_a_load)
{
    struct stream s = topical_make(test_seed() + 2, 3000, 6, 10);
    const size_t batch[] = {1, 37, 250, 3000};
    for (int mode = EDDY_TOPICS_DIRECT; mode <= EDDY_TOPICS_DESCRIPTION; mode++) {
        eddy_engine_options o = topical_options();
        o.topics = (eddy_topics)mode;
        struct ed_bytes told[4];
        for (size_t way = 0; way < 4; way++) {
            struct kept kept = {0};
            size_t pictures = 0;
            eddy_clusterer *cl = clusterer_new(&o);
            ed_bytes_init(&told[way], 0);
            for (size_t i = 0; i < s.n; i += batch[way]) {
                const eddy_event *p;
                give(cl, &s, i, batch[way] < s.n - i ? batch[way] : s.n - i);
                tell_topics(&told[way], cl, pictures);
                pictures += eddy_clusterer_pictures(cl, &p);
                if (way != 1)
                    continue;
                record(cl, &kept, NULL);
                if (i / batch[way] % 9 == 0) {
                    eddy_clusterer_free(cl);
                    cl = kept_load(&kept, &o, i);
                }
            }
            assert_true(told[way].n > 100);
            assert_string_equal(told[way].at, told[0].at);
            kept_clear(&kept);
            eddy_clusterer_free(cl);
        }
        for (size_t way = 0; way < 4; way++)
            ed_bytes_clear(&told[way]);
    }
    stream_free(&s);
}

/* Assignments and changes, whatever the topics. */
TEST(topics_do_not_change_what_events_do)
{
    struct stream s = topical_make(test_seed() + 3, 3000, 6, 10);
    struct ed_bytes told[3];
    for (int mode = EDDY_TOPICS_OFF; mode <= EDDY_TOPICS_DESCRIPTION; mode++) {
        eddy_engine_options o = topical_options();
        o.topics = (eddy_topics)mode;
        eddy_clusterer *cl = clusterer_new(&o);
        ed_bytes_init(&told[mode], 0);
        for (size_t i = 0; i < s.n; i += 100) {
            eddy_assignment a[100];
            eddy_error err = {0};
            CHECK_OK(eddy_clusterer_assign(cl, s.rows + i, 100, a, &err), &err);
            tell_answers(&told[mode], a, 100);
            tell_changes(&told[mode], cl);
        }
        eddy_arena *arena = eddy_arena_new(0);
        size_t n;
        topics_of(cl, arena, &n);
        assert_true((n > 0) == (mode != EDDY_TOPICS_OFF));
        assert_string_equal(told[mode].at, told[0].at);
        eddy_arena_free(arena);
        eddy_clusterer_free(cl);
    }
    for (int mode = 0; mode < 3; mode++)
        ed_bytes_clear(&told[mode]);
    stream_free(&s);
}

/* ---- descriptions ---- */

static eddy_event event_of(const eddy_clusterer *cl, uint64_t id, eddy_arena *arena)
{
    eddy_event e;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_event(cl, id, arena, &e, &err), &err);
    return e;
}

static eddy_operation description(eddy_actor actor, uint64_t event, const char *name,
                                  const char *summary, const char *category)
{
    return (eddy_operation){.kind = EDDY_OPERATION_DESCRIBE,
                            .actor = actor,
                            .event = event,
                            .name = {name, strlen(name)},
                            .summary = {summary, strlen(summary)},
                            .category = {category, strlen(category)}};
}

TEST(a_description_of_higher_rank_stands_and_an_undo_takes_it_back)
{
    struct stream s = topical_make(test_seed() + 4, 1000, 4, 4);
    eddy_engine_options o = topical_options();
    eddy_clusterer *cl = clusterer_new(&o);
    give(cl, &s, 0, s.n);
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_change *c;
    uint64_t id = cl->events[0].id;
    eddy_operation op = description(EDDY_STATISTICS, id, "s", "by statistics", "kind");
    op.vector = s.vectors;
    eddy_outcome first = apply(cl, op);
    assert_true(!first.refusal && first.event == id);
    assert_int_equal(eddy_clusterer_changes(cl, &c), 1);
    assert_string_equal(eddy_change_name(c[0].kind), "described");
    eddy_operation by_llm = description(EDDY_LLM, id, "", "by llm", "");
    eddy_outcome second = apply(cl, by_llm);
    eddy_event e = event_of(cl, id, arena);
    assert_string_equal(e.name.at, "s");
    assert_string_equal(e.summary.at, "by llm");
    assert_string_equal(e.category.at, "kind"); /* what is empty stays */
    assert_true(e.named_by == EDDY_STATISTICS && e.described_by == EDDY_LLM);
    assert_null(cl->events[0].given->vector); /* that of another summary */
    assert_int_equal(apply(cl, description(EDDY_STATISTICS, id, "", "x", "")).refusal,
                     EDDY_REFUSED_FORBIDDEN);
    assert_int_equal(apply(cl, description(EDDY_STATISTICS, id, "t", "x", "")).refusal,
                     EDDY_APPLIED); /* the name alone */
    assert_string_equal(event_of(cl, id, arena).summary.at, "by llm");
    eddy_operation stale = by_llm;
    stale.event_version = cl->events[0].version + 1;
    assert_int_equal(apply(cl, stale).refusal, EDDY_REFUSED_STALE);
    eddy_operation undo = {.kind = EDDY_OPERATION_UNDO, .actor = EDDY_LLM, .undo = second.number};
    assert_int_equal(apply(cl, undo).refusal, EDDY_APPLIED);
    e = event_of(cl, id, arena);
    assert_string_equal(e.summary.at, "by statistics");
    assert_memory_equal(cl->events[0].given->vector, s.vectors, STREAM_DIM * sizeof(float));
    assert_string_equal(e.name.at, "t");
    assert_int_equal(first.number, 0); /* statistics will say it again: it takes no place */
    undo.undo = first.number;
    assert_int_equal(apply(cl, undo).refusal, EDDY_REFUSED_GONE);
    apply(cl, (eddy_operation){.kind = EDDY_OPERATION_PIN, .actor = EDDY_PERSON, .event = id});
    assert_int_equal(apply(cl, by_llm).refusal, EDDY_REFUSED_PINNED);
    eddy_arena_free(arena);
    eddy_clusterer_free(cl);
    stream_free(&s);
}

TEST(the_event_that_lives_on_keeps_its_description_or_takes_the_others)
{
    struct stream s = topical_make(test_seed() + 5, 1000, 4, 4);
    for (int both = 0; both < 2; both++) {
        eddy_engine_options o = topical_options();
        eddy_clusterer *cl = clusterer_new(&o);
        give(cl, &s, 0, s.n);
        eddy_arena *arena = eddy_arena_new(0);
        uint64_t a = 0, b = 0;
        for (uint32_t e = 0; e < cl->slots.n; e++)
            if (cl->events[e].id) {
                a = b;
                b = cl->events[e].id;
            }
        apply(cl, description(EDDY_LLM, a, "a", "of a", ""));
        if (both)
            apply(cl, description(EDDY_LLM, b, "b", "of b", ""));
        eddy_outcome out = apply(
            cl, (eddy_operation){
                    .kind = EDDY_OPERATION_MERGE, .actor = EDDY_PERSON, .event = a, .other = b});
        assert_string_equal(event_of(cl, b, arena).summary.at, both ? "of b" : "of a");
        out = apply(cl, (eddy_operation){
                            .kind = EDDY_OPERATION_UNDO, .actor = EDDY_PERSON, .undo = out.number});
        assert_int_equal(out.refusal, EDDY_APPLIED);
        assert_string_equal(event_of(cl, out.event, arena).summary.at, "of a");
        assert_string_equal(event_of(cl, b, arena).summary.at, both ? "of b" : "");
        eddy_arena_free(arena);
        eddy_clusterer_free(cl);
    }
    stream_free(&s);
}

TEST(topics_are_described_as_events_are)
{
    struct stream s = topical_make(test_seed() + 6, 2000, 4, 6);
    eddy_engine_options o = topical_options();
    eddy_clusterer *cl = clusterer_new(&o);
    struct kept kept = {0};
    give(cl, &s, 0, 1000);
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_topic *t, *told;
    const eddy_change *c;
    size_t n;
    t = topics_of(cl, arena, &n);
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        at = t[i].documents > t[at].documents ? i : at;
    uint64_t id = t[at].id;
    eddy_outcome out = apply(cl, description(EDDY_LLM, id, "a topic", "what it is", "kind"));
    assert_true(!out.refusal && out.event == id);
    assert_int_equal(eddy_clusterer_changes(cl, &c), 0);
    assert_int_equal(eddy_clusterer_topic_pictures(cl, &told), 1);
    assert_string_equal(told[0].name.at, "a topic");
    assert_string_equal(told[0].description.at, "what it is");
    assert_true(told[0].id == id && told[0].version == t[at].version + 1);
    record(cl, &kept, NULL);
    eddy_clusterer *again = kept_load(&kept, &o, 1);
    same_step(cl, again, s.rows + 1000, 1000);
    same_records(cl, again, &kept);
    t = topics_of(again, arena, &n);
    assert_string_equal(topic_find(t, n, id)->name.at, "a topic");
    out =
        apply(again,
              (eddy_operation){.kind = EDDY_OPERATION_UNDO, .actor = EDDY_LLM, .undo = out.number});
    assert_int_equal(out.refusal, EDDY_APPLIED);
    assert_int_equal(eddy_clusterer_changes(again, &c), 1);
    assert_true(c[0].kind == EDDY_UNDONE && c[0].event == id);
    t = topics_of(again, arena, &n);
    assert_true(topic_find(t, n, id)->named_by == EDDY_ONLINE);
    assert_int_equal(apply(again, description(EDDY_LLM, EDDY_TOPIC_ID(9999), "x", "", "")).refusal,
                     EDDY_REFUSED_GONE);
    eddy_clusterer_free(again);
    kept_clear(&kept);
    eddy_arena_free(arena);
    eddy_clusterer_free(cl);
    stream_free(&s);
}

/* Two halves of events that look alike, and are said to be about two things. */
TEST(descriptions_decide_where_they_are_asked)
{
    struct stream s = topical_make(test_seed() + 7, 2000, 1, 24);
    eddy_engine_options o = topical_options();
    o.topics = EDDY_TOPICS_DESCRIPTION;
    eddy_clusterer *cl = clusterer_new(&o);
    give(cl, &s, 0, 1000);
    float vector[2][STREAM_DIM] = {{0}};
    vector[0][0] = vector[1][1] = 1;
    for (uint32_t e = 0; e < cl->slots.n; e++) {
        eddy_operation op = description(EDDY_LLM, cl->events[e].id, "", "what", "");
        op.vector = vector[cl->events[e].id % 2];
        if (op.event)
            assert_int_equal(apply(cl, op).refusal, EDDY_APPLIED);
    }
    give(cl, &s, 1000, 1000);
    for (uint32_t e = 0; e < cl->slots.n; e++)
        for (uint32_t f = 0; f < e; f++) {
            const struct ed_event_state *x = &cl->events[e], *y = &cl->events[f];
            if (x->id && y->id && x->given && y->given && x->topic && x->topic == y->topic)
                assert_int_equal(x->id % 2, y->id % 2);
        }
    tree_holds(cl);
    eddy_clusterer_free(cl);
    stream_free(&s);
}

TEST(an_event_shows_how_it_looks_from_inside_and_who_is_like_it)
{
    struct stream s = stream_make(test_seed() + 8, 400, 3, 0.6);
    eddy_engine_options o = topical_options();
    o.threshold = 0.3;
    eddy_clusterer *cl = clusterer_new(&o);
    give(cl, &s, 0, s.n);
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_event_indexes *of;
    eddy_indexes whole;
    size_t n;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_indexes(cl, arena, &of, &n, &whole, &err), &err);
    if (n < 2 || n > EDDY_SIMILAR + 1) /* all of them are held against each other */
        fail_msg("%zu events", n);
    eddy_operation link = {.kind = EDDY_OPERATION_LINK,
                           .actor = EDDY_PERSON,
                           .event = of[0].id,
                           .other = of[1].id,
                           .strength = -1};
    assert_int_equal(apply(cl, link).refusal, EDDY_APPLIED);
    for (size_t i = 0; i < n; i++) {
        cl->events[ed_event_slot(cl, of[i].id)].indexed = 0; /* what was kept may be older */
        eddy_event e = event_of(cl, of[i].id, arena);
        assert_memory_equal(&e.indexes, &of[i], sizeof of[i]);
        assert_int_equal(e.n_similar, n - 1 < EDDY_SIMILAR ? n - 1 : EDDY_SIMILAR);
        for (uint32_t k = 0; k < e.n_similar; k++) {
            uint32_t a = ed_event_slot(cl, e.id), b = ed_event_slot(cl, e.similar[k].event);
            assert_true(e.similar[k].similarity == (float)ed_event_similarity(cl, a, b));
            assert_true(!k || e.similar[k].similarity <= e.similar[k - 1].similarity);
            int linked = e.id + e.similar[k].event == of[0].id + of[1].id &&
                         (e.id == of[0].id || e.id == of[1].id);
            assert_true((e.similar[k].link < 0) == linked);
        }
    }
    eddy_arena_free(arena);
    eddy_clusterer_free(cl);
    stream_free(&s);
}

TEST(a_pass_with_topics_survives_any_lost_allocation)
{
    struct stream s = topical_make(test_seed() + 9, 400, 3, 5);
    eddy_engine_options o = topical_options();
    size_t lost = 0;
    EACH_ALLOC_FAILS (k) {
        eddy_clusterer *cl = NULL;
        eddy_assignment a[400];
        eddy_status st = eddy_clusterer_new(&o, &cl, NULL);
        if (st == EDDY_OK)
            st = eddy_clusterer_assign(cl, s.rows, s.n, a, NULL);
        assert_true(st == EDDY_OK || st == EDDY_NOMEM);
        lost += st == EDDY_NOMEM;
        eddy_clusterer_free(cl);
    }
    assert_true(lost > 100);
    stream_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_gather_in_the_topics_that_there_are),
        cmocka_unit_test(what_is_told_of_topics_adds_up_to_the_tree),
        cmocka_unit_test(topics_are_the_same_in_any_batches_and_after_a_load),
        cmocka_unit_test(topics_do_not_change_what_events_do),
        cmocka_unit_test(a_description_of_higher_rank_stands_and_an_undo_takes_it_back),
        cmocka_unit_test(the_event_that_lives_on_keeps_its_description_or_takes_the_others),
        cmocka_unit_test(topics_are_described_as_events_are),
        cmocka_unit_test(descriptions_decide_where_they_are_asked),
        cmocka_unit_test(an_event_shows_how_it_looks_from_inside_and_who_is_like_it),
        cmocka_unit_test(a_pass_with_topics_survives_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
