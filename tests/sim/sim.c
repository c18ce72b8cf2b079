/* eddy_sim: the protocol of exactly once under simulated failures.
 *
 *   eddy_sim --seeds N [--first S] [--mutant K]   each seed, in blocks, in child processes
 *   eddy_sim --seeds N [--first S] --mutants      each mutant, until it is caught
 *   eddy_sim --seed S [--mutant K] [--trace]      one, in this process, step by step
 *
 * --json prints one object for each result. Exit 0: no violation, or of a mutant: it was caught. 1:
 * not so. 2: it could not run. */
#include "sim.h"

#include "base/json.h"
#include "base/point.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 100

static const char *const mutants[ED_MUTANTS] = {
    "none",
    "read before fence",
    "offsets outside",
    "state before commit",
    "lost on rebuild",
    "store unhashed",
    "commit guessed",
    "doubt ignored",
    "resent blindly",
    "foreign ignored",
    "forgotten unread",
};

struct result {
    struct sim_counts counts;
    uint64_t seeds, violations, seed; /* seed: the first with a violation */
    char failure[600];
};

struct options {
    uint64_t seeds, first;
    int single, traced, json, mutants;
};

/* ---- one seed, with a folder of its own ---- */

/* A folder of folders of files. */
static void folder_remove(const char *path)
{
    DIR *all = opendir(path);
    struct dirent *entry;
    while (all && (entry = readdir(all))) {
        char name[400];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (unlink(name))
            folder_remove(name);
    }
    if (all)
        closedir(all);
    rmdir(path);
}

static const char *folder_root(void)
{
    struct stat st;
    return !stat("/dev/shm", &st) && !access("/dev/shm", W_OK) ? "/dev/shm" : "/tmp";
}

static int seed_run(uint64_t seed, const struct options *o, struct result *result)
{
    char folder[100];
    struct sim sim = {.seed = seed, .traced = o->traced};
    snprintf(folder, sizeof folder, "%s/eddy-sim-XXXXXX", folder_root());
    if (!mkdtemp(folder) || chdir(folder)) { /* no path of ours differs from run to run */
        perror(folder);
        exit(2);
    }
    int good = sim_run(&sim);
    folder_remove(folder);
    const uint64_t *from = (const uint64_t *)&sim.counts;
    uint64_t *to = (uint64_t *)&result->counts;
    for (size_t i = 0; i < sizeof sim.counts / sizeof *from; i++)
        to[i] += from[i];
    result->seeds++;
    if (!good && !result->violations++) {
        result->seed = seed;
        memcpy(result->failure, sim.failure, sizeof sim.failure);
    }
    return good;
}

/* ---- blocks ---- */

