/* Reassignment: one document goes to another event and comes back, sums stay those of documents,
 * and all that people hear of it is true. */
#include "engine_operating.h"

#include "engine/members.h"

#include <eddy/reason.h>
#include <eddy/score.h>

/* ---- help ---- */

static eddy_operation going(eddy_actor actor, uint64_t position, uint64_t from, uint64_t to)
{
    return (eddy_operation){.kind = EDDY_OPERATION_REASSIGN,
                            .actor = actor,
                            .position = position,
                            .event = from,
                            .other = to};
}

static eddy_operation versions(const eddy_clusterer *cl, eddy_operation op)
{
    op.event_version = cl->events[ed_event_slot(cl, op.event)].version;
    if (op.other)
        op.other_version = cl->events[ed_event_slot(cl, op.other)].version;
    return op;
}

/* A stream of a few events; every document has an id of its own. */
struct few {
    struct stream s;
    char ids[400][24];
    eddy_clusterer *cl;
    eddy_assignment a[400];
    eddy_engine_options o;
};

static void few_new(struct few *f, uint64_t seed, size_t events)
{
    eddy_error err = {0};
    f->s = stream_make(seed, 400, events, 0.9);
    f->o = stream_options();
    f->o.fade_ms = 0;
    for (size_t i = 0; i < 400; i++) {
        snprintf(f->ids[i], sizeof f->ids[i], "d%zu", i);
        f->s.rows[i].id = (eddy_str){f->ids[i], strlen(f->ids[i])};
    }
    f->cl = clusterer_new(&f->o);
    CHECK_OK(eddy_clusterer_assign(f->cl, f->s.rows, 300, f->a, &err), &err);
    CHECK_OK(eddy_clusterer_flush(f->cl, &err), &err);
}

static void few_free(struct few *f)
{
    eddy_clusterer_free(f->cl);
    stream_free(&f->s);
}

static uint64_t event_now(const eddy_clusterer *cl, uint64_t position)
{
    uint32_t slot = ed_window_slot(cl, position);
    uint32_t group = slot == NONE ? NONE : ed_window_group(cl, slot);
    return group == NONE ? 0 : cl->events[cl->groups[group].event].id;
}

/* A document of an event of at least so many, and another event like that. */
static void some_two(const eddy_clusterer *cl, double docs, uint64_t *position, uint64_t *from,
                     uint64_t *to)
{
    *from = *to = 0;
    for (uint64_t p = cl->position; p-- > 0 && !*to;) {
        uint64_t event = event_now(cl, p);
        if (cl->events[ed_event_slot(cl, event)].docs < docs)
            continue;
        if (!*from) {
            *from = event;
            *position = p;
        } else if (event != *from) {
            *to = event;
        }
    }
    assert_true(*to != 0);
}

static float *sum_copy(const eddy_clusterer *cl, uint64_t id)
{
    float *copy = malloc(cl->stride * sizeof *copy);
    memcpy(copy, ed_event_sum(cl, ed_event_slot(cl, id)), cl->stride * sizeof *copy);
    return copy;
}

static double sum_off(const eddy_clusterer *cl, uint64_t id, const float *before)
{
    double off = 0;
    const float *now = ed_event_sum(cl, ed_event_slot(cl, id));
    for (size_t d = 0; d < cl->stride; d++)
        off = fmax(off, fabs((double)now[d] - (double)before[d]));
    return off;
}

/* ---- there and back ---- */

TEST(there_and_back_is_nearly_nothing)
{
    struct few f;
    uint64_t position, from, to;
    few_new(&f, test_seed() + 41, 5);
    some_two(f.cl, 20, &position, &from, &to);
    float *before[2] = {sum_copy(f.cl, from), sum_copy(f.cl, to)};
    double docs[2] = {f.cl->events[ed_event_slot(f.cl, from)].docs,
                      f.cl->events[ed_event_slot(f.cl, to)].docs};
    done(f.cl, going(EDDY_PERSON, position, from, to));
    assert_true(event_now(f.cl, position) == to);
    assert_true(f.cl->events[ed_event_slot(f.cl, from)].docs == docs[0] - 1);
    assert_true(f.cl->events[ed_event_slot(f.cl, to)].docs == docs[1] + 1);
    assert_true(f.cl->events[ed_event_slot(f.cl, to)].weight == docs[1] + 1);
    assert_true(sum_off(f.cl, from, before[0]) > 0.05);
    done(f.cl, going(EDDY_PERSON, position, to, from));
    assert_true(event_now(f.cl, position) == from);
    for (int i = 0; i < 2; i++) {
        uint64_t id = i ? to : from;
        const struct ed_event_state *ev = &f.cl->events[ed_event_slot(f.cl, id)];
        assert_true(ev->docs == docs[i] && ev->weight == docs[i]);
        assert_true(sum_off(f.cl, id, before[i]) < 1e-5 * docs[i]);
        free(before[i]);
    }
    few_free(&f);
}

