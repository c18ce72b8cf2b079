/* Metrics: each declared once, with its name, kind, help, and where its value stands.
 *
 * Label sets are bounded by the configuration: shards, partitions, stages, causes; never an event.
 * A series of a shard is there while the shard is ours, and goes with it. Counters of documents are
 * since the shard began, whoever owned it; all others of this process. */
#include "cli/site.h"

#include "base/memory.h"
#include "base/time.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- per shard: a number of its look ---- */

struct number {
    struct ed_metric metric;
    size_t at;                 /* of an uint64_t in struct ed_shard_look */
    const char *label, *value; /* NULL: none but the shard */
};
#define AT(field) offsetof(struct ed_shard_look, field)
#define LIKE      NULL, ED_COUNTER, NULL /* one more series of the metric before */

static const struct number numbers[] = {
    {{"eddy_documents_in_total", ED_COUNTER,
      "Messages read: assigned, founded, filtered, dead and those under way together."},
     AT(counts.in),
     NULL,
     NULL},
    {{"eddy_documents_total", ED_COUNTER, "Documents by what became of them."},
     AT(counts.assigned),
     "outcome",
     "assigned"},
    {{LIKE}, AT(counts.founded), "outcome", "founded"},
    {{LIKE}, AT(counts.filtered), "outcome", "filtered"},
    {{LIKE}, AT(counts.dead), "outcome", "dead"},
    {{"eddy_documents_duplicate_total", ED_COUNTER,
      "Documents that had come before, among the filtered."},
     AT(counts.duplicates),
     NULL,
     NULL},
    {{"eddy_documents_committed_total", ED_COUNTER, "Messages whose answers are visible."},
     AT(counts.committed),
     NULL,
     NULL},
    {{"eddy_documents_time_missing_total", ED_COUNTER,
      "Documents whose own time was not taken: none, or too far ahead."},
     AT(counts.time_fallback),
     NULL,
     NULL},
    {{"eddy_documents_late_total", ED_COUNTER, "Messages that were merged out of order."},
     AT(progress.late),
     NULL,
     NULL},
    {{"eddy_documents_lost_total", ED_COUNTER,
      "Messages that the broker had deleted before they were read."},
     AT(progress.missing),
     NULL,
     NULL},
    {{"eddy_keyphrases_total", ED_COUNTER, "Documents that should have keyphrases."},
     AT(counts.phrased),
     "outcome",
     "found"},
    {{LIKE}, AT(counts.unphrased), "outcome", "missing"},

    {{"eddy_events_active", ED_GAUGE, "Events in memory."},
     AT(meters.engine.events_active),
     NULL,
     NULL},
    {{"eddy_events_total", ED_COUNTER, "What happened to events."},
     AT(meters.engine.events_born),
     "change",
     "born"},
    {{LIKE}, AT(meters.engine.merged), "change", "merged"},
    {{LIKE}, AT(meters.engine.split), "change", "split"},
    {{LIKE}, AT(meters.engine.faded), "change", "faded"},
    {{"eddy_groups_active", ED_GAUGE, "Micro-clusters inside events."},
     AT(meters.engine.groups_active),
     NULL,
     NULL},
    {{"eddy_groups_total", ED_COUNTER, "What happened to micro-clusters."},
     AT(meters.engine.moved),
     "change",
     "moved"},
    {{LIKE}, AT(meters.engine.folded), "change", "folded"},
    {{"eddy_topics_active", ED_GAUGE, "Topics over events."}, AT(meters.engine.topics), NULL, NULL},
    {{"eddy_themes_active", ED_GAUGE, "Themes over topics."}, AT(meters.engine.themes), NULL, NULL},
    {{"eddy_repair_passes_total", ED_COUNTER, "Repair passes of the engine."},
     AT(meters.engine.passes),
     NULL,
     NULL},
    {{"eddy_caps_hit_total", ED_COUNTER,
      "What a ceiling drove out, or kept out: events that faded early, words, links and redirects "
      "that were forgotten, alerts that did not begin, templates and places of log lines."},
     AT(meters.engine.events_max_hits),
     "cap",
     "events_max"},
    {{LIKE}, AT(meters.engine.words_dropped), "cap", "words_max"},
    {{LIKE}, AT(meters.engine.links_max_hits), "cap", "links_max"},
    {{LIKE}, AT(meters.engine.redirects_max_hits), "cap", "redirects_max"},
    {{LIKE}, AT(meters.alerts_refused), "cap", "alerts_max"},
    {{LIKE}, AT(meters.miner.dropped), "cap", "templates_max"},
    {{LIKE}, AT(meters.miner.places_max_hits), "cap", "places_max"},
    {{LIKE}, AT(meters.miner.flood_lines), "cap", "template_flood"},
    {{"eddy_window_left_total", ED_COUNTER,
      "What is no more among the last so many that are kept, as happens to all of it in time."},
     AT(meters.engine.window_left),
     "window",
     "documents"},
    {{LIKE}, AT(meters.engine.duplicates_left), "window", "duplicates"},
    {{LIKE}, AT(meters.engine.folds_left), "window", "folds"},
    {{LIKE}, AT(meters.engine.faded_left), "window", "faded"},
    {{"eddy_templates_active", ED_GAUGE, "Templates of log lines."},
     AT(meters.miner.templates),
     NULL,
     NULL},
    {{"eddy_operations_total", ED_COUNTER, "Operations of people, programs and models."},
     AT(counts.operations),
     "outcome",
     "applied"},
    {{LIKE}, AT(counts.refused), "outcome", "refused"},
    {{LIKE}, AT(counts.control_dead), "outcome", "unreadable"},

    {{"eddy_epochs_total", ED_COUNTER, "Epochs committed: a Kafka transaction each."},
     AT(journal.epochs),
     NULL,
     NULL},
    {{"eddy_epochs_aborted_total", ED_COUNTER, "Transactions that were aborted and sent again."},
     AT(journal.aborted),
     NULL,
     NULL},
    {{"eddy_commit_retries_total", ED_COUNTER, "Commits that were tried again later."},
     AT(counts.commit_retries),
     NULL,
     NULL},
    {{"eddy_fences_total", ED_COUNTER, "Times that this process fenced an earlier owner."},
     AT(journal.fences),
     NULL,
     NULL},
    {{"eddy_state_records_total", ED_COUNTER, "Records of the state, written."},
     AT(journal.records),
     NULL,
     NULL},
    {{"eddy_state_written_bytes_total", ED_COUNTER, "Their bytes."},
     AT(journal.record_bytes),
     NULL,
     NULL},
    {{"eddy_state_memory_bytes", ED_GAUGE, "Memory that the engine holds."},
     AT(meters.engine.bytes),
     NULL,
     NULL},

    {{"eddy_reason_passes_total", ED_COUNTER, "Passes of the reasoner."},
     AT(counts.reason.passes),
     NULL,
     NULL},
    {{"eddy_reason_passes_failed_total", ED_COUNTER, "Passes to which not one answer came."},
     AT(counts.reason.passes_failed),
     NULL,
     NULL},
    {{"eddy_reason_questions_total", ED_COUNTER, "Questions asked of a language model."},
     AT(counts.reason.asked),
     NULL,
     NULL},
    {{"eddy_reason_answers_total", ED_COUNTER, "What came of questions; some were never asked."},
     AT(counts.reason.answered),
     "outcome",
     "answered"},
    {{LIKE}, AT(counts.reason.failed), "outcome", "failed"},
    {{LIKE}, AT(counts.reason.rejected), "outcome", "nonsense"},
    {{LIKE}, AT(counts.reason.over_budget), "outcome", "over_budget"},
    {{"eddy_reason_tokens_total", ED_COUNTER, "Tokens, counted by the endpoint or estimated."},
     AT(counts.reason.tokens_in),
     "direction",
     "in"},
    {{LIKE}, AT(counts.reason.tokens_out), "direction", "out"},
    {{"eddy_reason_retries_total", ED_COUNTER, "Calls that were tries of an earlier one."},
     AT(counts.reason.retries),
     NULL,
     NULL},
    {{"eddy_reason_waiting", ED_GAUGE, "Operations that are decided and not applied yet."},
     AT(counts.reason.waiting),
     NULL,
     NULL},
};

