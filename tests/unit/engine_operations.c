/* Operations: what reasoners and people decide is done when its premise holds, undone when asked,
 * heeded by repair, and state like everything else. */
#include "engine_operating.h"

/* ---- help ---- */

static eddy_event picture_of(const eddy_clusterer *cl, uint64_t id, eddy_arena *arena)
{
    eddy_event event;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_event(cl, id, arena, &event, &err), &err);
    return event;
}

/* Some event of at least so many groups and documents, not `but`; 0: none. */
static uint64_t some_event(const eddy_clusterer *cl, uint64_t *seed, uint32_t groups, uint64_t but)
{
    uint32_t from = cl->slots.n ? (uint32_t)(test_random(seed) % cl->slots.n) : 0;
    for (uint32_t i = 0; i < cl->slots.n; i++) {
        const struct ed_event_state *ev = &cl->events[(from + i) % cl->slots.n];
        if (ev->id && ev->id != but && ev->n_groups >= groups)
            return ev->id;
    }
    return 0;
}

static uint64_t version_of(const eddy_clusterer *cl, uint64_t id)
{
    uint32_t slot = ed_event_slot(cl, id);
    return slot == NONE ? 1 : cl->events[slot].version;
}

/* Of the groups of an answer and the rest of their event, as a doubt tells it. */
static double halves_similarity(const eddy_clusterer *cl, const eddy_operation *op)
{
    const struct ed_event_state *ev = &cl->events[ed_event_slot(cl, op->event)];
    double weight[2] = {0, 0};
    double dot = 0;
    for (uint32_t i = 0; i < ev->n_groups; i++) {
        int in[2] = {0, 0};
        for (uint32_t j = 0; j < ev->n_groups; j++) {
            in[0] = in[1] = 0;
            for (size_t k = 0; k < op->n_groups; k++) {
                in[0] |= cl->groups[ev->groups[i]].id == op->groups[k];
                in[1] |= cl->groups[ev->groups[j]].id == op->groups[k];
            }
            if (in[0] && !in[1])
                dot += ed_dot(ed_group_sum(cl, ev->groups[i]), ed_group_sum(cl, ev->groups[j]),
                              cl->stride);
        }
        weight[in[0]] += cl->groups[ev->groups[i]].weight;
    }
    return dot / (weight[0] * weight[1]) - ed_threshold_off(cl, fmax(weight[0], weight[1]));
}

static const char *const evidence = "they say so";

/* An operation on what there is, mostly one that could be applied. */
static eddy_operation random_operation(const eddy_clusterer *cl, uint64_t *seed, eddy_arena *arena)
{
    uint64_t dice = test_random(seed);
    eddy_operation op = {.kind = (eddy_operation_kind)(dice % EDDY_OPERATION_REASSIGN),
                         .actor = (eddy_actor)(1 + dice / 16 % 3),
                         .same = (int)(dice >> 36 & 1),
                         .error = (1 + (double)(dice >> 44 & 31)) / 66,
                         .evidence = {evidence, strlen(evidence)},
                         .name = {"a given name", 5 + dice / 32 % 7},
                         .summary = {"what is said of it", dice >> 20 & 15},
                         .category = {"a category", dice >> 24 & 7},
                         .strength = (double)(dice / 512 % 9) - 4.5};
    int whole = op.kind == EDDY_OPERATION_ANSWER && (dice >> 37 & 1);
    int groups = op.kind == EDDY_OPERATION_SPLIT || op.kind == EDDY_OPERATION_MOVE || whole;
    op.event = some_event(cl, seed, op.kind == EDDY_OPERATION_SPLIT || whole ? 2 : 1, 0);
    for (uint32_t e = 0; e < cl->slots.n && op.kind == EDDY_OPERATION_UNPIN; e++)
        op.event = cl->events[e].id && ed_pinned(cl, e) ? cl->events[e].id : op.event;
    op.other = some_event(cl, seed, 1, op.event);
    op.undo = 1 + test_random(seed) % (cl->next_operation + 1);
    if (dice >> 40 & 1 && cl->next_operation > 1)
        op.undo = cl->next_operation - 1;
    op.event_version = version_of(cl, op.event) + (dice >> 50) % 16 / 15;
    op.other_version = version_of(cl, op.other) + (dice >> 54) % 16 / 15;
    eddy_error err = {0};
    size_t n = 0;
    if (groups && op.event) {
        CHECK_OK(eddy_clusterer_groups(cl, op.event, arena, &op.groups, &n, &err), &err);
        op.n_groups = 1 + (size_t)(test_random(seed) % n);
        if (op.kind != EDDY_OPERATION_MOVE && op.n_groups == n && n > 1)
            op.n_groups--;
    }
    if (op.kind == EDDY_OPERATION_ANSWER && op.event && op.other)
        op.similarity =
            whole ? halves_similarity(cl, &op) : shown_similarity(cl, op.event, op.other);
    op.other = whole ? 0 : op.other;
    return op;
}

static void tell_operation(struct ed_bytes *told, const eddy_clusterer *cl, const eddy_outcome *out)
{
    const eddy_change *c;
    size_t n = eddy_clusterer_changes(cl, &c);
    ed_bytes_printf(told, "o %s %llu %llu\n", eddy_refusal_name(out->refusal),
                    (unsigned long long)out->number, (unsigned long long)out->event);
    tell_all(told, cl);
    for (size_t i = 0; i < n; i++)
        ed_bytes_printf(told, "%s %llu %s\n", eddy_actor_name(c[i].actor),
                        (unsigned long long)c[i].operation, c[i].evidence.at);
}

/* ---- properties ---- */

