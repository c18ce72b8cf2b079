/* Signals in the clusterer: they are the same whatever the batches, through saving and loading, and
 * where events merge and split; sightings find their group. */
#include "engine_operating.h"

#include "engine/signals.h"

#define MINUTE INT64_C(60000)
#define AXES   STREAM_DIM

/* Documents along axes are no events of each other. */
struct scene {
    eddy_engine_options o;
    eddy_clusterer *cl;
    uint64_t group[AXES];
    size_t n[EDDY_TREND + 1];
    eddy_change last[EDDY_TREND + 1];
    size_t pictures;
    int64_t now;
};

static void axis_set(float x[STREAM_DIM], size_t axis)
{
    memset(x, 0, STREAM_DIM * sizeof *x);
    x[axis] = 1;
}

static void scene_take(struct scene *s)
{
    const eddy_change *c;
    const eddy_event *p;
    size_t n = eddy_clusterer_changes(s->cl, &c);
    for (size_t i = 0; i < n; i++) {
        s->n[c[i].kind < EDDY_BURST ? 0 : c[i].kind]++;
        s->last[c[i].kind < EDDY_BURST ? 0 : c[i].kind] = c[i];
    }
    s->pictures += eddy_clusterer_pictures(s->cl, &p);
}

static eddy_assignment document(struct scene *s, size_t axis, int64_t time_ms)
{
    float x[STREAM_DIM];
    eddy_assignment a;
    eddy_error err = {0};
    axis_set(x, axis);
    eddy_row row = {.dense = x, .time_ms = time_ms, .id = {"id", 2}, .title = {"a title", 7}};
    CHECK_OK(eddy_clusterer_assign(s->cl, &row, 1, &a, &err), &err);
    scene_take(s);
    return a;
}

static void scene_new(struct scene *s, size_t axes)
{
    memset(s, 0, sizeof *s);
    s->o = stream_options();
    s->o.terms_dim = 0;
    s->o.dense_weight = 1;
    s->o.threshold = 0.5;
    s->o.false_alarms = 2.0 * 2 * 1440 / 1e5;
    s->cl = clusterer_new(&s->o);
    for (size_t i = 0; i < axes; i++)
        s->group[i] = document(s, i, 0).group;
}

static void seen(struct scene *s, size_t axis, uint64_t n)
{
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_seen(s->cl, s->group[axis], n, s->now, &err), &err);
    scene_take(s);
}

/* So many minutes in which the first events are seen so often. */
static void minutes(struct scene *s, int many, const uint64_t *often, size_t axes)
{
    for (int i = 0; i < many; i++) {
        s->now += MINUTE;
        for (size_t k = 0; k < axes; k++)
            if (often[k])
                seen(s, k, often[k]);
    }
}

static eddy_event picture(struct scene *s, uint64_t id, eddy_arena *arena)
{
    eddy_event e;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_event(s->cl, id, arena, &e, &err), &err);
    return e;
}

TEST(a_burst_is_told_at_a_border_and_its_end)
{
    struct scene s;
    eddy_arena *arena = eddy_arena_new(0);
    eddy_engine_stats stats;
    scene_new(&s, 2);
    minutes(&s, 300, (uint64_t[]){5, 5}, 2);
    size_t before = s.pictures;
    int64_t began = s.now + MINUTE;
    minutes(&s, 4, (uint64_t[]){60, 5}, 2);
    assert_int_equal(s.n[EDDY_BURST], 1);
    const eddy_change *c = &s.last[EDDY_BURST];
    assert_true(c->event == 1 && c->start_ms == began && c->incident == 1 && c->observed >= 60);
    assert_true(c->position == 2 && c->actor == EDDY_ONLINE && s.pictures > before);
    assert_true(c->time_ms % MINUTE == 0 && c->statistic >= 1e5);
    eddy_event e = picture(&s, 1, arena);
    assert_true(e.signal == EDDY_SIGNAL_BURST && e.signal_ms == began && e.incident == 1);
    assert_true(e.seen == 1 + 300 * 5 + 4 * 60 && e.size == 1 && e.last_ms == s.now);
    minutes(&s, 5, (uint64_t[]){5, 5}, 2);
    assert_true(s.n[EDDY_BURST_ENDED] == 1 && s.last[EDDY_BURST_ENDED].incident == 1);
    e = picture(&s, 1, arena);
    assert_true(e.signal == EDDY_SIGNAL_NONE && !e.incident);
    eddy_clusterer_stats(s.cl, &stats);
    assert_true(stats.bursts == 1 && stats.quiets == 0 &&
                stats.sightings == 305 * 5 + 240 + 309 * 5);
    eddy_arena_free(arena);
    eddy_clusterer_free(s.cl);
}