/* A shard's number; of processes that only embed, a partition with its topic, as they may have
 * several.
 */
#define SHARD_TEXT 280
static struct ed_labels labels_of(const struct ed_shard_look *at, char text[SHARD_TEXT])
{
    snprintf(text, SHARD_TEXT, "%s%s%" PRId32, at->topic ? at->topic : "", at->topic ? "-" : "",
             at->shard);
    return (struct ed_labels){1, {{"shard", text}}};
}

static void with(struct ed_labels *labels, const char *name, const char *value)
{
    if (name && labels->n < ED_LABELS_MAX)
        labels->at[labels->n++] = (struct ed_label){name, value};
}

static void put_numbers(const struct ed_sight *s, struct ed_exposition *x)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const struct number *m = &numbers[i];
        if (m->metric.name)
            ed_expose(x, &m->metric);
        for (size_t k = 0; k < s->n; k++) {
            char shard[SHARD_TEXT];
            uint64_t value;
            struct ed_labels labels = labels_of(&s->shards[k], shard);
            memcpy(&value, (const char *)&s->shards[k] + m->at, sizeof value);
            with(&labels, m->label, m->value);
            if (s->shards[k].runs)
                ed_expose_value(x, &labels, (double)value);
        }
    }
}

/* ---- per shard: distributions ---- */

