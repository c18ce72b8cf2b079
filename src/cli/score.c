/* eddy score: what a run wrote against gold labels, or judged without them, three times over.
 *
 *   at arrival     the event each document was given when it came
 *   with lineage   the same, merged events replaced by the one that lives on
 *   after repair   the event in which the document's group is at the end
 *
 * Everything is read as it streams by; of a name (document, label, event, group) only its 64-bit
 * hash is kept. Two of a million names share one with a chance of 3 in 100 million. */
#include "base/error.h"
#include "base/memory.h"
#include "base/table.h"
#include "cli/commands.h"
#include "cli/labels.h"
#include "cli/score_internal.h"
#include "cli/usage.h"
#include "source/source.h"

#include <eddy/score.h>

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define LINE_BYTES_MAX ((size_t)16 << 20)

struct scored {
    uint64_t id, gold, event, group;
};

struct score {
    struct ed_labels gold;
    struct ed_table seen; /* documents that were assigned */
    eddy_lineage *lineage;
    struct scored *docs; /* (n_docs) assigned and labelled; at most as many as gold has */
    size_t n_docs, room_docs;
    uint64_t unmatched, repeated; /* assigned without a label; assigned again */
    struct ed_internal internal;  /* without labels; filled with --internal only */
    int by_gold, by_vectors;      /* what is asked for: --gold, --internal */
    int templates;                /* of a log: its templates in place of its events */
};

enum { ARRIVAL, LINEAGE, FINAL, VIEWS };
static const char *const view_key[VIEWS] = {"arrival", "lineage", "final"};
static const char *const view_title[VIEWS] = {"at arrival", "with lineage", "after repair"};

struct result {
    eddy_scores views[VIEWS];
    double changed; /* share of the documents that repair moved or split off */
    struct ed_internal_result internal;
};

/* ---- lines ---- */

typedef eddy_status line_reader(struct score *s, const eddy_raw *line, eddy_error *err);

static eddy_status each_line(const char *path, line_reader *read, struct score *s, eddy_error *err)
{
    struct ed_source *source = NULL;
    eddy_status st = ed_source_files_open(&path, 1, LINE_BYTES_MAX, NULL, 0, &source, err);
    if (st != EDDY_OK)
        return st;
    int end = 0;
    while (st == EDDY_OK && !end) {
        eddy_raw lines[256];
        size_t n = 0;
        st = ed_source_read(source, 1000, lines, 256, &n, &end, err);
        for (size_t i = 0; st == EDDY_OK && i < n; i++) {
            if (lines[i].n && lines[i].bytes[lines[i].n - 1] == '\r')
                lines[i].n--; /* made elsewhere */
            if (lines[i].n > LINE_BYTES_MAX)
                st = eddy_fail(err, EDDY_FORMAT, ED_PLACE "a line of more than %zu bytes",
                               ED_AT(&lines[i]), LINE_BYTES_MAX);
            else
                st = read(s, &lines[i], err);
        }
    }
    ed_source_free(source);
    return st;
}

static eddy_status gold_line(struct score *s, const eddy_raw *line, eddy_error *err)
{
    return ed_labels_line(&s->gold, line, err);
}

/* ---- the run ---- */

static eddy_status doc_add(struct score *s, struct scored doc, eddy_error *err)
{
    struct scored *list = ed_list_room(s->docs, s->n_docs, &s->room_docs, sizeof *list);
    if (!list)
        return eddy_fail_nomem(err, "documents to score", s->n_docs * sizeof *list);
    s->docs = list;
    s->docs[s->n_docs++] = doc;
    return EDDY_OK;
}

static eddy_status assignment_take(struct score *s, uint64_t id, struct scored doc, eddy_error *err)
{
    eddy_status st = eddy_lineage_assigned(s->lineage, doc.event, doc.group, err);
    if (st == EDDY_OK && s->by_vectors)
        st = ed_internal_assigned(&s->internal, id, doc.event, doc.group, err);
    if (st != EDDY_OK)
        return st;
    if (ed_table_find(&s->seen, id)) {
        s->repeated++;
        return EDDY_OK;
    }
    if (!ed_table_put(&s->seen, id, 1))
        return eddy_fail_nomem(err, "assigned documents", s->seen.room * 4 * sizeof(uint64_t));
    const uint64_t *label = ed_table_find(&s->gold.of, id);
    if (!label) {
        s->unmatched++;
        return EDDY_OK;
    }
    doc.gold = *label;
    return doc_add(s, doc, err);
}

