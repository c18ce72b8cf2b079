/* What is in the files of a run that was killed again and again: after each restore what the head
 * tells of, at the end everything, line by line what an undisturbed run writes. */
#include "judge.h"
#include "shard.h"

#include "base/memory.h"
#include "journal/head.h"

#include <stdio.h>
#include <stdlib.h>

struct lines {
    char *at;
    size_t n;
};

/* NAME, or NAME.part while it is not finished; no file is no lines. */
static struct lines lines_read(const char *path, int part)
{
    struct lines lines = {NULL, 0};
    char name[80];
    snprintf(name, sizeof name, "%s%s", path, part ? ".part" : "");
    FILE *in = fopen(name, "rb");
    long n = 0;
    if (in && !fseek(in, 0, SEEK_END))
        n = ftell(in);
    lines.at = calloc(1, (size_t)n + 1);
    if (!lines.at)
        abort();
    if (in) {
        rewind(in);
        lines.n = fread(lines.at, 1, (size_t)n, in);
        fclose(in);
    }
    return lines;
}

static long long number_of(const char *line, const char *field)
{
    const char *at = strstr(line, field);
    return at ? strtoll(at + strlen(field), NULL, 10) : -1;
}

struct look {
    struct sim *sim;
    struct sim_doc **docs; /* (n) answered, dead letters last, then what was filtered */
    size_t n;
    char *seen; /* of each document */
    int64_t next[SIM_INPUTS];
};

/* I1 and I3 of one file. */
static void answers_read(struct look *look, const struct lines *lines, int poison)
{
    struct sim *sim = look->sim;
    int64_t after[SIM_INPUTS] = {0};
    for (char *at = lines->at, *end; *at && !sim->failed; at = end + 1) {
        end = strchr(at, '\n');
        if (!end) {
            sim_fail(sim, "files: a line is torn: %.80s", at);
            return;
        }
        *end = 0;
        int partition = (int)number_of(at, "\"partition\":");
        long long offset = number_of(at, "\"offset\":");
        struct sim_doc *d = sim_input_at(&sim->input, partition, offset);
        *end = '\n';
        if (!d || d->filtered || d->poison != poison) {
            sim_fail(sim, "I1: a line for %d-%lld, which is not there", partition, offset);
        } else if (look->seen[d - sim->input.docs]++) {
            sim_fail(sim, "I1: two lines for %d-%lld", partition, offset);
        } else if (offset < after[partition]) {
            sim_fail(sim, "I3: %d-%lld comes too late", partition, offset);
        } else {
            look->docs[look->n++] = d;
            after[partition] = offset + 1;
            if (look->next[partition] <= offset)
                look->next[partition] = offset + 1;
        }
    }
}

/* The lines of a topic are the truth's messages. */
static void lines_check(struct sim *sim, const struct ed_epoch *truth, enum ed_topic topic,
                        const struct lines *lines)
{
    size_t at = 0;
    for (size_t i = 0; i < truth->n_messages && !sim->failed; i++) {
        const struct ed_message *m = &truth->messages[i];
        if (m->topic != topic)
            continue;
        if (lines->n - at < m->value.n + 1 || memcmp(lines->at + at, m->value.at, m->value.n) != 0)
            sim_fail(sim, "I2: topic %d: %.100s instead of %.100s", (int)topic, lines->at + at,
                     m->value.at);
        at += m->value.n + 1;
    }
    if (!sim->failed && at != lines->n)
        sim_fail(sim, "I2: topic %d: a line too many: %.100s", (int)topic, lines->at + at);
}

/* What was filtered below where the head goes on; without a head: all of it. */
static void filtered_take(struct look *look, const struct ed_head *head)
{
    const struct sim_input *input = &look->sim->input;
    for (size_t i = 0; i < input->n_docs; i++) {
        struct sim_doc *d = &input->docs[i];
        const struct ed_offset *o = head ? ed_head_find(head, SIM_TOPIC, d->partition) : NULL;
        if (!d->filtered || (head && d->offset >= (o ? o->next : 0)))
            continue;
        look->docs[look->n++] = d;
        if (look->next[d->partition] <= d->offset)
            look->next[d->partition] = d->offset + 1;
    }
}

static void head_check(struct look *look, const struct ed_mark *truth, const struct ed_head *head)
{
    struct sim *sim = look->sim;
    for (int i = 0; i < sim->input.n_partitions && !sim->failed; i++) {
        const struct ed_offset *o = ed_head_find(head, SIM_TOPIC, i);
        if ((o ? o->next : 0) != look->next[i])
            sim_fail(sim, "I5: partition %d: the head goes on at %lld, the lines at %lld", i,
                     (long long)(o ? o->next : 0), (long long)look->next[i]);
    }
    if (!sim->failed && head->mark.epoch && head->mark.hash != truth->hash)
        sim_fail(sim, "I2: the head has state %016llx, the lines %016llx",
                 (unsigned long long)head->mark.hash, (unsigned long long)truth->hash);
}

void sim_files_judge(struct sim *sim, const char *const paths[ED_TOPICS],
                     const struct ed_head *head)
{
    struct sim_shard shard = {.options = NULL};
    struct lines lines[ED_TOPICS];
    eddy_arena *arena = eddy_arena_new(0);
    struct ed_epoch epoch;
    eddy_error err = {0};
    struct look look = {.sim = sim,
                        .docs = calloc(sim->input.n_docs + 1, sizeof(void *)),
                        .seen = calloc(sim->input.n_docs + 1, 1)};
    if (!arena || !look.docs || !look.seen)
        abort();
    ed_epoch_init(&epoch, arena);
    sim->held++;
    for (int t = 0; t < ED_TOPICS; t++)
        lines[t] = lines_read(paths[t], head && !head->mark.ended);
    answers_read(&look, &lines[ED_ASSIGNMENTS], 0);
    answers_read(&look, &lines[ED_DEAD], 1);
    if (!sim->failed)
        filtered_take(&look, head);
    if (!sim->failed && (sim_shard_reset(&shard, sim, &err) != EDDY_OK ||
                         sim_shard_epoch(&shard, look.docs, look.n, &epoch, &err) != EDDY_OK))
        sim_fail(sim, "judge: %s", err.text);
    for (int t = 0; t < ED_TOPICS; t++)
        if (!sim->failed && t != ED_DEAD)
            lines_check(sim, &epoch, (enum ed_topic)t, &lines[t]);
    if (!sim->failed && head)
        head_check(&look, &epoch.mark, head);
    if (!sim->failed && (!head || head->mark.ended) && look.n != sim->input.n_docs)
        sim_fail(sim, "I1: %zu of %zu documents are answered", look.n, sim->input.n_docs);
    sim->held--;
    sim->counts.epochs++;
    sim_shard_clear(&shard);
    ed_epoch_clear(&epoch);
    eddy_arena_free(arena);
    for (int t = 0; t < ED_TOPICS; t++)
        free(lines[t].at);
    free(look.docs);
    free(look.seen);
}