static void any_sequence(int shape, uint64_t seed, size_t n)
{
    struct shape x;
    struct kept kept = {0};
    double faded = 0;
    size_t kinds[EDDY_OPERATION_REASSIGN + 1] = {0};
    shape_make(&x, shape, seed, n);
    eddy_clusterer *cl = clusterer_new(&x.o);
    eddy_clusterer *twin = clusterer_new(&x.o);
    for (size_t i = 0; i < n;) {
        size_t m = 1 + (size_t)(test_random(&seed) % 60);
        m = m < n - i ? m : n - i;
        same_step(cl, twin, x.s.rows + i, m);
        i += m;
        faded += faded_now(cl);
        for (size_t k = test_random(&seed) % 4; k > 0; k--) {
            struct ed_bytes told[2];
            ed_bytes_init(&told[0], 0);
            ed_bytes_init(&told[1], 0);
            eddy_arena *arena = eddy_arena_new(0);
            eddy_operation op = random_operation(cl, &seed, arena);
            uint64_t hash = ed_state_hash(cl);
            if (op.event && (op.other || op.n_groups)) {
                eddy_outcome a = apply(cl, op);
                eddy_outcome b = apply(twin, op);
                assert_true((a.refusal != EDDY_APPLIED) == (ed_state_hash(cl) == hash));
                tell_operation(&told[0], cl, &a);
                tell_operation(&told[1], twin, &b);
                assert_string_equal(told[0].at, told[1].at);
                kinds[op.kind] += a.refusal == EDDY_APPLIED;
                mass_is_kept(cl, faded);
            }
            ed_bytes_clear(&told[0]);
            ed_bytes_clear(&told[1]);
            eddy_arena_free(arena);
        }
        uint64_t dice = test_random(&seed);
        if (dice % 3)
            same_records(cl, twin, &kept);
        if (dice % 3 && dice / 3 % 5 == 0) {
            eddy_clusterer_free(twin);
            twin = kept_load(&kept, &x.o, seed);
            assert_true(eddy_clusterer_hash(twin) == eddy_clusterer_hash(cl));
            assert_true(ed_state_hash(twin) == eddy_clusterer_hash(cl));
        }
        mass_is_kept(cl, faded);
    }
    eddy_engine_stats st;
    eddy_clusterer_stats(cl, &st);
    printf("%-10s: applied %llu (", shape_names[shape], (unsigned long long)st.operations);
    for (size_t k = 0; k <= EDDY_OPERATION_ANSWER; k++) {
        printf("%s%zu", k ? " " : "", kinds[k]);
        assert_true(kinds[k] > 0);
    }
    assert_true(kinds[EDDY_OPERATION_DESCRIBE] > 0);
    printf(" %zu), refused", kinds[EDDY_OPERATION_DESCRIBE]);
    for (size_t k = 1; k < EDDY_REFUSALS; k++)
        printf(" %s %llu", eddy_refusal_name((eddy_refusal)k), (unsigned long long)st.refused[k]);
    printf("\n");
    eddy_clusterer_free(cl);
    eddy_clusterer_free(twin);
    kept_clear(&kept);
    stream_free(&x.s);
}

TEST(any_sequence_keeps_the_mass_and_goes_on_after_a_load)
{
    uint64_t seed = test_seed() + 21;
    for (int shape = 0; shape < SHAPES; shape++)
        any_sequence(shape, seed + 100 * (uint64_t)shape, 3000);
}

/* What events there are, whatever their ids: of each, a hash of its groups, name and pin. */
static uint64_t partition(const eddy_clusterer *cl)
{
    uint64_t all = 0;
    for (uint32_t e = 0; e < cl->slots.n; e++) {
        const struct ed_event_state *ev = &cl->events[e];
        uint64_t own = 0;
        if (!ev->id)
            continue;
        for (uint32_t i = 0; i < ev->n_groups; i++)
            own += ed_mix64(cl->groups[ev->groups[i]].id);
        if (ev->given) {
            own = ed_fnv1a(own + (uint64_t)ev->given->pinned_by, ev->given->name, ev->given->n);
            own = ed_fnv1a(own, ev->given->summary, ev->given->n_summary);
            own = ed_fnv1a(own, ev->given->category, ev->given->n_category);
        }
        all += ed_mix64(own);
    }
    return all;
}

TEST(the_undo_of_the_last_operation_restores_the_events)
{
    uint64_t seed = test_seed() + 22;
    size_t undone[EDDY_OPERATION_REASSIGN] = {0};
    for (int shape = 0; shape < SHAPES; shape++) {
        struct shape x;
        shape_make(&x, shape, seed, 2000);
        x.o.detail = 64; /* nothing folds */
        eddy_clusterer *cl = clusterer_new(&x.o);
        eddy_assignment a[40];
        eddy_error err = {0};
        for (size_t i = 0; i < 2000; i += 40) {
            CHECK_OK(eddy_clusterer_assign(cl, x.s.rows + i, 40, a, &err), &err);
            for (int k = 0; k < 4; k++) {
                eddy_arena *arena = eddy_arena_new(0);
                eddy_operation op = random_operation(cl, &seed, arena);
                uint64_t before = partition(cl);
                uint32_t links = cl->links.n;
                if (op.event && (op.other || op.n_groups) && op.kind != EDDY_OPERATION_UNDO) {
                    eddy_outcome out = apply(cl, op);
                    assert_true(
                        out.refusal != EDDY_APPLIED || op.kind == EDDY_OPERATION_LINK ||
                        partition(cl) != before || op.kind == EDDY_OPERATION_PIN ||
                        op.kind == EDDY_OPERATION_UNPIN || op.kind == EDDY_OPERATION_ANSWER ||
                        op.kind == EDDY_OPERATION_RENAME || op.kind == EDDY_OPERATION_DESCRIBE ||
                        op.kind == EDDY_OPERATION_MOVE);
                    if (!out.refusal && out.number && test_random(&seed) % 4) {
                        done(cl, (eddy_operation){.kind = EDDY_OPERATION_UNDO,
                                                  .actor = op.actor,
                                                  .undo = out.number});
                        assert_true(partition(cl) == before);
                        assert_true(
                            (op.kind != EDDY_OPERATION_LINK && op.kind != EDDY_OPERATION_ANSWER) ||
                            cl->links.n == links);
                        undone[op.kind]++;
                    }
                }
                eddy_arena_free(arena);
            }
        }
        eddy_clusterer_free(cl);
        stream_free(&x.s);
    }
    for (size_t k = 0; k < EDDY_OPERATION_REASSIGN; k++) {
        printf("%zu%s", undone[k], k + 1 < EDDY_OPERATION_REASSIGN ? ", " : " undone\n");
        assert_true(undone[k] > 2 || k == EDDY_OPERATION_UNDO);
    }
}

/* ---- what holds afterwards ---- */