TEST(bursts_that_begin_together_are_one_incident)
{
    struct scene s;
    scene_new(&s, 3);
    minutes(&s, 300, (uint64_t[]){5, 5, 5}, 3);
    minutes(&s, 2, (uint64_t[]){60, 5, 5}, 3);
    minutes(&s, 3, (uint64_t[]){60, 60, 5}, 3);
    assert_true(s.n[EDDY_BURST] == 2 && s.last[EDDY_BURST].event == 2);
    assert_int_equal(s.last[EDDY_BURST].incident, 1);
    minutes(&s, 10, (uint64_t[]){60, 60, 5}, 3);
    minutes(&s, 3, (uint64_t[]){60, 60, 60}, 3);
    assert_true(s.n[EDDY_BURST] == 3 && s.last[EDDY_BURST].incident == 2);
    eddy_clusterer_free(s.cl);
}

TEST(silence_is_told_and_not_where_all_is_silent)
{
    struct scene s;
    scene_new(&s, 2);
    minutes(&s, 1500, (uint64_t[]){3, 3}, 2);
    s.now += 1000 * MINUTE; /* nothing comes at all */
    minutes(&s, 5, (uint64_t[]){3, 3}, 2);
    assert_int_equal(s.n[EDDY_QUIET] + s.n[EDDY_BURST], 0);
    minutes(&s, 1500, (uint64_t[]){3, 3}, 2);
    minutes(&s, 100, (uint64_t[]){0, 3}, 2);
    assert_int_equal(s.n[EDDY_QUIET], 0); /* it was silent for longer, though nobody was heard */
    eddy_clusterer_free(s.cl);
    scene_new(&s, 2);
    minutes(&s, 1500, (uint64_t[]){3, 3}, 2);
    int64_t since = s.now + MINUTE;
    minutes(&s, 60, (uint64_t[]){0, 3}, 2);
    assert_true(s.n[EDDY_QUIET] == 1 && s.last[EDDY_QUIET].event == 1);
    assert_true(s.last[EDDY_QUIET].start_ms == since && s.last[EDDY_QUIET].observed == 0);
    minutes(&s, 3, (uint64_t[]){3, 3}, 2);
    assert_int_equal(s.n[EDDY_QUIET_ENDED], 1);
    eddy_clusterer_free(s.cl);
}

TEST(off_is_off_but_sightings_count)
{
    struct scene s;
    eddy_arena *arena = eddy_arena_new(0);
    scene_new(&s, 1);
    eddy_clusterer_free(s.cl);
    s.o.false_alarms = 0;
    s.cl = clusterer_new(&s.o);
    s.group[0] = document(&s, 0, 0).group;
    minutes(&s, 300, (uint64_t[]){5}, 1);
    minutes(&s, 5, (uint64_t[]){500}, 1);
    assert_int_equal(s.n[EDDY_BURST], 0);
    assert_true(picture(&s, 1, arena).seen == 1 + 1500 + 2500);
    struct kept kept = {0};
    record(s.cl, &kept, NULL);
    eddy_clusterer *again = kept_load(&kept, &s.o, 3);
    assert_true(eddy_clusterer_hash(again) == eddy_clusterer_hash(s.cl));
    eddy_clusterer_free(again);
    kept_clear(&kept);
    eddy_arena_free(arena);
    eddy_clusterer_free(s.cl);
}