TEST(the_change_tells_all_of_it)
{
    struct few f;
    uint64_t position, from, to;
    few_new(&f, test_seed() + 42, 5);
    some_two(f.cl, 20, &position, &from, &to);
    eddy_operation op = going(EDDY_PERSON, position, from, to);
    uint64_t group = f.cl->groups[ed_window_group(f.cl, ed_window_slot(f.cl, position))].id;
    double docs[2] = {f.cl->events[ed_event_slot(f.cl, from)].docs,
                      f.cl->events[ed_event_slot(f.cl, to)].docs};
    op.evidence = (eddy_str){"it is there", 11};
    eddy_outcome out = done(f.cl, op);
    const eddy_change *c;
    const eddy_event *p;
    assert_int_equal(eddy_clusterer_changes(f.cl, &c), 1);
    assert_int_equal(eddy_clusterer_pictures(f.cl, &p), 2);
    assert_true(out.event == to && c->kind == EDDY_REASSIGNED && c->event == to &&
                c->other == from);
    assert_string_equal(eddy_change_name(c->kind), "reassigned");
    assert_true(c->document == position);
    assert_string_equal(c->document_id.at, f.ids[position]);
    uint32_t now = ed_window_group(f.cl, ed_window_slot(f.cl, position));
    assert_true(c->group == group && c->into_group == f.cl->groups[now].id);
    assert_true(c->size_before == docs[1] && c->size_after == docs[1] + 1);
    assert_true(c->other_before == docs[0] && c->other_after == docs[0] - 1);
    assert_true(c->actor == EDDY_PERSON && c->operation == out.number && c->similarity != 0);
    assert_string_equal(c->evidence.at, "it is there");
    few_free(&f);
}

/* What the group showed was this document: now it shows another, or the other event does. */
TEST(nobody_shows_a_document_that_has_gone)
{
    struct few f;
    few_new(&f, test_seed() + 43, 5);
    size_t shown = 0;
    for (int k = 0; k < 40; k++) {
        uint64_t position = 0, from, to;
        some_two(f.cl, 3, &position, &from, &to);
        eddy_event event;
        eddy_arena *arena = eddy_arena_new(0);
        eddy_error err = {0};
        CHECK_OK(eddy_clusterer_event(f.cl, from, arena, &event, &err), &err);
        const char *id = event.exemplars[k % 2 ? 0 : event.n_exemplars - 1].id.at;
        position = strtoull(id + 1, NULL, 10);
        done(f.cl, going(EDDY_PERSON, position, from, to));
        CHECK_OK(eddy_clusterer_event(f.cl, from, arena, &event, &err), &err);
        for (uint32_t i = 0; i < event.n_exemplars; i++) {
            uint64_t at = strtoull(event.exemplars[i].id.at + 1, NULL, 10);
            assert_true(event_now(f.cl, at) == from);
            shown++;
        }
        eddy_arena_free(arena);
    }
    assert_true(shown > 80);
    few_free(&f);
}

/* ---- a new event, and the end of one ---- */