static eddy_status assignment_line(struct score *s, const eddy_raw *line, eddy_error *err)
{
    json_t *value = NULL;
    eddy_status st = ed_line_object(line, &value, err);
    if (st != EDDY_OK)
        return st;
    uint64_t id = ed_name_json(json_object_get(value, "id"));
    const char *of = s->templates ? "template" : "event";
    const char *part = s->templates ? "template" : "group"; /* a template has no parts */
    struct scored doc = {.id = id,
                         .event = ed_name_json(json_object_get(value, of)),
                         .group = ed_name_json(json_object_get(value, part))};
    json_decref(value);
    if (!id || !doc.event)
        return eddy_fail(err, EDDY_FORMAT, ED_PLACE "not an assignment: no %s", ED_AT(line),
                         id ? of : "id");
    return assignment_take(s, id, doc, err);
}

/* What a change says about where documents are. 0: nothing. */
static int change_read(const struct score *s, const json_t *value, const char *kind,
                       eddy_change *ret)
{
    static const eddy_change_kind lineage[] = {EDDY_MERGED, EDDY_MOVED, EDDY_FOLDED,
                                               EDDY_REASSIGNED};
    const char *of = s->templates ? "template" : "event";
    *ret = (eddy_change){.event = ed_name_json(json_object_get(value, of)),
                         .other = ed_name_json(json_object_get(value, "other")),
                         .group = ed_name_json(json_object_get(value, "group")),
                         .into_group = ed_name_json(json_object_get(value, "into_group")),
                         .document = ed_name_json(json_object_get(value, "document"))};
    if (s->templates) {
        ret->kind = EDDY_MERGED;
        return strcmp(kind, "template_merged") == 0;
    }
    for (size_t i = 0; i < sizeof lineage / sizeof lineage[0]; i++)
        if (strcmp(kind, eddy_change_name(lineage[i])) == 0) {
            ret->kind = lineage[i];
            return 1;
        }
    return 0;
}

static eddy_status change_line(struct score *s, const eddy_raw *line, eddy_error *err)
{
    json_t *value = NULL;
    eddy_status st = ed_line_object(line, &value, err);
    if (st != EDDY_OK)
        return st;
    const char *kind = json_string_value(json_object_get(value, "kind"));
    eddy_change change;
    if (kind && change_read(s, value, kind, &change)) {
        st = eddy_lineage_changed(s->lineage, &change, NULL);
        if (st == EDDY_NOMEM)
            st = eddy_fail_nomem(err, "lineage", 0);
        else if (st != EDDY_OK) /* its sentence would name hashes */
            st = eddy_fail(err, EDDY_FORMAT,
                           ED_PLACE "\"%s\" lacks an id, or contradicts a change further up",
                           ED_AT(line), kind);
    }
    if (!kind)
        st = eddy_fail(err, EDDY_FORMAT, ED_PLACE "not a change: no kind", ED_AT(line));
    json_decref(value);
    return st;
}

/* ---- the answer ---- */

static eddy_status score_run(struct score *s, struct result *ret, eddy_error *err)
{
    size_t n = s->n_docs, bytes = 2 * n * sizeof(uint64_t);
    uint64_t *gold = ed_alloc(bytes);
    if (!gold)
        return eddy_fail_nomem(err, "documents to score", bytes);
    uint64_t *found = gold + n;
    for (size_t i = 0; i < n; i++)
        gold[i] = s->docs[i].gold;

    eddy_status st = EDDY_OK;
    size_t changed = 0;
    for (int view = 0; view < VIEWS && st == EDDY_OK; view++) {
        for (size_t i = 0; i < n; i++) {
            const struct scored *doc = &s->docs[i];
            uint64_t lives_on = eddy_lineage_event(s->lineage, doc->event);
            uint64_t now = eddy_lineage_document(s->lineage, doc->id, doc->event, doc->group);
            found[i] = view == ARRIVAL ? doc->event : view == LINEAGE ? lives_on : now;
            changed += view == FINAL && now != lives_on;
        }
        st = eddy_score(gold, found, n, &ret->views[view], err);
    }
    ret->changed = n ? (double)changed / (double)n : 0;
    ed_free(gold);
    return st;
}

/* Labelled documents that the run never assigned. */
static uint64_t missing(const struct score *s)
{
    return s->gold.of.n - s->n_docs;
}