static const struct {
    struct ed_metric metric;
    size_t at; /* of a struct ed_distribution */
    const char *label, *value;
} distributions[] = {
    {{"eddy_stage_seconds", ED_HISTOGRAM,
      "Time that an epoch took to be filled (read) and made visible (commit), and what went as one "
      "to be embedded and assigned."},
     AT(meters.read),
     "stage",
     "read"},
    {{NULL, ED_HISTOGRAM, NULL}, AT(meters.embed), "stage", "embed"},
    {{NULL, ED_HISTOGRAM, NULL}, AT(meters.assign), "stage", "assign"},
    {{NULL, ED_HISTOGRAM, NULL}, AT(meters.commit), "stage", "commit"},
    {{"eddy_batch_documents", ED_HISTOGRAM, "Messages in an epoch."},
     AT(meters.documents),
     NULL,
     NULL},
    {{"eddy_document_seconds", ED_HISTOGRAM,
      "Time of a document from being read until its answer was visible."},
     AT(meters.inside),
     NULL,
     NULL},
    {{"eddy_delay_seconds", ED_HISTOGRAM,
      "Time of a document from its timestamp at the broker until its answer was visible."},
     AT(meters.delay),
     NULL,
     NULL},
    {{"eddy_transaction_open_seconds", ED_HISTOGRAM, "Time that a transaction was open."},
     AT(journal.open),
     NULL,
     NULL},
};

static void put_distributions(const struct ed_sight *s, struct ed_exposition *x)
{
    for (size_t i = 0; i < sizeof distributions / sizeof *distributions; i++) {
        if (distributions[i].metric.name)
            ed_expose(x, &distributions[i].metric);
        for (size_t k = 0; k < s->n; k++) {
            char shard[SHARD_TEXT];
            struct ed_distribution d;
            struct ed_labels labels = labels_of(&s->shards[k], shard);
            memcpy(&d, (const char *)&s->shards[k] + distributions[i].at, sizeof d);
            with(&labels, distributions[i].label, distributions[i].value);
            if (s->shards[k].runs)
                ed_expose_histogram(x, &labels, &d);
        }
    }
}

