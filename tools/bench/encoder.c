/* bench_encoder: the encoder alone, asked slice by slice so that others can be asked in turn.
 *
 *   bench_encoder DIR PRECISION THREADS
 *
 * opens the model of a directory and prints its name. Then it answers each line of standard input
 * with one line:
 *
 *   texts PATH            take the lines of a file as texts: how many there are
 *   time FROM N           embed these: seconds of CPU and of the clock
 *   vectors FROM N PATH   embed these into a file, float32 (n, dim): the number of dimensions
 *   invariant FROM N SEED 1: these have the same bits one by one, and in other orders, calls of
 *                         other sizes and on other numbers of threads; else 0
 *   memory                kB resident of its own, and of mapped files
 *
 * Texts go in calls of CALL, as a pipeline's worker makes them, in the order in which they came:
 * threads take one call after the other. */
#include "base/hash.h"

#include <eddy/embed.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CALL          32
#define CALL_MAX      64 /* of random ones */
#define THREADS_MAX   64
#define INVARIANT_RUN 8 /* random batchings that are tried */
#define SCRATCH_BYTES ((size_t)1 << 30)

static eddy_embedder *embedder;
static size_t dim;
static eddy_arena *scratch[THREADS_MAX];
static eddy_str *texts;
static size_t n_texts;

__attribute__((noreturn)) static void die(const char *what)
{
    fprintf(stderr, "bench_encoder: %s\n", what);
    exit(1);
}