TEST(into_a_new_event_and_out_of_the_last_document)
{
    struct few f;
    uint64_t position, from, to;
    const eddy_change *c;
    few_new(&f, test_seed() + 44, 5);
    some_two(f.cl, 20, &position, &from, &to);
    eddy_outcome out = done(f.cl, going(EDDY_PERSON, position, from, 0));
    assert_true(out.event != from && event_now(f.cl, position) == out.event);
    assert_int_equal(eddy_clusterer_changes(f.cl, &c), 2);
    assert_true(c[0].kind == EDDY_SPLIT && c[0].event == out.event && c[0].other == from &&
                c[0].size_after == 1 && c[0].other_after == c[0].other_before - 1);
    assert_true(c[1].kind == EDDY_REASSIGNED && c[1].event == out.event && c[1].size_before == 0);
    const struct ed_link *link = ed_link_find(f.cl, from, out.event);
    assert_true(link && link->strength <= -EDDY_LINK_FIRM); /* repair does not overturn it */
    refused(f.cl, going(EDDY_PERSON, position, out.event, 0), EDDY_REFUSED_STALE);
    done(f.cl, going(EDDY_PERSON, position, out.event, to));
    size_t n = eddy_clusterer_changes(f.cl, &c);
    assert_true(n >= 2 && c[0].kind == EDDY_REASSIGNED && c[1].kind == EDDY_MERGED);
    assert_true(c[1].event == out.event && c[1].other == to && c[1].size_before == 1);
    assert_true(eddy_clusterer_where(f.cl, out.event) == to && event_now(f.cl, position) == to);
    few_free(&f);
}

/* ---- what speaks against it ---- */

TEST(premises)
{
    struct few f;
    uint64_t position, from, to;
    few_new(&f, test_seed() + 45, 5);
    some_two(f.cl, 20, &position, &from, &to);
    eddy_operation op = going(EDDY_PERSON, position, from, to);
    eddy_operation wrong = op;
    wrong.position = f.cl->position;
    refused(f.cl, wrong, EDDY_REFUSED_GONE);
    wrong = op;
    wrong.event = to;
    wrong.other = from;
    refused(f.cl, wrong, EDDY_REFUSED_STALE);
    wrong = op;
    wrong.other = 1u << 30;
    refused(f.cl, wrong, EDDY_REFUSED_GONE);
    wrong = op;
    wrong.actor = EDDY_LLM;
    refused(f.cl, wrong, EDDY_REFUSED_STALE); /* without versions */
    wrong = versions(f.cl, wrong);
    double tau = f.cl->th.tau;
    f.cl->th.tau = 0.9; /* nothing is so much alike */
    refused(f.cl, wrong, EDDY_REFUSED_INCOHESIVE);
    f.cl->th.tau = tau;
    done(f.cl, (eddy_operation){.kind = EDDY_OPERATION_PIN, .actor = EDDY_PERSON, .event = to});
    refused(f.cl, versions(f.cl, wrong), EDDY_REFUSED_PINNED);
    done(f.cl, (eddy_operation){.kind = EDDY_OPERATION_UNPIN, .actor = EDDY_PERSON, .event = to});
    done(f.cl, (eddy_operation){.kind = EDDY_OPERATION_LINK,
                                .actor = EDDY_PERSON,
                                .event = from,
                                .other = to,
                                .strength = -1});
    refused(f.cl, versions(f.cl, wrong), EDDY_REFUSED_FORBIDDEN);
    done(f.cl, op); /* a person may overturn that */
    wrong = versions(f.cl, going(EDDY_LLM, position, to, from));
    refused(f.cl, wrong, EDDY_REFUSED_FORBIDDEN); /* but not be overturned */
    few_free(&f);
}

TEST(what_a_person_put_together_no_reasoner_takes_apart)
{
    struct few f;
    uint64_t position, from, to;
    few_new(&f, test_seed() + 46, 5);
    some_two(f.cl, 20, &position, &from, &to);
    done(f.cl, (eddy_operation){
                   .kind = EDDY_OPERATION_MERGE, .actor = EDDY_PERSON, .event = from, .other = to});
    eddy_operation op = versions(f.cl, going(EDDY_LLM, position, to, 0));
    refused(f.cl, op, EDDY_REFUSED_FORBIDDEN);
    op.actor = EDDY_PERSON;
    done(f.cl, op);
    few_free(&f);
}

/* ---- undo ---- */