/* A stream of few events, after n documents. */
static eddy_clusterer *started(struct shape *x, size_t n)
{
    shape_make(x, PLAIN, 5, 6000);
    stream_free(&x->s);
    x->s = stream_make(5, 6000, 6, 1.2);
    x->o = stream_options();
    x->o.fade_ms = 0;
    eddy_clusterer *cl = clusterer_new(&x->o);
    eddy_assignment *a = calloc(n, sizeof *a);
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_assign(cl, x->s.rows, n, a, &err), &err);
    free(a);
    return cl;
}

/* The largest event, and the second (1), and so on. */
static uint64_t largest(const eddy_clusterer *cl, size_t rank)
{
    double below = 1e18;
    uint64_t id = 0;
    for (size_t r = 0; r <= rank; r++) {
        double most = -1;
        for (uint32_t e = 0; e < cl->slots.n; e++)
            if (cl->events[e].id && cl->events[e].docs < below && cl->events[e].docs > most) {
                most = cl->events[e].docs;
                id = cl->events[e].id;
            }
        below = most;
    }
    return id;
}

/* The rest of the stream; none of these kinds may be told of the event by the engine itself. */
static void goes_on_without(eddy_clusterer *cl, const struct shape *x, size_t from, uint64_t event,
                            uint64_t other, uint32_t kinds)
{
    eddy_assignment a[100];
    eddy_error err = {0};
    for (size_t i = from; i + 100 <= x->s.n; i += 100) {
        const eddy_change *c;
        CHECK_OK(eddy_clusterer_assign(cl, x->s.rows + i, 100, a, &err), &err);
        size_t n = eddy_clusterer_changes(cl, &c);
        for (size_t k = 0; k < n; k++) {
            int ours = c[k].event == event || c[k].other == event;
            int both = !other || c[k].event == other || c[k].other == other;
            assert_int_equal(c[k].actor, EDDY_ONLINE);
            if (ours && both && kinds >> c[k].kind & 1)
                fail_msg("%s of %llu", eddy_change_name(c[k].kind), (unsigned long long)event);
        }
    }
}

TEST(what_a_person_merged_stays_together)
{
    struct shape x;
    eddy_clusterer *cl = started(&x, 1000);
    uint64_t a = largest(cl, 0);
    uint64_t b = largest(cl, 1);
    eddy_arena *arena = eddy_arena_new(0);
    double size_a = picture_of(cl, a, arena).size;
    double size_b = picture_of(cl, b, arena).size;
    eddy_operation merge = {.kind = EDDY_OPERATION_MERGE, .event = b, .other = a};
    merge.actor = EDDY_LLM;
    merge.event_version = version_of(cl, b);
    merge.other_version = version_of(cl, a);
    refused(cl, merge, EDDY_REFUSED_INCOHESIVE);
    merge.actor = EDDY_PERSON;
    eddy_outcome out = done(cl, merge);
    assert_true(out.event == a && eddy_clusterer_where(cl, b) == a);
    refused(cl, merge, EDDY_REFUSED_GONE);
    goes_on_without(cl, &x, 1000, a, 0, 1u << EDDY_SPLIT | 1u << EDDY_MOVED);
    double both = picture_of(cl, a, arena).size;
    const uint64_t *groups;
    size_t n;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_groups(cl, a, arena, &groups, &n, &err), &err);
    eddy_operation split = {.kind = EDDY_OPERATION_SPLIT, .actor = EDDY_LLM, .event = a};
    split.event_version = version_of(cl, a);
    split.groups = groups;
    split.n_groups = 1;
    refused(cl, split, EDDY_REFUSED_FORBIDDEN);
    eddy_operation undo = {.kind = EDDY_OPERATION_UNDO, .actor = EDDY_LLM, .undo = out.number};
    refused(cl, undo, EDDY_REFUSED_FORBIDDEN);
    undo.actor = EDDY_PERSON; /* five thousand documents and twenty passes later */
    uint64_t again = done(cl, undo).event;
    assert_true(again > b && picture_of(cl, again, arena).parent == a);
    assert_true(eddy_clusterer_where(cl, b) == a);
    double small = picture_of(cl, again, arena).size;
    double rest = picture_of(cl, a, arena).size;
    assert_true(small >= size_b && rest >= size_a &&
                small + rest == both); /* nothing folded across */
    refused(cl, undo, EDDY_REFUSED_STALE);
    eddy_arena_free(arena);
    eddy_clusterer_free(cl);
    stream_free(&x.s);
}

/* Two kinds of the same documents are one event by a person's word alone. Without it each has its
 * own kind again, and with that the documents that come: also after a load, and where the event
 * that went is made anew because all its groups were moved. */
TEST(what_a_person_had_put_together_of_two_kinds_is_of_two_kinds_again)
{
    enum { FIRST = 40, THEN = 8 };
    eddy_engine_options o = stream_options();
    for (int moved = 0; moved < 2; moved++) {
        struct stream s = stream_make(31, FIRST + THEN, 1, 0.5);
        eddy_clusterer *cl = clusterer_new(&o);
        eddy_arena *arena = eddy_arena_new(0);
        eddy_assignment a[FIRST];
        eddy_error err = {0};
        struct kept kept = {0};
        for (size_t i = 0; i < s.n; i++)
            s.rows[i].kind = i % 2 ? 7 : 0;
        CHECK_OK(eddy_clusterer_assign(cl, s.rows, FIRST, a, &err), &err);
        eddy_operation op = {.kind = moved ? EDDY_OPERATION_MOVE : EDDY_OPERATION_MERGE,
                             .actor = EDDY_PERSON,
                             .event = eddy_clusterer_group_event(cl, a[1].group, NULL),
                             .other = eddy_clusterer_group_event(cl, a[0].group, NULL)};
        assert_true(op.event != op.other);
        if (moved)
            CHECK_OK(eddy_clusterer_groups(cl, op.event, arena, &op.groups, &op.n_groups, &err),
                     &err);
        eddy_operation undo = {.kind = EDDY_OPERATION_UNDO, .actor = EDDY_PERSON};
        undo.undo = done(cl, op).number;
        assert_true(eddy_clusterer_where(cl, op.event) == op.other);
        record(cl, &kept, NULL);
        eddy_clusterer *both[] = {cl, kept_load(&kept, &o, 1)};
        for (size_t k = 0; k < 2; k++) {
            uint64_t again = done(both[k], undo).event;
            assert_true(again && again != op.other);
            CHECK_OK(eddy_clusterer_assign(both[k], s.rows + FIRST, THEN, a, &err), &err);
            for (size_t i = 0; i < THEN; i++)
                assert_true(a[i].event == (i % 2 ? again : op.other));
        }
        assert_true(eddy_clusterer_hash(both[0]) == eddy_clusterer_hash(both[1]));
        record(cl, &kept, NULL);
        eddy_clusterer_free(both[1]);
        eddy_clusterer_free(cl);
        kept_clear(&kept);
        eddy_arena_free(arena);
        stream_free(&s);
    }
}