static void *room(size_t count, size_t size)
{
    void *p = calloc(count + 1, size);
    if (!p)
        die("no memory");
    return p;
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- one job: texts in calls, shared by threads ---- */

struct job {
    const size_t *order; /* (n) numbers of texts */
    const size_t *cut;   /* (n_calls + 1) first text of each call in order, and the end */
    size_t n_calls;
    atomic_size_t next;
    float *rows; /* (n, dim) in order */
};

struct hand {
    struct job *job;
    eddy_arena *arena;
};

static void *hand_main(void *p)
{
    struct hand *hand = p;
    struct job *job = hand->job;
    eddy_str call[CALL_MAX];
    for (size_t c; (c = atomic_fetch_add(&job->next, 1)) < job->n_calls;) {
        size_t from = job->cut[c], n = job->cut[c + 1] - from;
        eddy_error err = {0};
        for (size_t i = 0; i < n; i++)
            call[i] = texts[job->order[from + i]];
        if (eddy_embedder_embed(embedder, call, n, hand->arena, job->rows + from * dim, &err) !=
            EDDY_OK)
            die(err.text);
    }
    return NULL;
}

static void job_run(struct job *job, size_t n_threads)
{
    pthread_t threads[THREADS_MAX];
    struct hand hands[THREADS_MAX];
    for (size_t i = 0; i < n_threads; i++) {
        if (!scratch[i] && !(scratch[i] = eddy_arena_new(SCRATCH_BYTES)))
            die("no memory");
        hands[i] = (struct hand){job, scratch[i]};
        if (i && pthread_create(&threads[i], NULL, hand_main, &hands[i]))
            die("cannot start a thread");
    }
    hand_main(&hands[0]);
    for (size_t i = 1; i < n_threads; i++)
        pthread_join(threads[i], NULL);
}

/* The texts from, from + 1, ... in calls of at most size (0: of random sizes); the rows. */
static float *embed(size_t from, size_t n, size_t size, size_t n_threads, uint64_t seed,
                    size_t *order)
{
    size_t *cut = room(n + 1, sizeof *cut);
    struct job job = {.order = order, .cut = cut, .rows = room(n * dim, sizeof(float))};
    for (size_t i = 0; i < n; i++)
        order[i] = from + i;
    for (size_t i = n; !size && i > 1; i--) {
        size_t j = ed_mix64(seed++) % i, kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
    for (size_t at = 0; at < n;) {
        size_t step = size ? size : 1 + ed_mix64(seed++) % CALL_MAX;
        at += step < n - at ? step : n - at;
        cut[++job.n_calls] = at;
    }
    job_run(&job, n_threads);
    free(cut);
    return job.rows;
}

/* ---- what is asked ---- */

static void texts_take(const char *path)
{
    FILE *in = fopen(path, "r");
    char *line = NULL;
    size_t line_room = 0, list_room = 0;
    ssize_t len;
    if (!in)
        die(path);
    for (n_texts = 0; (len = getline(&line, &line_room, in)) > 0; n_texts++) {
        if (n_texts == list_room) {
            list_room = 2 * list_room + 64;
            texts = realloc(texts, list_room * sizeof *texts);
            if (!texts)
                die("no memory");
        }
        len -= line[len - 1] == '\n';
        texts[n_texts] = (eddy_str){strndup(line, (size_t)len), (size_t)len};
    }
    fclose(in);
    free(line);
    printf("%zu\n", n_texts);
}

static void time_tell(size_t from, size_t n, size_t n_threads)
{
    size_t *order = room(n, sizeof *order);
    double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), wall = seconds(CLOCK_MONOTONIC);
    float *rows = embed(from, n, CALL, n_threads, 0, order);
    printf("%.9f %.9f\n", seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu, seconds(CLOCK_MONOTONIC) - wall);
    free(rows);
    free(order);
}

static void vectors_write(size_t from, size_t n, size_t n_threads, const char *path)
{
    size_t *order = room(n, sizeof *order);
    float *rows = embed(from, n, CALL, n_threads, 0, order);
    FILE *out = fopen(path, "wb");
    if (!out || fwrite(rows, dim * sizeof *rows, n, out) != n || fclose(out))
        die(path);
    printf("%zu\n", dim);
    free(rows);
    free(order);
}

static void invariant_tell(size_t from, size_t n, uint64_t seed)
{
    size_t *order = room(n, sizeof *order);
    float *alone = embed(from, n, 1, 1, 0, order);
    int same = 1;
    for (uint64_t run = 0; run < INVARIANT_RUN && same; run++) {
        seed = ed_mix64(seed + run);
        float *rows = embed(from, n, 0, 1 + run % 4, seed, order);
        for (size_t i = 0; i < n; i++)
            same &= !memcmp(rows + i * dim, alone + (order[i] - from) * dim, dim * sizeof *rows);
        free(rows);
    }
    printf("%d\n", same);
    free(alone);
    free(order);
}

static void memory_tell(void)
{
    FILE *in = fopen("/proc/self/status", "r");
    char line[200];
    long own = 0, file = 0;
    while (in && fgets(line, sizeof line, in)) {
        sscanf(line, "RssAnon: %ld", &own);
        sscanf(line, "RssFile: %ld", &file);
    }
    if (in)
        fclose(in);
    printf("%ld %ld\n", own, file);
}

static void answer(const char *line, size_t n_threads)
{
    char path[4000];
    size_t from = 0, n = 0;
    unsigned long long seed;
    int numbers = sscanf(line, "%*s %zu %zu", &from, &n);
    if (numbers == 2 && (from > n_texts || n > n_texts - from))
        die("there are not so many texts");
    if (sscanf(line, "texts %3999[^\n]", path) == 1)
        texts_take(path);
    else if (sscanf(line, "vectors %zu %zu %3999s", &from, &n, path) == 3)
        vectors_write(from, n, n_threads, path);
    else if (sscanf(line, "invariant %zu %zu %llu", &from, &n, &seed) == 3)
        invariant_tell(from, n, seed);
    else if (sscanf(line, "time %zu %zu", &from, &n) == 2)
        time_tell(from, n, n_threads);
    else if (!strncmp(line, "memory", 6))
        memory_tell();
    else
        die("what is asked cannot be read");
}

int main(int argc, char **argv)
{
    eddy_error err = {0};
    eddy_embedder_options options;
    size_t n_threads = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    if (n_threads < 1 || n_threads > THREADS_MAX)
        die("wanted: DIR PRECISION THREADS");
    eddy_embedder_options_init(&options);
    options.model = "encoder";
    options.dir = argv[1];
    options.precision = argv[2];
    if (eddy_embedder_open(&options, &embedder, &err) != EDDY_OK)
        die(err.text);
    dim = eddy_embedder_dim(embedder);
    printf("%s\n", eddy_embedder_name(embedder));
    fflush(stdout);
    char *line = NULL;
    size_t line_room = 0;
    while (getline(&line, &line_room, stdin) > 0) {
        answer(line, n_threads);
        fflush(stdout);
    }
    return 0;
}
