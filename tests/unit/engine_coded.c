/* What proposes does not decide: whichever kernels scan the codes, and if they rule nothing out at
 * all, the state is the same. */
#include "engine_state.h"

/* A kernel that promises everything of everyone. */
static void promise(const struct ed_left *left, size_t m, const struct ed_right *right,
                    const struct ed_finish *finish)
{
    (void)left;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < right->n; j++)
            ((float *)finish->ret)[i * finish->stride + j] = 1e9f;
}

#define HEARD 150 /* documents between sightings */

static uint64_t hash_of_run(const eddy_engine_options *o, const struct stream *s, size_t batch,
                            const struct ed_kernels *kernels)
{
    eddy_clusterer *cl = clusterer_new(o);
    eddy_assignment *a = calloc(s->n, sizeof *a);
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_record *records;
    size_t n;
    eddy_error err = {0};
    if (kernels)
        cl->kernels = kernels;
    for (size_t i = 0, next; i < s->n; i = next) {
        size_t border = (i / HEARD + 1) * HEARD; /* at the same places whatever the batches */
        next = i + batch < border ? i + batch : border;
        next = next < s->n ? next : s->n;
        CHECK_OK(eddy_clusterer_assign(cl, s->rows + i, next - i, a + i, &err), &err);
        for (size_t k = 0; k < next && next == border; k += 3) { /* old ones, too */
            eddy_error gone = {0};
            eddy_clusterer_seen(cl, a[k].group, 3, s->rows[next - 1].time_ms + 1, &gone);
        }
    }
    sums_hold(cl);
    CHECK_OK(eddy_clusterer_records(cl, arena, &records, &n, &err), &err);
    uint64_t hash = eddy_clusterer_hash(cl);
    eddy_arena_free(arena);
    eddy_clusterer_free(cl);
    free(a);
    return hash;
}

static void same_whoever_proposes(const eddy_engine_options *o, uint64_t seed)
{
    static const struct ed_kernels all = {.name = "all", .precision = ED_INT8, .product = promise};
    struct stream s = stream_make(seed, 1500, 150, 1.2);
    uint64_t hash = hash_of_run(o, &s, 100, &all);
    const struct ed_kernels *kernels;
    for (size_t k = 0; (kernels = ed_kernels_at(k)); k++)
        if (kernels->precision == ED_INT8 && kernels->usable())
            assert_int_equal(hash_of_run(o, &s, 100, kernels), hash);
    assert_int_equal(hash_of_run(o, &s, 37, NULL), hash);
    stream_free(&s);
}

TEST(who_proposes_does_not_show)
{
    eddy_engine_options o = stream_options();
    same_whoever_proposes(&o, test_seed());
}

/* Words are forgotten in the middle of blocks, weights grow, events fade and make room. */
TEST(who_proposes_does_not_show_with_every_option_on)
{
    eddy_engine_options o = stream_options();
    o.half_life_ms = 200000;
    o.idle_penalty = 0.1;
    o.idle_half_ms = 60000;
    o.fade_ms = 300000;
    o.events_max = 48;
    o.words_max = 1024;
    same_whoever_proposes(&o, test_seed());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_proposes_does_not_show),
        cmocka_unit_test(who_proposes_does_not_show_with_every_option_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