/* One event, cut through the middle. */
TEST(what_a_person_split_stays_apart)
{
    struct shape x;
    eddy_clusterer *cl = started(&x, 1000);
    uint64_t a = largest(cl, 0);
    eddy_arena *arena = eddy_arena_new(0);
    const uint64_t *groups;
    size_t n;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_groups(cl, a, arena, &groups, &n, &err), &err);
    assert_true(n > 1);
    eddy_operation split = {.kind = EDDY_OPERATION_SPLIT,
                            .event = a,
                            .event_version = version_of(cl, a),
                            .groups = groups,
                            .n_groups = n / 2};
    split.actor = EDDY_PERSON;
    uint64_t b = done(cl, split).event;
    assert_true(b > a && cl->links.n == 1);
    eddy_operation merge = {.kind = EDDY_OPERATION_MERGE, .event = a, .other = b};
    merge.actor = EDDY_LLM;
    merge.event_version = version_of(cl, a);
    merge.other_version = version_of(cl, b);
    refused(cl, merge, EDDY_REFUSED_FORBIDDEN);
    goes_on_without(cl, &x, 1000, a, b, 1u << EDDY_MERGED | 1u << EDDY_MOVED);
    assert_true(eddy_clusterer_where(cl, a) == a && eddy_clusterer_where(cl, b) == b);
    merge.actor = EDDY_PERSON; /* who may think again */
    merge.event_version = merge.other_version = 0;
    done(cl, merge);
    assert_true(cl->links.n == 0 && eddy_clusterer_where(cl, a) == b);
    eddy_arena_free(arena);
    eddy_clusterer_free(cl);
    stream_free(&x.s);
}

TEST(without_the_link_a_cut_event_grows_together_again)
{
    struct shape x;
    eddy_clusterer *cl = started(&x, 1000);
    uint64_t a = largest(cl, 0);
    eddy_arena *arena = eddy_arena_new(0);
    const uint64_t *groups;
    size_t n;
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_groups(cl, a, arena, &groups, &n, &err), &err);
    eddy_operation op = {.kind = EDDY_OPERATION_SPLIT,
                         .actor = EDDY_PERSON,
                         .event = a,
                         .groups = groups,
                         .n_groups = n / 2};
    uint64_t b = done(cl, op).event;
    struct ed_link none = {.low = a, .high = b};
    assert_true(ed_link_put(cl, none));
    eddy_assignment got[500];
    CHECK_OK(eddy_clusterer_assign(cl, x.s.rows + 1000, 500, got, &err), &err);
    assert_true(eddy_clusterer_where(cl, a) == eddy_clusterer_where(cl, b));
    eddy_arena_free(arena);
    eddy_clusterer_free(cl);
    stream_free(&x.s);
}

TEST(a_pinned_event_is_as_it_is)
{
    struct shape x;
    eddy_clusterer *cl = started(&x, 100);
    eddy_arena *arena = eddy_arena_new(0);
    uint64_t a = largest(cl, 0);
    eddy_str name = picture_of(cl, a, arena).name;
    eddy_operation op = {.kind = EDDY_OPERATION_PIN, .actor = EDDY_PERSON, .event = a};
    op.evidence = (eddy_str){evidence, strlen(evidence)};
    uint64_t pinned = done(cl, op).number;
    const eddy_change *c;
    const eddy_event *p;
    assert_int_equal(eddy_clusterer_changes(cl, &c), 1);
    assert_true(c->kind == EDDY_PINNED && c->actor == EDDY_PERSON && c->operation == pinned);
    assert_string_equal(c->evidence.at, evidence);
    assert_int_equal(eddy_clusterer_pictures(cl, &p), 1);
    assert_true(p->pinned && p->named_by == EDDY_PERSON);
    goes_on_without(cl, &x, 100, a, 0,
                    1u << EDDY_SPLIT | 1u << EDDY_MOVED | 1u << EDDY_MERGED | 1u << EDDY_RENAMED);
    eddy_event now = picture_of(cl, a, arena);
    assert_true(now.name.n == name.n && !memcmp(now.name.at, name.at, name.n));
    op = (eddy_operation){.kind = EDDY_OPERATION_RENAME, .actor = EDDY_LLM, .event = a};
    op.event_version = now.version;
    op.name = (eddy_str){"another", 7};
    refused(cl, op, EDDY_REFUSED_PINNED);
    op.kind = EDDY_OPERATION_UNPIN;
    refused(cl, op, EDDY_REFUSED_PINNED);
    op.actor = EDDY_PERSON;
    done(cl, op);
    assert_false(picture_of(cl, a, arena).pinned);
    assert_int_equal(picture_of(cl, a, arena).named_by, EDDY_ONLINE);
    eddy_arena_free(arena);
    eddy_clusterer_free(cl);
    stream_free(&x.s);
}