static void print_table(const struct score *s, const struct result *r)
{
    printf("%zu documents in %zu gold clusters", s->n_docs, r->views[FINAL].gold);
    printf("; left out: %" PRIu64 " without a label, %" PRIu64 " never assigned, %" PRIu64
           " repetitions\n\n",
           s->unmatched, missing(s), s->repeated);
    printf("%-13s %7s %6s %6s %6s %6s %6s %6s %6s %6s %6s\n", "", "events", "P", "R", "F1", "NMI",
           "geom.", "ARI", "V", "GA", "FGA");
    for (int view = 0; view < VIEWS; view++) {
        const eddy_scores *v = &r->views[view];
        printf("%-13s %7zu %6.3f %6.3f %6.3f %6.3f %6.3f %6.3f %6.3f %6.3f %6.3f\n",
               view_title[view], v->found, v->bcubed_p, v->bcubed_r, v->bcubed_f, v->nmi,
               v->nmi_geometric, v->ari, v->v_measure, v->ga, v->fga);
    }
    printf("\nP, R, F1: BCubed. Repair moved or split off %.1f %% of the documents.\n",
           100 * r->changed);
}

static void print_json(const struct score *s, const struct result *r)
{
    printf("\"documents\":%zu,\"gold\":%zu,\"unmatched\":%" PRIu64 ",\"missing\":%" PRIu64
           ",\"repeated\":%" PRIu64,
           s->n_docs, r->views[FINAL].gold, s->unmatched, missing(s), s->repeated);
    for (int view = 0; view < VIEWS; view++) {
        const eddy_scores *v = &r->views[view];
        printf(",\"%s\":{\"events\":%zu,\"p\":%.9f,\"r\":%.9f,\"f\":%.9f,\"nmi\":%.9f,"
               "\"nmi_geometric\":%.9f,\"ari\":%.9f,\"homogeneity\":%.9f,\"completeness\":%.9f,"
               "\"v_measure\":%.9f,\"ga\":%.9f,\"fga\":%.9f}",
               view_key[view], v->found, v->bcubed_p, v->bcubed_r, v->bcubed_f, v->nmi,
               v->nmi_geometric, v->ari, v->homogeneity, v->completeness, v->v_measure, v->ga,
               v->fga);
    }
    printf(",\"changed\":%.9f", r->changed);
}

static void print(const struct score *s, const struct result *r, int json)
{
    if (json) {
        printf("{");
        if (s->by_gold)
            print_json(s, r);
        if (s->by_vectors) {
            printf("%s\"internal\":", s->by_gold ? "," : "");
            ed_internal_print_json(&r->internal);
        }
        printf("}\n");
        return;
    }
    if (s->by_gold)
        print_table(s, r);
    if (s->by_gold && s->by_vectors)
        printf("\n");
    if (s->by_vectors)
        ed_internal_print(&r->internal);
}

/* ---- the command ---- */

/* What eddy wrote, and the labels. */
static eddy_status read_run(struct score *s, const char *gold, const char *assignments,
                            const char *changes, eddy_error *err)
{
    eddy_status st = eddy_lineage_new(&s->lineage, err);
    if (st == EDDY_OK && s->by_gold)
        st = each_line(gold, gold_line, s, err);
    if (st == EDDY_OK)
        st = each_line(assignments, assignment_line, s, err);
    if (st == EDDY_OK)
        st = each_line(changes, change_line, s, err);
    if (st == EDDY_OK && s->by_gold && !s->n_docs)
        st = eddy_fail(err, EDDY_FORMAT,
                       "score: no document of %s has a label in %s (%zu labels, %" PRIu64
                       " documents without one); do the ids agree?",
                       assignments, gold, s->gold.of.n, s->unmatched);
    return st;
}

static eddy_status score_files(struct score *s, struct ed_config *config, const char *gold,
                               const char *assignments, const char *changes, struct result *ret,
                               eddy_error *err)
{
    eddy_status st = read_run(s, gold, assignments, changes, err);
    if (st == EDDY_OK && s->by_vectors)
        st = ed_internal_read(&s->internal, config, err);
    if (st == EDDY_OK && s->by_gold)
        st = score_run(s, ret, err);
    if (st == EDDY_OK && s->by_vectors)
        st = ed_internal_score(&s->internal, s->lineage, &ret->internal, err);
    return st;
}

static void score_clear(struct score *s)
{
    ed_labels_clear(&s->gold);
    ed_table_clear(&s->seen);
    eddy_lineage_free(s->lineage);
    ed_free(s->docs);
    ed_internal_clear(&s->internal);
}

