/* The C half of tools/bench/logs: scan and miner alone, over a file of messages, one a line.
 *
 *   bench_logs assign FILE           for each line: its template as it passed and as it is at the
 * end, both by name, and the text of the latter; parted by tabs bench_logs speed FILE [ROUNDS]
 * lines, bytes, CPU seconds of the scan, of the look-up, templates, signatures absorbed, bytes of
 * memory; a line for each round bench_logs memory FILE           templates and bytes of memory
 * after 1, 2, 4 ... lines bench_logs records FILE EVERY    lines, records, their bytes, of each so
 * many lines */
#include <eddy/templates.h>

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH 4096

static void must(eddy_status st, const eddy_error *err)
{
    if (st == EDDY_OK)
        return;
    fprintf(stderr, "bench_logs: %s\n", err->text);
    exit(1);
}

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- the file ---- */

struct input {
    char *bytes;
    eddy_str *lines; /* (n) */
    size_t n, n_bytes;
};

static struct input input_read(const char *path)
{
    struct input in = {0};
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) {
        fprintf(stderr, "bench_logs: %s: cannot open\n", path);
        exit(1);
    }
    in.n_bytes = (size_t)ftell(file);
    rewind(file);
    in.bytes = malloc(in.n_bytes + 1);
    if (!in.bytes || fread(in.bytes, 1, in.n_bytes, file) != in.n_bytes)
        exit(1);
    fclose(file);
    for (size_t i = 0; i < in.n_bytes; i++)
        in.n += in.bytes[i] == '\n';
    in.lines = malloc((in.n + 1) * sizeof *in.lines);
    if (!in.lines)
        exit(1);
    const char *from = in.bytes;
    for (size_t i = 0; i < in.n; i++) {
        const char *end = memchr(from, '\n', (size_t)(in.bytes + in.n_bytes - from));
        in.lines[i] = (eddy_str){from, (size_t)(end - from)};
        from = end + 1;
    }
    return in;
}

static eddy_miner *miner_new(void)
{
    eddy_error err = {0};
    eddy_miner_options o;
    eddy_miner *m = NULL;
    eddy_miner_options_init(&o);
    must(eddy_miner_new(&o, &m, &err), &err);
    return m;
}

/* ---- batches ---- */

struct batch {
    eddy_arena *arena;
    eddy_line lines[BATCH];
    eddy_line_answer answers[BATCH];
};

static size_t batch_scan(struct batch *b, const struct input *in, size_t from)
{
    eddy_error err = {0};
    size_t n = in->n - from < BATCH ? in->n - from : BATCH;
    eddy_arena_reset(b->arena);
    for (size_t i = 0; i < n; i++) {
        b->lines[i].message = in->lines[from + i];
        b->lines[i].time_ms = (int64_t)(from + i);
        must(eddy_scan_message(in->lines[from + i], NULL, 0, b->arena, &b->lines[i].scan, &err),
             &err);
    }
    return n;
}

static struct batch *batch_new(void)
{
    struct batch *b = malloc(sizeof *b);
    if (!b)
        exit(1);
    b->arena = eddy_arena_new(0);
    ed_arena_keep(b->arena, (size_t)64 << 20);
    return b;
}

static void batch_free(struct batch *b)
{
    eddy_arena_free(b->arena);
    free(b);
}

/* ---- what is asked ---- */