/* ---- per shard: what a table of counters cannot tell ---- */

/* One series for each value of a label. */
static void put_each(const struct ed_sight *s, struct ed_exposition *x,
                     const struct ed_metric *metric, const char *label, size_t n,
                     const char *(*name)(size_t i),
                     double (*value)(const struct ed_shard_look *at, size_t i))
{
    ed_expose(x, metric);
    for (size_t k = 0; k < s->n; k++)
        for (size_t i = 0; i < n && s->shards[k].runs; i++) {
            char shard[SHARD_TEXT];
            struct ed_labels labels = labels_of(&s->shards[k], shard);
            if (!name(i))
                continue;
            with(&labels, label, name(i));
            ed_expose_value(x, &labels, value(&s->shards[k], i));
        }
}

static const char *dead_name(size_t i)
{
    return i ? eddy_reject_code((eddy_reject)i) : NULL;
}

static double dead_value(const struct ed_shard_look *at, size_t i)
{
    return (double)at->counts.dead_by[i];
}

static const char *refusal_name(size_t i)
{
    return i ? eddy_refusal_name((eddy_refusal)i) : NULL;
}

static double refusal_value(const struct ed_shard_look *at, size_t i)
{
    return (double)at->meters.engine.refused[i];
}

static const char *cause_name(size_t i)
{
    return ed_http_cause_name((enum ed_http_cause)i);
}

static double cause_value(const struct ed_shard_look *at, size_t i)
{
    return (double)at->counts.reason.replies[i];
}

static const char *ring_name(size_t i)
{
    static const char *const names[] = {"embed", "assign", "commit"};
    return names[i];
}

static double ring_value(const struct ed_shard_look *at, size_t i)
{
    const size_t n[] = {at->meters.waiting_embed, at->meters.waiting_assign,
                        at->meters.waiting_commit};
    return (double)n[i];
}

static void put_causes(const struct ed_sight *s, struct ed_exposition *x)
{
    static const struct ed_metric dead = {
        "eddy_documents_dead_total", ED_COUNTER,
        "Messages of this run that could not be used, by reason."};
    static const struct ed_metric refused = {
        "eddy_operations_refused_total", ED_COUNTER,
        "Operations that the engine refused, by reason; those of statistics included."};
    static const struct ed_metric replies = {
        "eddy_reason_calls_total", ED_COUNTER,
        "Requests to the language model's endpoint by what came of them."};
    static const struct ed_metric waiting = {"eddy_batches_waiting", ED_GAUGE,
                                             "Batches that wait for a stage."};
    put_each(s, x, &dead, "reason", EDDY_REJECTS, dead_name, dead_value);
    put_each(s, x, &refused, "reason", EDDY_REFUSALS, refusal_name, refusal_value);
    put_each(s, x, &replies, "cause", ED_HTTP_CAUSES, cause_name, cause_value);
    put_each(s, x, &waiting, "stage", 3, ring_name, ring_value);
}

/* A number that has to be made. */
static void put_made(const struct ed_sight *s, struct ed_exposition *x,
                     const struct ed_metric *metric,
                     double (*value)(const struct ed_shard_look *at))
{
    ed_expose(x, metric);
    for (size_t k = 0; k < s->n; k++) {
        char shard[SHARD_TEXT];
        struct ed_labels labels = labels_of(&s->shards[k], shard);
        if (s->shards[k].runs)
            ed_expose_value(x, &labels, value(&s->shards[k]));
    }
}

static double stream_time(const struct ed_shard_look *at)
{
    return at->meters.engine.documents ? (double)at->meters.engine.stream_ms / 1e3 : NAN;
}

static double threshold(const struct ed_shard_look *at)
{
    return at->meters.engine.documents ? at->meters.engine.threshold : NAN;
}