TEST(an_undo_brings_it_back)
{
    struct few f;
    uint64_t position, from, to;
    few_new(&f, test_seed() + 47, 5);
    some_two(f.cl, 20, &position, &from, &to);
    float *before = sum_copy(f.cl, from);
    eddy_outcome out = done(f.cl, going(EDDY_PERSON, position, from, to));
    eddy_operation undo = {.kind = EDDY_OPERATION_UNDO, .actor = EDDY_LLM, .undo = out.number};
    refused(f.cl, undo, EDDY_REFUSED_FORBIDDEN);
    undo.actor = EDDY_PERSON;
    const eddy_change *c;
    done(f.cl, undo);
    size_t n = eddy_clusterer_changes(f.cl, &c);
    assert_true(n == 2 && c[0].kind == EDDY_REASSIGNED && c[0].event == from &&
                c[1].kind == EDDY_UNDONE && c[1].undone == out.number);
    assert_true(event_now(f.cl, position) == from && sum_off(f.cl, from, before) < 1e-4);
    refused(f.cl, undo, EDDY_REFUSED_STALE);
    /* out of a new event: that one ends, and its link with it */
    out = done(f.cl, going(EDDY_PERSON, position, from, 0));
    undo.undo = out.number;
    done(f.cl, undo);
    assert_true(event_now(f.cl, position) == from && sum_off(f.cl, from, before) < 1e-4);
    assert_true(eddy_clusterer_where(f.cl, out.event) == from && !f.cl->links.n);
    /* the last one of its event: into a new one, with nobody held to be apart */
    out = done(f.cl, going(EDDY_PERSON, position, from, 0));
    uint64_t alone = out.event;
    out = done(f.cl, going(EDDY_PERSON, position, alone, to));
    undo.undo = out.number;
    out = done(f.cl, undo);
    assert_true(out.event != to && out.event != alone && event_now(f.cl, position) == out.event);
    free(before);
    few_free(&f);
}

TEST(one_that_stays_may_be_asked_about_after_an_undo)
{
    struct few f;
    uint64_t position, from, to;
    few_new(&f, test_seed() + 48, 5);
    some_two(f.cl, 20, &position, &from, &to);
    uint32_t slot = ed_window_slot(f.cl, position);
    eddy_operation stays = versions(f.cl, going(EDDY_LLM, position, from, from));
    const eddy_change *c;
    eddy_outcome out = done(f.cl, stays);
    assert_int_equal(eddy_clusterer_changes(f.cl, &c), 0);
    assert_true(f.cl->window.docs[slot].put_by == EDDY_LLM && event_now(f.cl, position) == from);
    done(f.cl,
         (eddy_operation){.kind = EDDY_OPERATION_UNDO, .actor = EDDY_LLM, .undo = out.number});
    assert_true(f.cl->window.docs[slot].put_by == EDDY_ONLINE && event_now(f.cl, position) == from);
    few_free(&f);
}

/* A person who undoes what a reasoner did has decided. */
TEST(who_is_overruled_does_not_try_again)
{
    struct few f;
    uint64_t position, from, to;
    few_new(&f, test_seed() + 49, 5);
    some_two(f.cl, 20, &position, &from, &to);
    eddy_operation op = versions(f.cl, going(EDDY_LLM, position, from, to));
    f.cl->th.tau = -1; /* cohesive enough */
    eddy_outcome out = done(f.cl, op);
    done(f.cl,
         (eddy_operation){.kind = EDDY_OPERATION_UNDO, .actor = EDDY_PERSON, .undo = out.number});
    assert_true(event_now(f.cl, position) == from);
    refused(f.cl, versions(f.cl, op), EDDY_REFUSED_FORBIDDEN);
    few_free(&f);
}

/* ---- any sequence ---- */

static eddy_operation random_operation(const eddy_clusterer *cl, uint64_t *seed)
{
    uint64_t dice = test_random(seed);
    uint32_t n = ed_window_n(cl);
    uint64_t position = cl->position - 1 - (n ? test_random(seed) % n : 0);
    uint64_t other = n ? event_now(cl, cl->position - 1 - test_random(seed) % n) : 0;
    eddy_operation op = going(dice % 2 ? EDDY_PERSON : (eddy_actor)(1 + dice / 2 % 2), position,
                              event_now(cl, position), dice / 4 % 3 ? other : 0);
    op.undo = cl->next_operation - (cl->next_operation > 1 ? 1 + dice / 64 % 3 : 0);
    if (dice / 32 % 4 == 0)
        op.kind = EDDY_OPERATION_UNDO;
    else if (dice / 32 % 64 == 1 && other && op.event != other)
        op.kind = EDDY_OPERATION_MERGE;
    if (op.event && op.kind != EDDY_OPERATION_UNDO) {
        op.event_version = cl->events[ed_event_slot(cl, op.event)].version;
        op.other_version = op.other ? cl->events[ed_event_slot(cl, op.other)].version : 0;
    }
    op.evidence = (eddy_str){"so", 2};
    return op;
}