static void assign(const struct input *in)
{
    eddy_error err = {0};
    eddy_miner *m = miner_new();
    struct batch *b = batch_new();
    uint64_t *ids = malloc((in->n + 1) * sizeof *ids);
    if (!ids)
        exit(1);
    for (size_t from = 0, n; from < in->n; from += n) {
        n = batch_scan(b, in, from);
        must(eddy_miner_take(m, b->lines, n, b->answers, &err), &err);
        for (size_t i = 0; i < n; i++)
            ids[from + i] = b->answers[i].id;
    }
    for (size_t i = 0; i < in->n; i++) {
        eddy_template t;
        char name[EDDY_TEMPLATE_NAME];
        eddy_arena_reset(b->arena);
        eddy_template_name(ids[i], name);
        must(eddy_miner_template(m, ids[i], b->arena, &t, &err), &err);
        if (t.merged_into)
            must(eddy_miner_template(m, t.merged_into, b->arena, &t, &err), &err);
        printf("%s\t%s\t%.*s\n", name, t.name, (int)t.text.n, t.text.at);
    }
    free(ids);
    batch_free(b);
    eddy_miner_free(m);
}

static void speed(const struct input *in, int rounds)
{
    eddy_error err = {0};
    for (int round = 0; round < rounds; round++) {
        eddy_miner *m = miner_new();
        struct batch *b = batch_new();
        eddy_miner_stats stats;
        double scan = 0, look = 0;
        for (size_t from = 0, n; from < in->n; from += n) {
            double start = cpu_now();
            n = batch_scan(b, in, from);
            double scanned = cpu_now();
            must(eddy_miner_take(m, b->lines, n, b->answers, &err), &err);
            scan += scanned - start;
            look += cpu_now() - scanned;
        }
        eddy_miner_stats_read(m, &stats);
        printf("%zu %zu %.6f %.6f %llu %llu %zu\n", in->n, in->n_bytes, scan, look,
               (unsigned long long)stats.templates, (unsigned long long)stats.absorbed,
               stats.bytes);
        batch_free(b);
        eddy_miner_free(m);
    }
}

static void memory(const struct input *in)
{
    eddy_error err = {0};
    eddy_miner *m = miner_new();
    struct batch *b = batch_new();
    eddy_miner_stats stats;
    size_t next = BATCH;
    for (size_t from = 0, n; from < in->n; from += n) {
        n = batch_scan(b, in, from);
        must(eddy_miner_take(m, b->lines, n, b->answers, &err), &err);
        if (from + n < next && from + n < in->n)
            continue;
        next *= 2;
        eddy_miner_stats_read(m, &stats);
        printf("%zu %llu %llu %zu\n", from + n, (unsigned long long)stats.templates,
               (unsigned long long)stats.merged, stats.bytes);
    }
    batch_free(b);
    eddy_miner_free(m);
}

static void records(const struct input *in, size_t every)
{
    eddy_error err = {0};
    eddy_miner *m = miner_new();
    struct batch *b = batch_new();
    eddy_arena *arena = eddy_arena_new(0);
    size_t due = every;
    for (size_t from = 0, n; from < in->n; from += n) {
        n = batch_scan(b, in, from);
        must(eddy_miner_take(m, b->lines, n, b->answers, &err), &err);
        if (from + n < due && from + n < in->n)
            continue;
        due += every;
        const eddy_record *list;
        size_t n_list, bytes = 0;
        eddy_arena_reset(arena);
        must(eddy_miner_records(m, arena, &list, &n_list, &err), &err);
        for (size_t i = 0; i < n_list; i++)
            bytes += sizeof list[i].key + list[i].value.n;
        printf("%zu %zu %zu\n", from + n, n_list, bytes);
    }
    eddy_arena_free(arena);
    batch_free(b);
    eddy_miner_free(m);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: bench_logs assign|speed|memory|records FILE [N]\n");
        return 2;
    }
    struct input in = input_read(argv[2]);
    long n = argc > 3 ? strtol(argv[3], NULL, 10) : 1;
    if (!strcmp(argv[1], "assign"))
        assign(&in);
    else if (!strcmp(argv[1], "speed"))
        speed(&in, (int)n);
    else if (!strcmp(argv[1], "memory"))
        memory(&in);
    else if (!strcmp(argv[1], "records"))
        records(&in, (size_t)n);
    free(in.lines);
    free(in.bytes);
    return 0;
}