static double money(const struct ed_shard_look *at)
{
    return at->counts.reason.money;
}

static double good_pass_age(const struct ed_shard_look *at)
{
    int64_t good_ms = at->counts.reason.good_ms;
    return good_ms ? (double)(ed_monotonic_ms() - good_ms) / 1e3 : NAN;
}

static double asks(const struct ed_shard_look *at)
{
    return !at->counts.reason.broken;
}

static double restored(const struct ed_shard_look *at)
{
    return (double)at->journal.restore_ms / 1e3;
}

static const char *form_name(size_t i)
{
    return i ? "profile" : "share";
}

static double form_value(const struct ed_shard_look *at, size_t i)
{
    return i ? at->meters.stability.csai_profile : at->meters.stability.csai_share;
}

static void put_rest(const struct ed_sight *s, struct ed_exposition *x)
{
    static const struct ed_metric stability = {
        "eddy_index_stability", ED_GAUGE,
        "Cluster stability assessment index of a run of documents, between where each came to and "
        "where it was some thousand documents later: 0 is stable; in both forms of eddy/score.h."};
    static const struct {
        struct ed_metric metric;
        double (*value)(const struct ed_shard_look *at);
    } rest[] = {
        {{"eddy_stream_time_seconds", ED_GAUGE, "Stream time: the latest time of any document."},
         stream_time},
        {{"eddy_threshold", ED_GAUGE, "How alike two documents must be, as learned."}, threshold},
        {{"eddy_restore_seconds", ED_GAUGE, "Time that taking the state over took."}, restored},
        {{"eddy_reason_money_total", ED_COUNTER,
          "Money spent on a language model, by reason.price_in and reason.price_out."},
         money},
        {{"eddy_reason_endpoint_up", ED_GAUGE,
          "1 unless the language model fails so often that it is not asked now."},
         asks},
        {{"eddy_reason_good_pass_age_seconds", ED_GAUGE,
          "Time since the last pass in which nothing failed."},
         good_pass_age},
    };
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        put_made(s, x, &rest[i].metric, rest[i].value);
    put_each(s, x, &stability, "form", 2, form_name, form_value);
}

/* ---- per shard: what the board says of the whole ---- */

static void put_indexes(const struct ed_sight *s, struct ed_exposition *x)
{
    static const struct {
        struct ed_metric metric;
        size_t at; /* of a double in struct ed_board_whole */
    } indexes[] = {
        {{"eddy_index_silhouette", ED_GAUGE,
          "Simplified silhouette of active events, -1 to 1, large is good: mean over documents."},
         offsetof(struct ed_board_whole, silhouette)},
        {{"eddy_index_davies_bouldin", ED_GAUGE,
          "Davies-Bouldin index of active events, small is good: mean over events."},
         offsetof(struct ed_board_whole, davies_bouldin)},
        {{"eddy_index_compactness", ED_GAUGE,
          "Root mean square distance of documents to the mean of their event, small is good."},
         offsetof(struct ed_board_whole, compactness)},
        {{"eddy_index_separation", ED_GAUGE,
          "Distance of an event to the nearest other, large is good: mean over events."},
         offsetof(struct ed_board_whole, separation)},
        {{"eddy_index_drift", ED_GAUGE,
          "Distance that events travel in an hour of stream time: mean over documents."},
         offsetof(struct ed_board_whole, drift)},
    };
    /* Each is a walk over all pictures: once for all indexes. Without memory there are none. */
    struct ed_board_whole *wholes = ed_alloc_zero(s->n, sizeof *wholes);
    for (size_t k = 0; k < s->n && wholes; k++)
        ed_board_whole(s->board, (uint32_t)s->shards[k].shard, &wholes[k]);
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
        ed_expose(x, &indexes[i].metric);
        for (size_t k = 0; k < s->n && wholes; k++) {
            char shard[SHARD_TEXT];
            double value;
            struct ed_labels labels = labels_of(&s->shards[k], shard);
            memcpy(&value, (const char *)&wholes[k] + indexes[i].at, sizeof value);
            ed_expose_value(x, &labels, value);
        }
    }
    ed_free(wholes);
}