static int score_and_print(struct score *s, struct ed_config *config, const char *gold,
                           const char *assignments, const char *changes, int json)
{
    eddy_error err = {0};
    struct result result;
    if (score_files(s, config, gold, assignments, changes, &result, &err) != EDDY_OK)
        return ed_exit_with(&err);
    print(s, &result, json);
    if (fflush(stdout) != 0) {
        eddy_fail(&err, EDDY_IO, "standard output: cannot write");
        return ed_exit_with(&err);
    }
    return ED_EXIT_OK;
}

/* What the command line must say, and what it may not. */
static int settings_wrong(struct score *s, const char *id_path, const char *label_path,
                          const char *gold, const char *assignments, const char *changes)
{
    eddy_error err = {0};
    eddy_status st = EDDY_OK;
    if (!(gold || s->by_vectors) || !assignments || !changes)
        st = eddy_fail(&err, EDDY_INVALID,
                       "score needs --gold FILE (or --internal) and --run DIR (or --assignments "
                       "and --changes)");
    if (st == EDDY_OK)
        st = ed_labels_init(&s->gold, id_path, label_path, &err);
    if (st != EDDY_OK)
        ed_exit_with(&err);
    return st != EDDY_OK;
}

int ed_cmd_score(int argc, char **argv)
{
    const char *gold = NULL, *run = NULL, *assignments = NULL, *changes = NULL, *json = NULL;
    const char *internal = NULL, *templates = NULL;
    const char *id_path = "/id", *label_path = "/label";
    const struct ed_flag flags[] = {
        {"gold", 0, "FILE", "the labels: JSON Lines, or id and label as CSV or TSV", &gold},
        {"gold-id", 0, "POINTER", "where the id is in a line of JSON; /id", &id_path},
        {"gold-label", 0, "POINTER", "where the label is; /label", &label_path},
        {"run", 0, "DIR", "what eddy detect -o DIR wrote", &run},
        {"assignments", 0, "FILE", "in place of DIR/assignments.jsonl", &assignments},
        {"changes", 0, "FILE", "in place of DIR/changes.jsonl", &changes},
        {"templates", 0, NULL, "of a log: its templates in place of its events", &templates},
        {"internal", 0, NULL, "judge the events by the vectors of the documents in FILE...",
         &internal},
        {"json", 0, NULL, "one JSON object in place of the table", &json},
    };
    const struct ed_command command = {
        .name = "score",
        .synopsis = "eddy score --gold FILE --run DIR\n"
                    "       eddy score --internal --run DIR [--gold FILE] FILE...",
        .about = "Compare what a run found with gold labels: BCubed, NMI, ARI, V-measure, and\n"
                 "grouping accuracy (GA, FGA); at arrival, with merged events followed, and\n"
                 "after repair.\n\n"
                 "With --internal, without labels: simplified silhouette, Davies-Bouldin,\n"
                 "Calinski-Harabasz, and the stability index of CSAI in two forms, by the vectors\n"
                 "of the documents (document.vector, or the embedder of embed.model) in FILE...,\n"
                 "which the run has read. They say how well apart and how even events are, not\n"
                 "that they are right: compare runs with the same vectors only. CSAI as published\n"
                 "(shares) has a known weakness: labels drawn at random in unequal proportions\n"
                 "can score as well as the right answer. The corrected form (profiles) does not.",
        .examples = "  eddy detect -o found news.jsonl\n"
                    "  eddy score --gold news.jsonl --gold-label /story --run found\n"
                    "  eddy score --internal --run found news.jsonl\n",
        .takes = ED_TAKES_CONFIG | ED_TAKES_FILES,
        .flags = flags,
        .n_flags = sizeof flags / sizeof flags[0],
    };
    struct ed_config config;
    int code = ed_config_start(argc, argv, &command, &config);
    if (code >= 0)
        return code;
    if (run && !assignments)
        assignments = ed_arena_printf(config.arena, "%s/assignments.jsonl", run).at;
    if (run && !changes)
        changes = ed_arena_printf(config.arena, "%s/changes.jsonl", run).at;
    struct score s = {.by_gold = gold != NULL,
                      .by_vectors = internal != NULL,
                      .templates = templates != NULL};
    code = settings_wrong(&s, id_path, label_path, gold, assignments, changes)
               ? ED_EXIT_USAGE
               : score_and_print(&s, &config, gold, assignments, changes, json != NULL);
    score_clear(&s);
    ed_config_clear(&config);
    return code;
}