TEST(names_are_given_by_rank_and_taken_back)
{
    struct shape x;
    eddy_clusterer *cl = started(&x, 500);
    eddy_arena *arena = eddy_arena_new(0);
    uint64_t a = largest(cl, 0);
    eddy_operation op = {.kind = EDDY_OPERATION_RENAME, .event = a, .name = {"the first", 9}};
    op.actor = EDDY_LLM;
    refused(cl, op, EDDY_REFUSED_STALE); /* only a person need not have looked */
    op.event_version = version_of(cl, a);
    done(cl, op);
    assert_true(version_of(cl, a) > op.event_version);
    refused(cl, op, EDDY_REFUSED_STALE);
    op.actor = EDDY_PERSON;
    op.event_version = 0;
    char longer[EDDY_NAME_MAX + 5];
    memset(longer, 'x', sizeof longer);
    memcpy(longer + EDDY_NAME_MAX - 1, "\xc3\xa4", 2); /* at the border */
    op.name = (eddy_str){longer, sizeof longer};
    uint64_t second = done(cl, op).number;
    assert_int_equal(picture_of(cl, a, arena).name.n, EDDY_NAME_MAX - 1);
    op.actor = EDDY_LLM;
    op.event_version = version_of(cl, a);
    refused(cl, op, EDDY_REFUSED_FORBIDDEN);
    op = (eddy_operation){.kind = EDDY_OPERATION_UNDO, .actor = EDDY_PERSON, .undo = second};
    done(cl, op);
    eddy_event now = picture_of(cl, a, arena);
    assert_string_equal(now.name.at, "the first");
    assert_int_equal(now.named_by, EDDY_LLM);
    const eddy_change *c;
    size_t n = eddy_clusterer_changes(cl, &c);
    assert_true(n == 2 && c[0].kind == EDDY_RENAMED && c[1].kind == EDDY_UNDONE);
    assert_int_equal(c[1].undone, second);
    eddy_arena_free(arena);
    eddy_clusterer_free(cl);
    stream_free(&x.s);
}

TEST(links_decide_merges_and_follow_them)
{
    struct shape x;
    eddy_clusterer *cl = started(&x, 1000);
    uint64_t a = largest(cl, 0);
    uint64_t b = largest(cl, 1);
    uint64_t c = largest(cl, 2);
    eddy_operation link = {.kind = EDDY_OPERATION_LINK, .actor = EDDY_LLM, .strength = 9};
    link.event = a;
    link.other = b;
    link.event_version = version_of(cl, a);
    link.other_version = version_of(cl, b);
    refused(cl, link, EDDY_REFUSED_INCOHESIVE);
    link.strength = -0.01;
    done(cl, link);
    link.event_version = version_of(cl, a);
    link.other_version = version_of(cl, b);
    done(cl, link);
    assert_true(cl->links.n == 1 && fabs(cl->links.at[0].strength + 0.02) < 1e-12);
    link.actor = EDDY_PERSON;
    link.event_version = link.other_version = 0;
    link.other = c;
    done(cl, link); /* a and c: never */
    link.other = b;
    link.strength = 1;
    uint64_t must = done(cl, link).number; /* a and b: one */
    assert_int_equal(cl->links.n, 2);
    eddy_assignment got[300];
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_assign(cl, x.s.rows + 1000, 300, got, &err), &err);
    uint64_t one = eddy_clusterer_where(cl, a);
    assert_true(one && one == eddy_clusterer_where(cl, b)); /* by the next pass */
    assert_int_equal(cl->links.n, 1);
    eddy_operation merge = {.kind = EDDY_OPERATION_MERGE, .actor = EDDY_LLM};
    merge.event = c;
    merge.other = one;
    merge.event_version = version_of(cl, c);
    merge.other_version = version_of(cl, one);
    refused(cl, merge, EDDY_REFUSED_FORBIDDEN);
    goes_on_without(cl, &x, 1300, one, 0, 1u << EDDY_SPLIT); /* it is held */
    assert_true(ed_held(cl, cl->events[ed_event_slot(cl, one)].groups[0]));
    done(cl, (eddy_operation){.kind = EDDY_OPERATION_UNDO, .actor = EDDY_PERSON, .undo = must});
    assert_false(ed_held(cl, cl->events[ed_event_slot(cl, one)].groups[0]));
    eddy_clusterer_free(cl);
    stream_free(&x.s);
}

/* A person makes one of two events, and an LLM merges a third with them. */
static eddy_clusterer *merged_twice(struct shape *x, uint64_t ids[3], uint64_t numbers[2])
{
    eddy_clusterer *cl = started(x, 1000);
    for (size_t i = 0; i < 3; i++)
        ids[i] = largest(cl, i);
    eddy_operation op = {.kind = EDDY_OPERATION_MERGE, .actor = EDDY_PERSON};
    op.event = ids[1];
    op.other = ids[0];
    numbers[0] = done(cl, op).number;
    double tau = cl->th.tau;
    cl->th.tau = -1; /* all is alike now */
    op.actor = EDDY_LLM;
    op.event = ids[2];
    op.event_version = version_of(cl, ids[2]);
    op.other_version = version_of(cl, ids[0]);
    numbers[1] = done(cl, op).number;
    cl->th.tau = tau;
    return cl;
}

/* All groups of the event are held, by these: 0: not. */
static void held_by(const eddy_clusterer *cl, uint64_t id, uint64_t other, uint64_t person)
{
    const struct ed_event_state *ev = &cl->events[ed_event_slot(cl, id)];
    assert_true(ev->n_groups > 1);
    for (uint32_t i = 0; i < ev->n_groups; i++) {
        const struct ed_group *g = &cl->groups[ev->groups[i]];
        assert_true(ed_held(cl, ev->groups[i]));
        assert_true(g->held[0] == other && (!person || g->held[1] == person));
    }
}

TEST(what_a_person_merged_outlives_the_undo_of_what_an_llm_added)
{
    struct shape x;
    uint64_t ids[3];
    uint64_t numbers[2];
    eddy_clusterer *cl = merged_twice(&x, ids, numbers);
    held_by(cl, ids[0], numbers[1], 0);
    done(cl,
         (eddy_operation){.kind = EDDY_OPERATION_UNDO, .actor = EDDY_PERSON, .undo = numbers[1]});
    held_by(cl, ids[0], 0, numbers[0]);
    goes_on_without(cl, &x, 1000, ids[0], 0, 1u << EDDY_SPLIT);
    eddy_clusterer_free(cl);
    stream_free(&x.s);

    cl = merged_twice(&x, ids, numbers); /* and the other way round */
    done(cl,
         (eddy_operation){.kind = EDDY_OPERATION_UNDO, .actor = EDDY_PERSON, .undo = numbers[0]});
    held_by(cl, ids[0], numbers[1], 0);
    goes_on_without(cl, &x, 1000, ids[0], 0, 1u << EDDY_SPLIT);
    eddy_clusterer_free(cl);
    stream_free(&x.s);
}