/* ---- per partition ---- */

struct lag {
    struct ed_exposition *x;
    const char *shard;
};

static void put_lag(void *p, const char *topic, int32_t partition, uint64_t behind)
{
    const struct lag *lag = p;
    char number[16];
    snprintf(number, sizeof number, "%" PRId32, partition);
    const struct ed_labels labels = {
        3, {{"shard", lag->shard}, {"topic", topic}, {"partition", number}}};
    ed_expose_value(lag->x, &labels, (double)behind);
}

static void put_shard_lags(void *p, struct ed_shard *shard, const struct ed_shard_look *at)
{
    char number[SHARD_TEXT];
    struct ed_labels labels = labels_of(at, number);
    struct lag lag = {p, labels.at[0].value};
    if (shard && at->owned)
        ed_shard_lags(shard, put_lag, &lag);
}

static void put_lags(const struct ed_sight *s, struct ed_exposition *x)
{
    static const struct ed_metric lag = {
        "eddy_lag_messages", ED_GAUGE,
        "Messages that wait at the broker, of partitions that are ours and whose end is known."};
    ed_expose(x, &lag);
    if (s->stream && s->stream->shards)
        ed_shards_each(s->stream->shards, put_shard_lags, x);
    else if (s->stream && s->stream->shard)
        put_shard_lags(x, s->stream->shard, &s->shards[0]);
}

/* ---- of the process ---- */

static void put_one(struct ed_exposition *x, const struct ed_metric *metric, double value)
{
    ed_expose(x, metric);
    ed_expose_value(x, NULL, value);
}

static void put_shards(const struct ed_sight *s, struct ed_exposition *x)
{
    static const struct ed_metric metric = {"eddy_shards", ED_GAUGE,
                                            "Shards by what we do with them."};
    static const char *const names[] = {"running", "starting", "followed"};
    size_t n[3] = {0};
    for (size_t i = 0; i < s->n; i++)
        n[!s->shards[i].owned ? 2 : !s->shards[i].runs]++;
    ed_expose(x, &metric);
    for (size_t i = 0; i < 3; i++)
        ed_expose_value(x, &(struct ed_labels){1, {{"state", names[i]}}}, (double)n[i]);
}

static void put_embedder(const struct ed_sight *s, struct ed_exposition *x)
{
    static const struct ed_metric
        hits = {"eddy_embed_cache_hits_total", ED_COUNTER, "Texts whose vectors were known."},
        misses = {"eddy_embed_cache_misses_total", ED_COUNTER, "Texts that had to be embedded."},
        evictions = {"eddy_embed_cache_evictions_total", ED_COUNTER,
                     "Vectors that made room for others."},
        held = {"eddy_embed_cache_vectors", ED_GAUGE, "Vectors in the cache."},
        bytes = {"eddy_embed_cache_max_bytes", ED_GAUGE, "Memory of the cache when it is full."},
        up = {"eddy_embed_endpoint_up", ED_GAUGE,
              "1 unless texts wait for an embeddings endpoint that gives them nothing."},
        calls = {"eddy_embed_endpoint_calls_total", ED_COUNTER,
                 "Requests to it by what came of them."},
        texts = {"eddy_embed_endpoint_texts_total", ED_COUNTER, "Texts that it has embedded."},
        refused = {"eddy_embed_endpoint_refused_total", ED_COUNTER, "Texts that it has refused."},
        tokens = {"eddy_embed_endpoint_tokens_total", ED_COUNTER, "Tokens that it has counted."};
    put_one(x, &hits, (double)s->cache.hits);
    put_one(x, &misses, (double)s->cache.misses);
    put_one(x, &evictions, (double)s->cache.evictions);
    put_one(x, &held, (double)s->cache.held);
    put_one(x, &bytes, (double)s->cache.bytes);
    if (!s->has_endpoint)
        return;
    put_one(x, &up, !s->endpoint.down);
    ed_expose(x, &calls);
    for (size_t i = 0; i < ED_HTTP_CAUSES; i++)
        ed_expose_value(x, &(struct ed_labels){1, {{"cause", cause_name(i)}}},
                        (double)s->endpoint.http.replies[i]);
    put_one(x, &texts, (double)s->endpoint.texts);
    put_one(x, &refused, (double)s->endpoint.refused);
    put_one(x, &tokens, (double)s->endpoint.tokens);
}