/* Pictures of an event that is only seen: as many as its sightings grow by an eighth. */
TEST(pictures_of_what_is_seen_are_few)
{
    struct scene s;
    scene_new(&s, 1);
    minutes(&s, 4000, (uint64_t[]){10}, 1);
    assert_true(s.pictures > 20 && s.pictures < 80);
    eddy_clusterer_free(s.cl);
}

TEST(what_is_seen_does_not_fade)
{
    struct scene s;
    scene_new(&s, 2);
    for (int day = 0; day < 20; day++) {
        s.now += 1440 * MINUTE;
        seen(&s, 0, 1);
    }
    for (size_t i = 0; i < 40; i++)
        document(&s, 5, s.now);
    assert_true(eddy_clusterer_group_event(s.cl, s.group[0], NULL) == 1);
    uint64_t group = 7;
    assert_true(eddy_clusterer_group_event(s.cl, s.group[1], &group) == 0 && group == 0);
    eddy_error err = {0};
    assert_int_equal(eddy_clusterer_seen(s.cl, s.group[1], 1, s.now, &err), EDDY_INVALID);
    assert_int_equal(eddy_clusterer_seen(s.cl, 0, 1, s.now, &err), EDDY_INVALID);
    assert_int_equal(eddy_clusterer_seen(s.cl, 999, 1, s.now, &err), EDDY_INVALID);
    assert_int_equal(eddy_clusterer_seen(s.cl, s.group[0], 0, s.now, &err), EDDY_INVALID);
    assert_int_equal(eddy_clusterer_seen(s.cl, s.group[0], 1, INT64_MAX, &err), EDDY_INVALID);
    eddy_clusterer_free(s.cl);
}

static eddy_operation merge(uint64_t event, uint64_t other)
{
    return (eddy_operation){
        .kind = EDDY_OPERATION_MERGE, .actor = EDDY_PERSON, .event = event, .other = other};
}

/* All that an event has goes into another, and out again: nothing is told, rates add. */
TEST(a_merge_and_its_undo_tell_nothing)
{
    struct scene s;
    eddy_arena *arena = eddy_arena_new(0);
    scene_new(&s, 3);
    minutes(&s, 4000, (uint64_t[]){2, 20, 1}, 3);
    assert_int_equal(s.n[EDDY_BURST] + s.n[EDDY_QUIET] + s.n[EDDY_TREND], 0);
    eddy_outcome out = done(s.cl, merge(2, 1));
    assert_true(picture(&s, 1, arena).seen == 2 + 4000 * 22);
    assert_int_equal(eddy_clusterer_group_event(s.cl, s.group[1], NULL), 1);
    minutes(&s, 1000, (uint64_t[]){2, 20, 1}, 3);
    done(s.cl,
         (eddy_operation){.kind = EDDY_OPERATION_UNDO, .actor = EDDY_PERSON, .undo = out.number});
    assert_true(eddy_clusterer_group_event(s.cl, s.group[1], NULL) == 4);
    assert_true(picture(&s, 4, arena).seen == 1 + 5000 * 20);
    minutes(&s, 2000, (uint64_t[]){2, 20, 1}, 3);
    assert_int_equal(s.n[EDDY_BURST] + s.n[EDDY_QUIET] + s.n[EDDY_TREND], 0);
    eddy_arena_free(arena);
    eddy_clusterer_free(s.cl);
}

