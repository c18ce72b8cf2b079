/* The input of a seed: documents around a few directions, in one to three partitions, with gaps in
 * the offsets (as transactional producers leave them), and now and then a message that is no
 * document. */
#include "sim.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define WORDS 5

static eddy_str text_of(struct sim_input *input, const char *format, ...)
{
    char text[64];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return ed_arena_str(input->arena, text, (size_t)n);
}

static void row_make(struct sim_input *input, struct sim_doc *d, struct sim_random *r, int subject,
                     double noise)
{
    float *x = ed_arena_alloc_aligned(input->arena, SIM_DENSE * sizeof *x);
    double square = 0;
    for (int i = 0; i < SIM_DENSE; i++) {
        struct sim_random own = {(uint64_t)(subject * 7919 + i)};
        x[i] = (float)(sim_unit(&own) - 0.5 + noise * (sim_unit(r) - 0.5));
        square += (double)x[i] * (double)x[i];
    }
    for (int i = 0; i < SIM_DENSE; i++)
        x[i] /= (float)sqrt(square);

    eddy_term *t = ed_arena_alloc_zero(input->arena, WORDS, sizeof *t);
    for (int k = 0; k < WORDS; k++) {
        int64_t word = k < 3 ? 100 + subject * 3 + k : sim_below(r, 20) + 20 * (k - 3);
        eddy_str s = text_of(input, "w%d", (int)word);
        t[k] = (eddy_term){ed_fnv1a(ED_FNV_BASIS, s.at, s.n), s.at, (uint16_t)s.n, 1};
    }
    d->row = (eddy_row){.dense = x,
                        .terms = t,
                        .n_terms = WORDS,
                        .time_ms = d->doc.time_ms,
                        .id = d->doc.id,
                        .title = d->doc.title,
                        .same = ed_fnv1a(ED_FNV_BASIS, d->doc.id.at, d->doc.id.n)};
}

static void doc_make(struct sim_input *input, struct sim_doc *d, struct sim_random *r, int subjects,
                     int poison_chance)
{
    eddy_position at = {SIM_TOPIC, d->partition, d->offset};
    d->doc.position = at;
    d->doc.id = text_of(input, "d%d-%d", (int)d->partition, (int)d->offset);
    d->doc.time_ms = 1700000000000 + d->arrives_ms * 1000 - sim_below(r, 5000);
    int subject = (int)sim_below(r, subjects);
    d->doc.title = text_of(input, "subject %d, told by %s", subject, d->doc.id.at);
    d->poison = sim_chance(r, poison_chance);
    d->filtered = !d->poison && sim_chance(r, poison_chance);
    if (!d->poison) {
        row_make(input, d, r, subject, 0.3 + sim_unit(r));
        return;
    }
    size_t n = sim_chance(r, 16384) ? 3000 : 20; /* some are too large for the broker */
    char *bytes = ed_arena_alloc(input->arena, n);
    memset(bytes, 'x', n);
    d->raw = (eddy_raw){.bytes = bytes,
                        .n = n,
                        .key = d->doc.id.at,
                        .n_key = d->doc.id.n,
                        .broker_ms = d->doc.time_ms,
                        .arrival_ms = d->doc.time_ms,
                        .position = at};
}

void sim_input_make(struct sim_input *input, struct sim_random *r, int partitions_max)
{
    input->arena = eddy_arena_new(0);
    input->n_partitions = (int)sim_between(r, 1, partitions_max);
    input->n_docs = (size_t)sim_between(r, 30, 150);
    input->docs = calloc(input->n_docs, sizeof *input->docs);
    if (!input->arena || !input->docs)
        abort();
    int subjects = (int)sim_between(r, 2, 10);
    int poison_chance = sim_chance(r, 32768) ? (int)sim_between(r, 1000, 10000) : 0;
    int gap_chance = sim_chance(r, 32768) ? 8000 : 0;
    int64_t spread_ms = sim_between(r, 1, 2000);
    size_t at = 0;
    for (int p = 0; p < input->n_partitions; p++) {
        size_t n = p == input->n_partitions - 1
                       ? input->n_docs - at
                       : (size_t)sim_below(r, (int64_t)(input->n_docs - at) + 1);
        input->first[p] = at;
        int64_t offset = 0;
        for (size_t i = 0; i < n; i++, at++) {
            if (sim_chance(r, gap_chance))
                offset += sim_between(r, 1, 3);
            struct sim_doc *d = &input->docs[at];
            d->partition = (int32_t)p;
            d->offset = offset++;
            d->arrives_ms = (int64_t)i * spread_ms / (int64_t)n + sim_below(r, 20);
            if (i && d->arrives_ms < d[-1].arrives_ms)
                d->arrives_ms = d[-1].arrives_ms;
            doc_make(input, d, r, subjects, poison_chance);
        }
        input->end[p] = offset;
    }
    for (int p = input->n_partitions; p <= SIM_INPUTS; p++)
        input->first[p] = at;
}

void sim_input_free(struct sim_input *input)
{
    free(input->docs);
    eddy_arena_free(input->arena);
    memset(input, 0, sizeof *input);
}

size_t sim_input_seek(const struct sim_input *input, int32_t partition, int64_t offset)
{
    size_t at = input->first[partition];
    while (at < input->first[partition + 1] && input->docs[at].offset < offset)
        at++;
    return at;
}

struct sim_doc *sim_input_at(const struct sim_input *input, int32_t partition, int64_t offset)
{
    if (partition < 0 || partition >= input->n_partitions)
        return NULL;
    size_t at = sim_input_seek(input, partition, offset);
    if (at == input->first[partition + 1] || input->docs[at].offset != offset)
        return NULL;
    return &input->docs[at];
}