/* The n-th field, from 0, of a file of /proc that is one line of blanks and words; a name in
 * brackets before them is passed over. NaN: not there. */
static double proc_field(const char *path, int n)
{
    char text[1024];
    FILE *in = fopen(path, "r");
    size_t got = in ? fread(text, 1, sizeof text - 1, in) : 0;
    if (in)
        fclose(in);
    text[got] = 0;
    char *at = strrchr(text, ')'), *rest = at ? at + 1 : text;
    for (char *word; (word = strtok_r(rest, " \n", &rest)) != NULL;)
        if (!n--)
            return atof(word);
    return NAN;
}

static void put_board(const struct ed_sight *s, struct ed_exposition *x)
{
    static const struct ed_metric
        lost = {"eddy_board_lost_total", ED_COUNTER,
                "What the API cannot show for lack of memory."},
        left = {"eddy_board_left_total", ED_COUNTER,
                "What the API shows no more, for only the last so many are kept for it."};
    struct ed_board_left at;
    ed_board_left(s->board, &at);
    const struct {
        const char *what;
        uint64_t n;
    } series[] = {{"changes", at.changes},
                  {"documents", at.documents},
                  {"faded", at.faded},
                  {"merged", at.merged}};
    put_one(x, &lost, (double)ed_board_lost(s->board));
    ed_expose(x, &left);
    for (size_t i = 0; i < sizeof series / sizeof *series; i++)
        ed_expose_value(x, &(struct ed_labels){1, {{"what", series[i].what}}}, (double)series[i].n);
}

static void put_process(const struct ed_sight *s, struct ed_exposition *x)
{
    static const struct ed_metric resident = {"process_resident_memory_bytes", ED_GAUGE,
                                              "Resident memory."},
                                  cpu = {"process_cpu_seconds_total", ED_COUNTER,
                                         "User and system time of the processor."},
                                  began = {"process_start_time_seconds", ED_GAUGE,
                                           "When this run began, Unix time."},
                                  build = {"eddy_build_info", ED_GAUGE,
                                           "1, with the version and what embeds."};
    double tick = (double)sysconf(_SC_CLK_TCK);
    put_one(x, &resident, proc_field("/proc/self/statm", 1) * (double)sysconf(_SC_PAGESIZE));
    put_one(x, &cpu,
            (proc_field("/proc/self/stat", 11) + proc_field("/proc/self/stat", 12)) / tick);
    put_one(x, &began, (double)s->began_ms / 1e3);
    put_board(s, x);
    ed_expose(x, &build);
    ed_expose_value(
        x,
        &(struct ed_labels){
            3,
            {{"version", eddy_version()},
             {"pipeline", s->config->pipeline},
             {"embedder", s->stream ? ed_stream_encoder(s->stream, s->config) : "starting"}}},
        1);
}

void ed_metrics_write(const struct ed_sight *s, struct ed_exposition *x)
{
    put_process(s, x);
    put_shards(s, x);
    put_numbers(s, x);
    put_causes(s, x);
    put_rest(s, x);
    put_distributions(s, x);
    put_lags(s, x);
    put_indexes(s, x);
    put_embedder(s, x);
}