TEST(a_burst_outlives_a_merge)
{
    struct scene s;
    scene_new(&s, 3);
    minutes(&s, 300, (uint64_t[]){5, 5, 1}, 3);
    minutes(&s, 5, (uint64_t[]){5, 60, 1}, 3);
    assert_true(s.n[EDDY_BURST] == 1 && s.last[EDDY_BURST].event == 2);
    done(s.cl, merge(2, 1));
    minutes(&s, 5, (uint64_t[]){5, 60, 1}, 3);
    assert_true(s.n[EDDY_BURST] == 1 && !s.n[EDDY_BURST_ENDED]);
    minutes(&s, 5, (uint64_t[]){5, 5, 1}, 3);
    assert_true(s.n[EDDY_BURST_ENDED] == 1 && s.last[EDDY_BURST_ENDED].event == 1);
    assert_int_equal(s.last[EDDY_BURST_ENDED].incident, 1);
    eddy_clusterer_free(s.cl);
}

/* A stream of documents, some of which are seen again and again. */
struct mixed {
    struct stream s;
    eddy_engine_options o;
    uint64_t *group; /* (s.n) as assigned */
};

static void mixed_new(struct mixed *m, uint64_t seed, size_t n)
{
    m->s = stream_make(seed, n, 20, 1.2);
    m->o = stream_options();
    m->o.detail = 2;
    m->o.fade_ms = INT64_C(600) * MINUTE;
    m->o.false_alarms = 500;
    m->group = calloc(n, sizeof *m->group);
    int64_t now = 0;
    for (size_t i = 0; i < n; i++) {
        now += (int64_t)(test_random(&seed) % 2 * MINUTE);
        if (test_random(&seed) % 500 == 0)
            now += 700 * MINUTE;
        m->s.rows[i].time_ms = now - (int64_t)(test_random(&seed) % (3 * MINUTE));
    }
}

static void mixed_free(struct mixed *m)
{
    stream_free(&m->s);
    free(m->group);
}

/* Changes and pictures, each in order: between them there is none that batches keep. */
struct told {
    struct ed_bytes changes, pictures;
};

static void told_init(struct told *told)
{
    ed_bytes_init(&told->changes, 0);
    ed_bytes_init(&told->pictures, 0);
}

static void told_clear(struct told *told)
{
    ed_bytes_clear(&told->changes);
    ed_bytes_clear(&told->pictures);
}

static void tell_both(struct told *told, const eddy_clusterer *cl)
{
    const eddy_change *c;
    const eddy_event *p;
    size_t n = eddy_clusterer_changes(cl, &c);
    for (size_t i = 0; i < n; i++)
        ed_bytes_printf(&told->changes, "%s %llu %llu %llu %g %lld %lld %a %a %a %llu\n",
                        eddy_change_name(c[i].kind), (unsigned long long)c[i].position,
                        (unsigned long long)c[i].event, (unsigned long long)c[i].other,
                        c[i].size_after, (long long)c[i].time_ms, (long long)c[i].start_ms,
                        c[i].observed, c[i].expected, c[i].statistic,
                        (unsigned long long)c[i].incident);
    n = eddy_clusterer_pictures(cl, &p);
    for (size_t i = 0; i < n; i++)
        ed_bytes_printf(&told->pictures, "%llu v%llu %g %d %lld %llu %lld\n",
                        (unsigned long long)p[i].id, (unsigned long long)p[i].version, p[i].seen,
                        (int)p[i].signal, (long long)p[i].signal_ms,
                        (unsigned long long)p[i].incident, (long long)p[i].last_ms);
}

/* Documents from `from` to `to` in batches; after every tenth, sightings of one that came before. A
 * group that went with its event is not seen. */