/* A person who undoes what an LLM did has decided. */
TEST(who_undoes_a_reasoner_decides)
{
    struct shape x;
    eddy_clusterer *cl = started(&x, 1000);
    uint64_t a = largest(cl, 0);
    uint64_t b = largest(cl, 1);
    cl->th.tau = -1; /* all is alike now */
    eddy_operation op = {.kind = EDDY_OPERATION_MERGE, .actor = EDDY_LLM, .event = b, .other = a};
    op.event_version = version_of(cl, b);
    op.other_version = version_of(cl, a);
    uint64_t number = done(cl, op).number;
    op = (eddy_operation){.kind = EDDY_OPERATION_UNDO, .actor = EDDY_PERSON, .undo = number};
    b = done(cl, op).event;
    op = (eddy_operation){.kind = EDDY_OPERATION_MERGE, .actor = EDDY_LLM, .event = b, .other = a};
    op.event_version = version_of(cl, b);
    op.other_version = version_of(cl, a);
    refused(cl, op, EDDY_REFUSED_FORBIDDEN);
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_flush(cl, &err), &err);
    assert_true(eddy_clusterer_where(cl, a) != eddy_clusterer_where(cl, b));
    eddy_clusterer_free(cl);
    stream_free(&x.s);
}

/* Every second group goes out and comes back; then they fold to two, and yet what came can go. */
TEST(folding_keeps_apart_what_may_be_undone)
{
    struct shape x;
    shape_make(&x, PLAIN, test_seed(), 1000);
    x.o.fade_ms = 0;
    x.o.detail = 8;
    eddy_clusterer *cl = clusterer_new(&x.o);
    eddy_arena *arena = eddy_arena_new(0);
    eddy_assignment *got = calloc(1000, sizeof *got);
    eddy_error err = {0};
    const uint64_t *ids;
    size_t n, tried = 0;
    CHECK_OK(eddy_clusterer_assign(cl, x.s.rows, 1000, got, &err), &err);
    CHECK_OK(eddy_clusterer_events(cl, arena, &ids, &n, &err), &err);
    cl->o.detail = 2;
    for (size_t i = 0; i < n; i++) {
        const struct ed_event_state *ev = &cl->events[ed_event_slot(cl, ids[i])];
        uint64_t second[32] = {0};
        eddy_operation op = {.kind = EDDY_OPERATION_SPLIT, .actor = EDDY_PERSON, .event = ids[i]};
        op.groups = second;
        for (uint32_t g = 1; g < ev->n_groups && ev->n_groups >= 4; g += 2)
            second[op.n_groups++] = cl->groups[ev->groups[g]].id;
        if (!op.n_groups)
            continue;
        uint64_t out = done(cl, op).event;
        double size = picture_of(cl, ids[i], arena).size;
        double size_out = picture_of(cl, out, arena).size;
        op = (eddy_operation){.kind = EDDY_OPERATION_MERGE, .actor = EDDY_PERSON};
        op.event = out;
        op.other = ids[i];
        uint64_t number = done(cl, op).number;
        CHECK_OK(ed_retire_fold(cl, ed_event_slot(cl, ids[i]), &err), &err);
        assert_int_equal(picture_of(cl, ids[i], arena).n_groups, 2);
        op = (eddy_operation){.kind = EDDY_OPERATION_UNDO, .actor = EDDY_PERSON};
        op.undo = number;
        out = done(cl, op).event;
        assert_true(picture_of(cl, ids[i], arena).size == size);
        assert_true(picture_of(cl, out, arena).size == size_out);
        tried++;
    }
    printf("%zu folded\n", tried);
    assert_true(tried > 2);
    free(got);
    eddy_arena_free(arena);
    eddy_clusterer_free(cl);
    stream_free(&x.s);
}

/* ---- edges ---- */

TEST(nonsense_is_invalid)
{
    struct shape x;
    eddy_clusterer *cl = started(&x, 100);
    uint64_t a = largest(cl, 0);
    const uint64_t groups[] = {1};
    char wide[EDDY_EVIDENCE_MAX + 1];
    memset(wide, ' ', sizeof wide);
    const eddy_operation bad[] = {
        {.kind = (eddy_operation_kind)8, .event = a},
        {.kind = EDDY_OPERATION_PIN, .actor = (eddy_actor)4, .event = a},
        {.kind = EDDY_OPERATION_MERGE, .event = a, .other = a},
        {.kind = EDDY_OPERATION_SPLIT, .event = a, .groups = groups},
        {.kind = EDDY_OPERATION_MOVE, .event = a, .other = a + 1, .n_groups = 1},
        {.kind = EDDY_OPERATION_RENAME, .event = a, .name = {"", 0}},
        {.kind = EDDY_OPERATION_RENAME, .event = a, .name = {"\xff", 1}},
        {.kind = EDDY_OPERATION_LINK, .event = a, .other = a + 1},
        {.kind = EDDY_OPERATION_LINK, .event = a, .other = a + 1, .strength = NAN},
        {.kind = EDDY_OPERATION_PIN, .event = a, .evidence = {wide, sizeof wide}},
    };
    uint64_t hash = ed_state_hash(cl);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        eddy_outcome out;
        eddy_error err = {0};
        assert_int_equal(eddy_clusterer_apply(cl, &bad[i], &out, &err), EDDY_INVALID);
        assert_true(strstr(err.text, "operation: ") && ed_state_hash(cl) == hash);
    }
    eddy_operation op = {.kind = EDDY_OPERATION_MOVE, .actor = EDDY_PERSON, .event = a};
    op.other = largest(cl, 1);
    const uint64_t twice[] = {cl->groups[cl->events[ed_event_slot(cl, a)].groups[0]].id,
                              cl->groups[cl->events[ed_event_slot(cl, a)].groups[0]].id};
    op.groups = twice;
    op.n_groups = 2;
    refused(cl, op, EDDY_REFUSED_STALE);
    const uint64_t never[] = {cl->next_group};
    op.groups = never;
    op.n_groups = 1;
    refused(cl, op, EDDY_REFUSED_STALE);
    op = (eddy_operation){.kind = EDDY_OPERATION_UNDO, .actor = EDDY_PERSON, .undo = 1};
    refused(cl, op, EDDY_REFUSED_GONE);
    eddy_clusterer_free(cl);
    stream_free(&x.s);
}

