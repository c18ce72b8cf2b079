/* A real server with a model that knows nothing (tests/llm/real-server) through the real embeddings
 * client: its vectors mean nothing either, but each text has its own, however it is asked for.
 *
 * Prints what it saw. */
#include "test.h"

#include "base/time.h"
#include "remote/embeddings.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define N 24

static char written[N][80];
static eddy_str texts[N];

struct real {
    struct ed_embeddings *e; /* the embedder's */
    eddy_embedder *embedder;
    eddy_arena *scratch;
    size_t dim;
};

static struct real real_open(size_t batch_max, size_t tokens_max)
{
    struct ed_embeddings_options o;
    struct real r = {.scratch = eddy_arena_new(0)};
    eddy_error err = {0};
    ed_embeddings_options_init(&o);
    o.http.url = getenv("EDDY_LLM_URL");
    o.http.timeout_ms = 240000;
    o.http.stall_ms = 120000;
    o.http.concurrency = 2;
    o.model = getenv("EDDY_LLM_MODEL");
    o.batch_max = batch_max;
    o.tokens_max = tokens_max;
    CHECK_OK(ed_embeddings_open(&o, NULL, NULL, &r.e, &err), &err);
    eddy_endpoint endpoint = ed_embeddings_endpoint(r.e);
    eddy_embedder_options options = {.model = "endpoint", .endpoint = &endpoint};
    CHECK_OK(eddy_embedder_open(&options, &r.embedder, &err), &err);
    r.dim = eddy_embedder_dim(r.embedder);
    return r;
}

static void real_close(struct real *r)
{
    eddy_embedder_free(r->embedder);
    eddy_arena_free(r->scratch);
}

static double cosine(const float *a, const float *b, size_t dim)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static int texts_make(void **state)
{
    (void)state;
    for (int i = 0; i < N; i++) {
        snprintf(written[i], sizeof written[i], "%c%c%d: the bridge over river %d is closed",
                 'a' + i, 'z' - i, i * 37, i);
        texts[i] = (eddy_str){written[i], strlen(written[i])};
    }
    return 0;
}

TEST(each_text_has_its_vector_however_it_is_asked_for)
{
    struct real many = real_open(8, 480), single = real_open(1, 480);
    struct ed_embeddings_stats stats;
    float *a = malloc(N * many.dim * sizeof *a), *b = malloc(N * many.dim * sizeof *b);
    eddy_error err = {0};
    int64_t began = ed_monotonic_ms();
    CHECK_OK(eddy_embedder_embed(many.embedder, texts, N, many.scratch, a, &err), &err);
    int64_t took = ed_monotonic_ms() - began;
    CHECK_OK(eddy_embedder_embed(single.embedder, texts, N, single.scratch, b, &err), &err);
    ed_embeddings_stats(many.e, &stats);
    printf("%s: %d texts in %lld ms, %llu tokens, %llu requests, the first in %lld ms\n",
           eddy_embedder_name(many.embedder), N, (long long)took, (unsigned long long)stats.tokens,
           (unsigned long long)stats.http.requests, (long long)stats.test_ms);
    for (size_t i = 0; i < N; i++) {
        const float *row = a + i * many.dim;
        assert_true(fabs(cosine(row, row, many.dim) - 1) < 1e-5);
        assert_true(cosine(row, b + i * many.dim, many.dim) > 0.999);
        for (size_t k = 0; k < i; k++)
            assert_true(cosine(row, a + k * many.dim, many.dim) < 0.9999);
    }
    assert_int_equal(stats.http.requests, 1 + N / 8);
    assert_true(stats.tokens > 0 && !stats.refused && !stats.nonsense);
    assert_true(eddy_embedder_fingerprint(many.embedder) ==
                eddy_embedder_fingerprint(single.embedder));
    free(a);
    free(b);
    real_close(&many);
    real_close(&single);
}

/* A token a byte: this is more than the model's context. */
TEST(a_text_beyond_its_context_is_cut_by_one_of_us)
{
    struct real r = real_open(8, 1000000);
    char *text = malloc(40001);
    float *row = malloc(r.dim * sizeof *row);
    eddy_error err = {0};
    for (int i = 0; i < 40000; i++)
        text[i] = "flood water "[i % 12];
    const eddy_str one = {text, 40000};
    CHECK_OK(eddy_embedder_embed(r.embedder, &one, 1, r.scratch, row, &err), &err);
    assert_true(fabs(cosine(row, row, r.dim) - 1) < 1e-5);
    free(row);
    free(text);
    real_close(&r);
}

static atomic_int stop;

static int is_stopped(void *user)
{
    (void)user;
    return atomic_load(&stop);
}

static void *embed_for_long(void *arg)
{
    static eddy_status st;
    struct real *r = arg;
    const eddy_embed_caller caller = {.stopped = is_stopped};
    float *rows = malloc(N * r->dim * sizeof *rows);
    for (st = EDDY_OK; st == EDDY_OK;)
        st = eddy_embedder_embed_for(r->embedder, &caller, texts, N, r->scratch, rows, NULL);
    free(rows);
    return &st;
}

TEST(a_stop_does_not_wait_for_what_is_being_embedded)
{
    struct real r = real_open(8, 480);
    pthread_t thread;
    void *st;
    pthread_create(&thread, NULL, embed_for_long, &r);
    usleep(300000);
    int64_t began = ed_monotonic_ms();
    atomic_store(&stop, 1);
    pthread_join(thread, &st);
    printf("stopped after %lld ms\n", (long long)(ed_monotonic_ms() - began));
    assert_true(ed_monotonic_ms() - began < 200);
    assert_int_equal(*(eddy_status *)st, EDDY_STOPPED);
    real_close(&r);
}

int main(void)
{
    if (!getenv("EDDY_LLM_URL") || !getenv("EDDY_LLM_MODEL")) {
        fputs("no server: tests/llm/real-server starts one\n", stderr);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_text_has_its_vector_however_it_is_asked_for),
        cmocka_unit_test(a_text_beyond_its_context_is_cut_by_one_of_us),
        cmocka_unit_test(a_stop_does_not_wait_for_what_is_being_embedded),
    };
    return cmocka_run_group_tests(tests, texts_make, NULL);
}