static void mixed_run(struct mixed *m, eddy_clusterer *cl, size_t from, size_t to, size_t batch,
                      struct told *told)
{
    eddy_assignment a[64];
    eddy_error err = {0};
    for (size_t i = from; i < to;) {
        size_t n = batch < 10 - i % 10 ? batch : 10 - i % 10;
        n = n < to - i ? n : to - i;
        CHECK_OK(eddy_clusterer_assign(cl, m->s.rows + i, n, a, &err), &err);
        tell_both(told, cl);
        for (size_t k = 0; k < n; k++)
            m->group[i + k] = a[k].group;
        i += n;
        uint64_t dice = i * 77;
        for (int k = 0; k < 5 && i % 10 == 0; k++) {
            size_t of = (size_t)(test_random(&dice) % i);
            uint64_t often = 1 + test_random(&dice) % (dice % 40 == 0 ? 200 : 3);
            if (eddy_clusterer_seen(cl, m->group[of], often, m->s.rows[i - 1].time_ms, &err) ==
                EDDY_OK)
                tell_both(told, cl);
        }
    }
}

TEST(batches_do_not_show)
{
    struct mixed m;
    mixed_new(&m, 31, 6000);
    struct told told[3];
    uint64_t hash[3];
    for (int i = 0; i < 3; i++) {
        eddy_clusterer *cl = clusterer_new(&m.o);
        struct kept kept = {0};
        told_init(&told[i]);
        mixed_run(&m, cl, 0, m.s.n, (size_t[]){1, 3, 10}[i], &told[i]);
        record(cl, &kept, NULL);
        hash[i] = eddy_clusterer_hash(cl);
        eddy_engine_stats stats;
        eddy_clusterer_stats(cl, &stats);
        if (!i)
            printf("%llu bursts, %llu silences, %llu trends, %llu folds\n",
                   (unsigned long long)stats.bursts, (unsigned long long)stats.quiets,
                   (unsigned long long)stats.trends, (unsigned long long)cl->folds.n);
        assert_true(stats.bursts > 3 && cl->folds.n > 10);
        kept_clear(&kept);
        eddy_clusterer_free(cl);
    }
    for (int i = 1; i < 3; i++) {
        assert_true(hash[i] == hash[0]);
        assert_string_equal(told[i].changes.at, told[0].changes.at);
        assert_string_equal(told[i].pictures.at, told[0].pictures.at);
    }
    for (int i = 0; i < 3; i++)
        told_clear(&told[i]);
    mixed_free(&m);
}

/* One goes through all of it; another is saved, loaded and goes on, over and over. */
TEST(saved_and_loaded_it_goes_on)
{
    struct mixed m;
    mixed_new(&m, 47, 4000);
    struct told whole, parts;
    struct kept kept = {0};
    told_init(&whole);
    told_init(&parts);
    eddy_clusterer *cl = clusterer_new(&m.o);
    eddy_clusterer *part = clusterer_new(&m.o);
    for (size_t i = 0; i < m.s.n; i += 170) {
        size_t to = i + 170 < m.s.n ? i + 170 : m.s.n;
        mixed_run(&m, cl, i, to, 7, &whole);
        mixed_run(&m, part, i, to, 5, &parts);
        record(part, &kept, NULL);
        eddy_clusterer_free(part);
        part = kept_load(&kept, &m.o, i);
        assert_true(ed_state_hash(part) == ed_state_hash(cl));
        assert_true(eddy_clusterer_hash(part) == ed_state_hash(cl));
    }
    assert_true(cl->stats.bursts > 1 && cl->stats.bursts == part->stats.bursts);
    eddy_clusterer_free(cl);
    eddy_clusterer_free(part);
    told_clear(&whole);
    told_clear(&parts);
    kept_clear(&kept);
    mixed_free(&m);
}