/* A reasoner's many operations push out each other, but nothing that a person may want back. */
TEST(what_persons_did_outlasts_what_reasoners_say)
{
    struct shape x;
    struct kept kept = {0};
    eddy_clusterer *cl = started(&x, 1000);
    uint64_t a = largest(cl, 0);
    eddy_operation pin = {.kind = EDDY_OPERATION_PIN, .actor = EDDY_PERSON, .event = a};
    uint64_t wanted = done(cl, pin).number;
    eddy_operation say = {.kind = EDDY_OPERATION_DESCRIBE,
                          .actor = EDDY_LLM,
                          .event = largest(cl, 1),
                          .summary = {"what is said of it", 18}};
    uint64_t first = 0;
    uint64_t last = 0;
    for (uint64_t i = 0; i < 3 * OPERATIONS_KEPT; i++) {
        say.summary.n = 10 + i % 2;
        say.event_version = version_of(cl, say.event);
        last = done(cl, say).number;
        assert_true(last % OPERATIONS_KEPT != wanted % OPERATIONS_KEPT);
        first = first ? first : last;
    }
    eddy_engine_stats st;
    eddy_clusterer_stats(cl, &st);
    assert_int_equal(st.operations, 1 + 3 * OPERATIONS_KEPT);
    assert_true(last > st.operations);
    record(cl, &kept, NULL);
    eddy_clusterer *twin = kept_load(&kept, &x.o, 3);
    eddy_clusterer_stats(twin, &st);
    assert_int_equal(st.operations, 1 + 3 * OPERATIONS_KEPT);

    eddy_operation undo = {.kind = EDDY_OPERATION_UNDO, .actor = EDDY_PERSON, .undo = first};
    refused(twin, undo, EDDY_REFUSED_GONE);
    undo.undo = wanted;
    done(twin, undo);
    assert_false(ed_pinned(twin, ed_event_slot(twin, a)));
    refused(twin, undo, EDDY_REFUSED_STALE); /* done; its place is anybody's now */
    for (size_t i = 0; i < OPERATIONS_KEPT; i++) {
        say.event_version = version_of(twin, say.event);
        done(twin, say);
    }
    refused(twin, undo, EDDY_REFUSED_GONE);
    eddy_clusterer_free(cl);
    eddy_clusterer_free(twin);
    kept_clear(&kept);
    stream_free(&x.s);
}

/* Persons who do very much share the ring with the others; the oldest of it can be undone, too. */
TEST(the_oldest_operation_that_is_kept_can_be_undone)
{
    struct shape x;
    eddy_clusterer *cl = started(&x, 1000);
    uint64_t a = largest(cl, 0);
    eddy_operation op = {.kind = EDDY_OPERATION_PIN, .actor = EDDY_PERSON, .event = a};
    uint64_t oldest = done(cl, op).number;
    op = (eddy_operation){.kind = EDDY_OPERATION_RENAME, .actor = EDDY_PERSON};
    op.event = largest(cl, 1);
    op.name = (eddy_str){"a given name", 12};
    for (size_t i = 1; i < OPERATIONS_KEPT; i++)
        done(cl, op);
    op = (eddy_operation){.kind = EDDY_OPERATION_UNDO, .actor = EDDY_PERSON, .undo = oldest};
    done(cl, op);
    assert_false(ed_pinned(cl, ed_event_slot(cl, a)));
    op = (eddy_operation){.kind = EDDY_OPERATION_DESCRIBE, .actor = EDDY_LLM};
    op.event = a;
    op.event_version = version_of(cl, a);
    op.summary = (eddy_str){"what is said of it", 18};
    uint64_t next = cl->next_operation;
    assert_int_equal(done(cl, op).number, next); /* nothing is passed over: a person has it all */
    eddy_clusterer_free(cl);
    stream_free(&x.s);
}

/* Links of people fill the table: nobody's decision is forgotten, one more is refused. */
TEST(links_of_people_are_never_dropped)
{
    struct stream s = stream_make(3, 100, 100, 0.1);
    eddy_engine_options o = stream_options();
    o.threshold = 0.9;
    eddy_clusterer *cl = clusterer_new(&o);
    eddy_assignment a[100];
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_assign(cl, s.rows, 100, a, &err), &err);
    assert_int_equal(cl->n_events, 100);
    eddy_arena *arena = eddy_arena_new(0);
    const uint64_t *ids;
    size_t n = 0;
    CHECK_OK(eddy_clusterer_events(cl, arena, &ids, &n, &err), &err);
    struct ed_link link = {.strength = -1, .operation = 1, .by = EDDY_LLM};
    for (size_t i = 0; i < n; i++) /* as if there had been so many answers */
        for (size_t j = 0; j < i && cl->links.n < LINKS_MAX; j++) {
            link.low = ids[j];
            link.high = ids[i];
            assert_true(ed_link_put(cl, link));
        }
    printf("%u links of %zu events\n", cl->links.n, n);
    eddy_engine_stats st;
    eddy_clusterer_stats(cl, &st);
    assert_int_equal(st.links_max_hits, 0);
    link.low = ids[n - 2];
    link.high = ids[n - 1];
    assert_null(ed_link_find(cl, link.low, link.high));
    assert_true(ed_link_put(cl, link)); /* one of a language model makes room for it */
    eddy_clusterer_stats(cl, &st);
    assert_int_equal(cl->links.n, LINKS_MAX);
    assert_int_equal(st.links_max_hits, 1);
    for (uint32_t i = 0; i < cl->links.n; i++) {
        struct ed_link own = cl->links.at[i];
        own.by = EDDY_PERSON;
        own.strength = -EDDY_LINK_FIRM;
        assert_true(ed_link_put(cl, own));
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t slot = ed_event_slot(cl, ids[i]);
        assert_int_equal(cl->events[slot].n_links <= n - 1, 1);
    }
    if (cl->links.n == LINKS_MAX) {
        assert_false(ed_links_fit(cl, 1));
        eddy_operation op = {.kind = EDDY_OPERATION_LINK, .actor = EDDY_PERSON, .strength = 1};
        for (size_t i = 0; i < n && !op.event; i++)
            for (size_t j = 0; j < i && !op.event; j++)
                if (!ed_link_find(cl, ids[i], ids[j])) {
                    op.event = ids[i];
                    op.other = ids[j];
                }
        refused(cl, op, EDDY_REFUSED_FULL);
    }
    eddy_arena_free(arena);
    eddy_clusterer_free(cl);
    stream_free(&s);
}