/* No sum is longer than its weight, and no document is lost. */
static void sums_are_of_documents(const eddy_clusterer *cl, double faded)
{
    mass_is_kept(cl, faded);
    for (uint32_t u = 0; u < cl->group_slots.n; u++) {
        const struct ed_group *g = &cl->groups[u];
        const float *sum = ed_group_sum(cl, u);
        if (!g->id)
            continue;
        assert_true(g->docs >= 1 && g->weight > 0 && g->square > 0);
        /* a point of bytes may be a little longer than 1 */
        assert_true(ed_norm(sum, cl->stride) <= g->weight * 1.02);
        assert_true(fabs(g->square - ed_dot(sum, sum, cl->stride)) <=
                    1e-4 * (g->square + g->weight * g->weight));
    }
}

/* What the window says, as text. */
static void tell_window(struct ed_bytes *told, const eddy_clusterer *cl)
{
    eddy_arena *arena = eddy_arena_new(0);
    eddy_error err = {0};
    for (uint32_t e = 0; e < cl->slots.n; e++) {
        const eddy_member *m;
        size_t n;
        if (!cl->events[e].id)
            continue;
        CHECK_OK(eddy_clusterer_members(cl, cl->events[e].id, arena, &m, &n, &err), &err);
        for (size_t i = 0; i < n; i++)
            ed_bytes_printf(told, "m %llu %s %llu %llu %a %a\n", (unsigned long long)m[i].position,
                            m[i].id.at, (unsigned long long)m[i].event,
                            (unsigned long long)m[i].group, (double)m[i].similarity,
                            (double)m[i].share[1]);
    }
    eddy_doubt doubts[50];
    size_t n = ed_doubts_place(cl, 50, doubts);
    for (size_t i = 0; i < n; i++)
        ed_bytes_printf(told, "d %llu %llu %a\n", (unsigned long long)doubts[i].position,
                        (unsigned long long)doubts[i].other, doubts[i].yes);
    eddy_arena_free(arena);
}

static void both_operate(eddy_clusterer *cl, eddy_clusterer *twin, uint64_t *seed, size_t *applied)
{
    eddy_operation op = random_operation(cl, seed);
    uint64_t hash = ed_state_hash(cl);
    struct ed_bytes told[2];
    eddy_clusterer *both[] = {cl, twin};
    if (!op.event && op.kind != EDDY_OPERATION_UNDO)
        return;
    for (int i = 0; i < 2; i++) {
        eddy_outcome out = apply(both[i], op);
        ed_bytes_init(&told[i], 0);
        ed_bytes_printf(&told[i], "%s %llu\n", eddy_refusal_name(out.refusal),
                        (unsigned long long)out.event);
        tell_all(&told[i], both[i]);
        assert_true(!out.refusal == (ed_state_hash(both[i]) != hash));
        applied[op.kind == EDDY_OPERATION_UNDO] += !out.refusal;
    }
    assert_string_equal(told[0].at, told[1].at);
    ed_bytes_clear(&told[0]);
    ed_bytes_clear(&told[1]);
}

static void same_window(const eddy_clusterer *cl, const eddy_clusterer *twin)
{
    struct ed_bytes told[2];
    ed_bytes_init(&told[0], 0);
    ed_bytes_init(&told[1], 0);
    ed_bytes_add_str(&told[0], "window\n");
    ed_bytes_add_str(&told[1], "window\n");
    tell_window(&told[0], cl);
    tell_window(&told[1], twin);
    assert_string_equal(told[0].at, told[1].at);
    ed_bytes_clear(&told[0]);
    ed_bytes_clear(&told[1]);
}