/* Every group that ever was is found in the event that its documents are in, or is gone. */
TEST(groups_are_found_through_folds_and_moves)
{
    struct mixed m;
    mixed_new(&m, 5, 5000);
    struct told told;
    told_init(&told);
    eddy_clusterer *cl = clusterer_new(&m.o);
    mixed_run(&m, cl, 0, m.s.n, 10, &told);
    size_t found = 0, folded = 0;
    for (size_t i = 0; i < m.s.n; i++) {
        uint64_t now = 0;
        uint64_t event = eddy_clusterer_group_event(cl, m.group[i], &now);
        uint32_t slot = ed_window_slot(cl, i);
        if (slot != NONE) {
            uint32_t u = ed_window_group(cl, slot);
            assert_true(event == (u == NONE ? 0 : cl->events[cl->groups[u].event].id));
            assert_true(now == (u == NONE ? 0 : cl->groups[u].id));
            found++;
        }
        folded += event && now != m.group[i];
    }
    printf("%zu in the window, %zu folded\n", found, folded);
    assert_true(found > 1000 && folded > 100);
    told_clear(&told);
    eddy_clusterer_free(cl);
    mixed_free(&m);
}

/* The only document of a group is reassigned: what is seen of it goes with it. */
TEST(a_reassigned_document_takes_its_sightings_along)
{
    struct scene s;
    eddy_arena *arena = eddy_arena_new(0);
    scene_new(&s, 2);
    s.now = MINUTE;
    seen(&s, 0, 5);
    done(s.cl, (eddy_operation){.kind = EDDY_OPERATION_REASSIGN,
                                .actor = EDDY_PERSON,
                                .event = 1,
                                .other = 2,
                                .position = 0});
    uint64_t now = 0;
    assert_int_equal(eddy_clusterer_group_event(s.cl, s.group[0], &now), 2);
    assert_true(now && now != s.group[0]);
    assert_true(picture(&s, 2, arena).seen == 2 + 5);
    seen(&s, 0, 1);
    assert_true(picture(&s, 2, arena).seen == 2 + 6);
    struct kept kept = {0};
    record(s.cl, &kept, NULL);
    eddy_clusterer *again = kept_load(&kept, &s.o, 3);
    assert_int_equal(eddy_clusterer_group_event(again, s.group[0], NULL), 2);
    eddy_clusterer_free(again);
    kept_clear(&kept);
    eddy_arena_free(arena);
    eddy_clusterer_free(s.cl);
}

/* What an event with sightings alone writes: neither its own record nor its group's. */
TEST(sightings_write_little)
{
    struct scene s;
    scene_new(&s, 8);
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_record *r;
    size_t n, bytes = 0;
    eddy_error err = {0};
    minutes(&s, 2000, (uint64_t[]){9, 8, 7, 6, 5, 4, 3, 2}, 8);
    CHECK_OK(eddy_clusterer_records(s.cl, arena, &r, &n, &err), &err);
    for (size_t k = 0; k < 8; k++)
        seen(&s, k, 1);
    CHECK_OK(eddy_clusterer_records(s.cl, arena, &r, &n, &err), &err);
    for (size_t i = 1; i < n; i++) {
        assert_int_equal(r[i].key >> ED_NUMBER_BITS, ED_SEEN);
        bytes += r[i].value.n;
    }
    assert_true(n == 9 && bytes <= 8 * 24);
    eddy_arena_free(arena);
    eddy_clusterer_free(s.cl);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_told_at_a_border_and_its_end),
        cmocka_unit_test(bursts_that_begin_together_are_one_incident),
        cmocka_unit_test(silence_is_told_and_not_where_all_is_silent),
        cmocka_unit_test(off_is_off_but_sightings_count),
        cmocka_unit_test(pictures_of_what_is_seen_are_few),
        cmocka_unit_test(what_is_seen_does_not_fade),
        cmocka_unit_test(a_merge_and_its_undo_tell_nothing),
        cmocka_unit_test(a_burst_outlives_a_merge),
        cmocka_unit_test(batches_do_not_show),
        cmocka_unit_test(saved_and_loaded_it_goes_on),
        cmocka_unit_test(groups_are_found_through_folds_and_moves),
        cmocka_unit_test(a_reassigned_document_takes_its_sightings_along),
        cmocka_unit_test(sightings_write_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