/* Run a block in a child, so that what its crashed processes leaked goes with it. */
static int block_run(uint64_t first, uint64_t n, const struct options *o, struct result *total)
{
    int ends[2], status = 0;
    struct result result = {.seeds = 0};
    if (pipe(ends))
        return 0;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        for (uint64_t i = 0; i < n; i++)
            if (!seed_run(first + i, o, &result) && ed_mutant_now)
                break;
        fflush(stdout);
        _exit(write(ends[1], &result, sizeof result) == (ssize_t)sizeof result ? 0 : 2);
    }
    close(ends[1]);
    int whole = pid > 0 && read(ends[0], &result, sizeof result) == (ssize_t)sizeof result;
    close(ends[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!whole || !WIFEXITED(status) || WEXITSTATUS(status)) {
        fprintf(stderr, "a child died (status %d) in seeds %llu to %llu\n", status,
                (unsigned long long)first, (unsigned long long)(first + n - 1));
        return 0;
    }
    const uint64_t *from = (const uint64_t *)&result.counts;
    uint64_t *to = (uint64_t *)&total->counts;
    for (size_t i = 0; i < sizeof result.counts / sizeof *from; i++)
        to[i] += from[i];
    if (result.violations && !total->violations) {
        total->seed = result.seed;
        memcpy(total->failure, result.failure, sizeof total->failure);
    }
    total->seeds += result.seeds;
    total->violations += result.violations;
    return 1;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void report(const struct options *o, const struct result *r, double seconds)
{
    const struct sim_counts *c = &r->counts;
    if (r->violations && !o->json)
        printf("%s seed %llu (of %llu, %llu violations): %.200s\n",
               ed_mutant_now ? "caught by" : "VIOLATION in", (unsigned long long)r->seed,
               (unsigned long long)r->seeds, (unsigned long long)r->violations, r->failure);
    if (ed_mutant_now && !o->json) {
        printf("%s(%llu seeds, %.1f s)\n", r->violations ? "" : "NOT CAUGHT ",
               (unsigned long long)r->seeds, seconds);
        return;
    }
    if (!o->json) {
        printf("seeds %llu  steps %llu  epochs %llu  %.1f s\n", (unsigned long long)r->seeds,
               (unsigned long long)c->steps, (unsigned long long)c->epochs, seconds);
        printf(
            "crashes %llu  stalls %llu  takeovers %llu  fenced %llu  aborts %llu  timeouts %llu  "
            "lingered %llu\n",
            (unsigned long long)c->crashes, (unsigned long long)c->stalls,
            (unsigned long long)c->takeovers, (unsigned long long)c->fences,
            (unsigned long long)c->aborts, (unsigned long long)c->timeouts,
            (unsigned long long)c->lingered);
        printf("restores %llu, from the store %llu, refused %llu  compactions %llu  damages %llu  "
               "aborted records %llu  forgotten %llu\n",
               (unsigned long long)c->restores, (unsigned long long)c->restores_from_store,
               (unsigned long long)c->refusals, (unsigned long long)c->compactions,
               (unsigned long long)c->damages, (unsigned long long)c->bitten,
               (unsigned long long)c->forgotten);
        return;
    }
    struct ed_bytes line;
    ed_bytes_init(&line, 0);
    ed_json_open(&line, '{');
    ed_json_key(&line, "mutant");
    ed_json_text(&line, mutants[ed_mutant_now], strlen(mutants[ed_mutant_now]));
    const struct {
        const char *name;
        uint64_t n;
    } numbers[] = {{"seeds", r->seeds},     {"steps", c->steps},           {"epochs", c->epochs},
                   {"crashes", c->crashes}, {"violations", r->violations}, {"seed", r->seed},
                   {"bitten", c->bitten}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        ed_json_key(&line, numbers[i].name);
        ed_json_integer(&line, (int64_t)numbers[i].n);
    }
    ed_json_key(&line, "seconds");
    ed_json_number(&line, seconds);
    ed_json_key(&line, "failure");
    ed_json_text(&line, r->failure, strlen(r->failure));
    ed_json_close(&line, '}');
    puts(line.at);
    ed_bytes_clear(&line);
}

/* Blocks until the end, or until a mutant is caught. 0: a child died. */
static int seeds_run(const struct options *o, struct result *result)
{
    uint64_t end = o->first + o->seeds;
    double start = now_s();
    *result = (struct result){.seeds = 0};
    for (uint64_t at = o->first; at < end && !(ed_mutant_now && result->violations); at += BLOCK)
        if (!block_run(at, end - at < BLOCK ? end - at : BLOCK, o, result))
            return 0;
    report(o, result, now_s() - start);
    return 1;
}

/* Each of them; the exit code. */
static int mutants_run(const struct options *o)
{
    int missed = 0;
    struct result result;
    for (int m = 1; m < ED_MUTANTS; m++) {
        ed_mutant_now = (enum ed_mutant)m;
        if (!o->json)
            printf("mutant %d, %s: ", m, mutants[m]);
        if (!seeds_run(o, &result))
            return 2;
        missed += !result.violations;
    }
    return missed > 0;
}

static int usage(void)
{
    fputs("usage: eddy_sim --seeds N [--first S] [--mutant K | --mutants] [--json]\n"
          "       eddy_sim --seed S [--mutant K] [--trace]\n"
          "mutants:",
          stderr);
    for (int i = 1; i < ED_MUTANTS; i++)
        fprintf(stderr, " %d %s%s", i, mutants[i], i + 1 < ED_MUTANTS ? "," : "\n");
    return 2;
}

static int options_read(struct options *o, int n, char **args)
{
    for (int i = 1; i < n; i++) {
        const char *name = args[i];
        if (!strcmp(name, "--trace")) {
            o->traced = 1;
            continue;
        }
        if (!strcmp(name, "--mutants")) {
            o->mutants = 1;
            continue;
        }
        if (!strcmp(name, "--json")) {
            o->json = 1;
            continue;
        }
        if (i + 1 == n)
            return 0;
        uint64_t value = strtoull(args[++i], NULL, 10);
        if (!strcmp(name, "--seeds")) {
            o->seeds = value;
        } else if (!strcmp(name, "--first")) {
            o->first = value;
        } else if (!strcmp(name, "--seed")) {
            o->single = 1;
            o->first = value;
        } else if (!strcmp(name, "--mutant") && value < ED_MUTANTS) {
            ed_mutant_now = (enum ed_mutant)value;
        } else {
            return 0;
        }
    }
    return o->single || o->seeds;
}

int main(int n, char **args)
{
    struct options o = {.first = 1};
    struct result result = {.seeds = 0};
    const struct rlimit file_max = {64 << 20, 64 << 20}; /* /dev/shm is memory */
    setrlimit(RLIMIT_FSIZE, &file_max);
    if (!options_read(&o, n, args))
        return usage();
    if (o.mutants)
        return mutants_run(&o);
    if (o.single) {
        seed_run(o.first, &o, &result);
        report(&o, &result, 0);
    } else if (!seeds_run(&o, &result)) {
        return 2;
    }
    return (result.violations > 0) == (ed_mutant_now != ED_MUTANT_NONE) ? 0 : 1;
}