static void any_sequence(int shape, uint64_t seed, size_t n)
{
    struct shape x;
    struct kept kept = {0};
    double faded = 0;
    size_t applied[2] = {0};
    shape_make(&x, shape, seed, n);
    x.o.window = x.o.window ? x.o.window : 500;
    x.o.window = x.o.window == 1 ? 50 : x.o.window;
    eddy_clusterer *cl = clusterer_new(&x.o);
    eddy_clusterer *twin = clusterer_new(&x.o);
    for (size_t i = 0; i < n;) {
        size_t m = 1 + (size_t)(test_random(&seed) % 60);
        m = m < n - i ? m : n - i;
        same_step(cl, twin, x.s.rows + i, m);
        i += m;
        faded += faded_now(cl);
        for (size_t k = test_random(&seed) % 9; k > 0; k--)
            both_operate(cl, twin, &seed, applied);
        uint64_t dice = test_random(&seed);
        if (dice % 3)
            same_records(cl, twin, &kept);
        if (dice % 3 && dice / 3 % 5 == 0) {
            eddy_clusterer_free(twin);
            twin = kept_load(&kept, &x.o, seed);
            assert_true(ed_state_hash(twin) == eddy_clusterer_hash(cl));
            same_window(cl, twin);
        }
        sums_are_of_documents(cl, faded);
    }
    printf("%-10s: %zu applied, %zu undone\n", shape_names[shape], applied[0] / 2, applied[1] / 2);
    assert_true(applied[0] > 20 && applied[1] > 2);
    eddy_clusterer_free(cl);
    eddy_clusterer_free(twin);
    kept_clear(&kept);
    stream_free(&x.s);
}

TEST(any_sequence_keeps_sums_of_documents_and_goes_on_after_a_load)
{
    uint64_t seed = test_seed() + 51;
    for (int shape = 0; shape < SHAPES; shape++)
        any_sequence(shape, seed + 100 * (uint64_t)shape, 2500);
}

/* Half of a batch more or less: the window does not show it. */
TEST(the_window_does_not_depend_on_batches)
{
    struct shape x;
    shape_make(&x, PLAIN, test_seed() + 52, 1500);
    x.o.window = 300;
    eddy_clusterer *all[2] = {clusterer_new(&x.o), clusterer_new(&x.o)};
    eddy_assignment *a = calloc(1500, sizeof *a);
    eddy_error err = {0};
    CHECK_OK(eddy_clusterer_assign(all[0], x.s.rows, 1500, a, &err), &err);
    for (size_t i = 0; i < 1500; i += 50)
        CHECK_OK(eddy_clusterer_assign(all[1], x.s.rows + i, 50, a, &err), &err);
    same_window(all[0], all[1]);
    assert_true(ed_state_hash(all[0]) == ed_state_hash(all[1]));
    eddy_clusterer_free(all[0]);
    eddy_clusterer_free(all[1]);
    free(a);
    stream_free(&x.s);
}

TEST(reassignment_survives_any_lost_allocation)
{
    size_t lost = 0;
    EACH_ALLOC_FAILS (k) {
        int (*gate)(size_t) = ed_alloc_gate;
        struct few f;
        uint64_t position, from, to;
        eddy_outcome out = {0};
        ed_alloc_gate = NULL;
        few_new(&f, 53, 5);
        some_two(f.cl, 20, &position, &from, &to);
        const eddy_operation all[] = {
            going(EDDY_PERSON, position, from, 0),
            going(EDDY_PERSON, position, from, to),
            {.kind = EDDY_OPERATION_UNDO, .actor = EDDY_PERSON, .undo = 1}};
        eddy_status st = EDDY_OK;
        for (size_t i = 0; i < 3 && st == EDDY_OK; i++) {
            ed_alloc_gate = gate;
            st = eddy_clusterer_apply(f.cl, &all[i], &out, NULL);
            ed_alloc_gate = NULL;
        }
        assert_true(st == EDDY_OK || st == EDDY_NOMEM);
        lost += st == EDDY_NOMEM;
        few_free(&f);
        ed_alloc_gate = gate;
    }
    assert_true(lost > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back_is_nearly_nothing),
        cmocka_unit_test(the_change_tells_all_of_it),
        cmocka_unit_test(nobody_shows_a_document_that_has_gone),
        cmocka_unit_test(into_a_new_event_and_out_of_the_last_document),
        cmocka_unit_test(premises),
        cmocka_unit_test(what_a_person_put_together_no_reasoner_takes_apart),
        cmocka_unit_test(an_undo_brings_it_back),
        cmocka_unit_test(one_that_stays_may_be_asked_about_after_an_undo),
        cmocka_unit_test(who_is_overruled_does_not_try_again),
        cmocka_unit_test(any_sequence_keeps_sums_of_documents_and_goes_on_after_a_load),
        cmocka_unit_test(the_window_does_not_depend_on_batches),
        cmocka_unit_test(reassignment_survives_any_lost_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