TEST(redirects_are_bounded)
{
    struct stream s = stream_make(4, 512, 512, 0.1);
    eddy_engine_options o = stream_options();
    o.dense_dim = 0;
    o.terms_dim = 16;
    o.threshold = 0.999;
    o.repair_every = 1u << 30;
    eddy_clusterer *cl = clusterer_new(&o);
    struct kept kept = {0};
    eddy_assignment a[1];
    eddy_error err = {0};
    uint64_t first = 0, last = 0, second = 0;
    CHECK_OK(eddy_clusterer_assign(cl, s.rows, 1, a, &err), &err);
    first = a->event;
    for (size_t i = 0; cl->redirects.n < REDIRECTS_MAX || i % 512; i++) {
        uint64_t new = cl->next_event; /* as if a document had founded one */
        cl->next_event++;
        struct ed_redirects *r = &cl->redirects;
        if (!r->n)
            second = new;
        assert_true(ed_redirects_room(cl, r->n + (size_t)1) && ed_table_put(&r->place, new, r->n));
        r->at[r->n] = (struct ed_redirect){new, i % 2 ? first : new - 2 > first ? new - 2 : first};
        ed_mark(cl, ED_REDIRECT, r->n++);
        last = new;
    }
    assert_true(eddy_clusterer_where(cl, second) == first); /* a long way */
    record(cl, &kept, NULL);
    for (size_t i = 1; i < s.n && cl->redirects.n == REDIRECTS_MAX; i++) {
        CHECK_OK(eddy_clusterer_assign(cl, s.rows + i, 1, a, &err), &err);
        if (a->event != first && a->founded)
            done(cl, (eddy_operation){.kind = EDDY_OPERATION_MERGE,
                                      .actor = EDDY_PERSON,
                                      .event = a->event,
                                      .other = first});
    }
    assert_int_equal(cl->redirects.n, REDIRECTS_MAX / 2 + 1);
    eddy_engine_stats st;
    eddy_clusterer_stats(cl, &st);
    assert_int_equal(st.redirects_max_hits, REDIRECTS_MAX / 2);
    assert_int_equal(eddy_clusterer_where(cl, second), 0);
    assert_true(eddy_clusterer_where(cl, last) == first);
    record(cl, &kept, NULL);
    eddy_clusterer *again = kept_load(&kept, &o, 1);
    assert_true(eddy_clusterer_where(again, last) == first);
    assert_true(eddy_clusterer_hash(again) == eddy_clusterer_hash(cl));
    eddy_clusterer_free(again);
    eddy_clusterer_free(cl);
    kept_clear(&kept);
    stream_free(&s);
}

TEST(operations_survive_any_lost_allocation)
{
    struct shape x;
    size_t lost = 0;
    for (uint64_t seed = 1; seed <= 6; seed++)
        EACH_ALLOC_FAILS (k) {
            int (*gate)(size_t) = ed_alloc_gate;
            ed_alloc_gate = NULL;
            shape_make(&x, PLAIN, 9, 200);
            eddy_clusterer *cl = clusterer_new(&x.o);
            eddy_arena *arena = eddy_arena_new(0);
            eddy_assignment a[200];
            eddy_error err = {0};
            uint64_t dice = seed * 1000;
            eddy_status st = EDDY_OK;
            CHECK_OK(eddy_clusterer_assign(cl, x.s.rows, 150, a, &err), &err);
            for (size_t i = 0; i < 24 && st == EDDY_OK; i++) {
                eddy_operation op = random_operation(cl, &dice, arena);
                eddy_outcome out;
                op.kind = (eddy_operation_kind)(i % 8);
                op.actor = EDDY_PERSON;
                ed_alloc_gate = gate;
                st = eddy_clusterer_apply(cl, &op, &out, NULL);
                ed_alloc_gate = NULL;
                assert_true(st == EDDY_OK || st == EDDY_NOMEM || st == EDDY_INVALID);
                st = st == EDDY_INVALID ? EDDY_OK : st;
            }
            lost += st == EDDY_NOMEM;
            if (st == EDDY_OK)
                CHECK_OK(eddy_clusterer_assign(cl, x.s.rows + 150, 50, a, &err), &err);
            eddy_arena_free(arena);
            eddy_clusterer_free(cl);
            stream_free(&x.s);
            ed_alloc_gate = gate;
        }
    printf("%zu lost\n", lost);
    assert_true(lost > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_sequence_keeps_the_mass_and_goes_on_after_a_load),
        cmocka_unit_test(the_undo_of_the_last_operation_restores_the_events),
        cmocka_unit_test(what_a_person_merged_stays_together),
        cmocka_unit_test(what_a_person_had_put_together_of_two_kinds_is_of_two_kinds_again),
        cmocka_unit_test(what_a_person_split_stays_apart),
        cmocka_unit_test(without_the_link_a_cut_event_grows_together_again),
        cmocka_unit_test(a_pinned_event_is_as_it_is),
        cmocka_unit_test(names_are_given_by_rank_and_taken_back),
        cmocka_unit_test(links_decide_merges_and_follow_them),
        cmocka_unit_test(what_a_person_merged_outlives_the_undo_of_what_an_llm_added),
        cmocka_unit_test(who_undoes_a_reasoner_decides),
        cmocka_unit_test(folding_keeps_apart_what_may_be_undone),
        cmocka_unit_test(nonsense_is_invalid),
        cmocka_unit_test(what_persons_did_outlasts_what_reasoners_say),
        cmocka_unit_test(the_oldest_operation_that_is_kept_can_be_undone),
        cmocka_unit_test(links_of_people_are_never_dropped),
        cmocka_unit_test(redirects_are_bounded),
        cmocka_unit_test(operations_survive_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
