/* eddy merge, split, move, rename, pin, unpin, link, undo: what a person decides, sent to a running
 * pipeline. Each waits for its outcome and says it in one line, with the way back. */
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/look.h"
#include "cli/usage.h"

#include "base/error.h"
#include "base/memory.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* What stands on the command line: E an event, G groups (one or more), T text, N a number. */
static const struct kind {
    const char *name, *words, *synopsis, *about, *examples;
    eddy_operation_kind kind;
} kinds[] = {
    {"merge", "EE", "eddy merge [OPTIONS] EVENT INTO",
     "Two events are one: EVENT goes into INTO, which lives on. They stay together, whatever\n"
     "the clustering or a reasoner thinks of it later.",
     "  eddy merge E12 E3 --reason \"same crane, same day\"\n", EDDY_OPERATION_MERGE},
    {"split", "EG", "eddy split [OPTIONS] EVENT GROUP...",
     "An event is two: the groups go out of it into a new one, and stay out. eddy\n"
     "explain EVENT lists its groups.",
     "  eddy split E12 G4 G7\n", EDDY_OPERATION_SPLIT},
    {"move", "EEG", "eddy move [OPTIONS] EVENT INTO GROUP...",
     "Groups of EVENT belong to INTO, and stay there.", "  eddy move E12 E3 G4\n",
     EDDY_OPERATION_MOVE},
    {"rename", "ET", "eddy rename [OPTIONS] EVENT NAME",
     "Give an event a name, which nobody but a person changes again.",
     "  eddy rename E12 \"Crane falls at the old harbour\"\n", EDDY_OPERATION_RENAME},
    {"pin", "E", "eddy pin [OPTIONS] EVENT",
     "Keep an event as it is: nobody but a person merges, splits or renames it. Documents\n"
     "still come, and it still fades.",
     "  eddy pin E12\n", EDDY_OPERATION_PIN},
    {"unpin", "E", "eddy unpin [OPTIONS] EVENT", "Take the pin away.", "  eddy unpin E12\n",
     EDDY_OPERATION_UNPIN},
    {"link", "EE", "eddy link [OPTIONS] EVENT OTHER",
     "Two events are the same, and will be merged; or with --apart they are not, and never\n"
     "will be.",
     "  eddy link E12 E3 --apart\n", EDDY_OPERATION_LINK},
    {"undo", "N", "eddy undo [OPTIONS] NUMBER",
     "Take an operation back, by its number (eddy lineage EVENT lists them). What went\n"
     "together in it goes apart, what went apart comes together.",
     "  eddy undo 17\n", EDDY_OPERATION_UNDO},
};
#define N_KINDS (sizeof kinds / sizeof *kinds)

/* ---- the command line ---- */

static uint64_t number_of(const char *word, char letter)
{
    char *end = NULL;
    int lettered = letter && (*word == letter || *word == letter + ('a' - 'A'));
    if (word[lettered] < '1' || word[lettered] > '9')
        return 0;
    uint64_t n = strtoull(word + lettered, &end, 10);
    return *end ? 0 : n;
}

static eddy_status groups_read(const char *name, const struct ed_words *words, size_t at,
                               eddy_arena *arena, eddy_operation *op, eddy_error *err)
{
    char shown[60];
    uint64_t *groups = ed_arena_alloc(arena, (words->n + 1) * sizeof *groups);
    if (!groups)
        return eddy_fail_nomem(err, "groups", words->n * sizeof *groups);
    op->groups = groups;
    for (; at < words->n; at++)
        if (!(groups[op->n_groups++] = number_of(words->at[at], 'G')))
            return eddy_fail(err, EDDY_INVALID, "%s: '%s' is no group, such as G4", name,
                             ed_shown(words->at[at], shown, sizeof shown));
    return EDDY_OK;
}

static eddy_status words_read(const struct kind *kind, const struct ed_words *words,
                              eddy_arena *arena, eddy_operation *op, eddy_error *err)
{
    size_t n = strlen(kind->words);
    int many = strchr(kind->words, 'G') != NULL;
    char shown[60];
    if (words->n < n || (words->n > n && !many))
        return eddy_fail(err, EDDY_INVALID, "%s: it is %s", kind->name, kind->synopsis);
    for (size_t i = 0; i < n; i++) {
        const char *word = words->at[i];
        if (kind->words[i] == 'G')
            return groups_read(kind->name, words, i, arena, op, err);
        uint64_t id = kind->words[i] == 'T' ? 1 : number_of(word, kind->words[i] == 'E' ? 'E' : 0);
        if (!id)
            return eddy_fail(err, EDDY_INVALID, "%s: '%s' is no %s", kind->name,
                             ed_shown(word, shown, sizeof shown),
                             kind->words[i] == 'E' ? "event, such as E12"
                                                   : "number of an operation");
        if (kind->words[i] == 'T')
            op->name = (eddy_str){word, strlen(word)};
        else if (kind->words[i] == 'N')
            op->undo = id;
        else if (!op->event)
            op->event = id;
        else
            op->other = id;
    }
    return EDDY_OK;
}

/* ---- the answer ---- */

static void print_json(const struct ed_order *order, const struct ed_heard *a)
{
    json_t *json = json_pack("{s:s, s:b}", "id", order->id.at, "applied", a->applied);
    if (a->applied) {
        json_object_set_new(json, "number", json_integer((json_int_t)a->number));
        json_object_set_new(json, "result", a->result.n ? json_string(a->result.at) : json_null());
    } else {
        json_object_set_new(json, "refused", json_string(a->refused.at));
        json_object_set_new(json, "why", json_string(ed_heard_words(a)));
    }
    json_dumpf(json, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(json);
}

static void print_words(const struct kind *kind, const struct ed_order *order,
                        const struct ed_heard *a)
{
    const eddy_operation *op = &order->operation;
    const char *result = a->result.n ? a->result.at : "";
    switch (op->kind) {
    case EDDY_OPERATION_MERGE: printf("E%" PRIu64 " went into %s", op->event, result); break;
    case EDDY_OPERATION_SPLIT:
        printf("%zu group%s of E%" PRIu64 " %s %s now", op->n_groups, op->n_groups > 1 ? "s" : "",
               op->event, op->n_groups > 1 ? "are" : "is", result);
        break;
    case EDDY_OPERATION_MOVE:
        printf("%zu group%s of E%" PRIu64 " went to %s", op->n_groups, op->n_groups > 1 ? "s" : "",
               op->event, result);
        break;
    case EDDY_OPERATION_RENAME: printf("%s is called %s", result, op->name.at); break;
    case EDDY_OPERATION_UNDO:
        printf("operation %" PRIu64 " is void%s%s\n", op->undo, *result ? "; see " : "", result);
        return;
    case EDDY_OPERATION_LINK:
        printf("E%" PRIu64 " and E%" PRIu64 " are %s", op->event, op->other,
               op->strength > 0 ? "the same" : "kept apart");
        break;
    default: printf("%s is %sned", result, kind->name); break;
    }
    printf(" (to take it back: eddy undo %" PRIu64 ")\n", a->number);
}

/* The engine forgets redirects in time; the events topic does not. What cannot be read says
 * nothing. */
static uint64_t where_now(struct ed_config *config, const struct ed_heard *a, uint64_t event)
{
    uint64_t now = 0;
    eddy_error err = {0};
    int gone = !a->applied && event && !strcmp(a->refused.at, "gone");
    return gone && ed_look_where(config, NULL, event, &now, &err) == EDDY_OK ? now : 0;
}

static void print_where(struct ed_config *config, const struct ed_order *order,
                        const struct ed_heard *a)
{
    const uint64_t ids[] = {order->operation.event, order->operation.other};
    for (size_t i = 0; i < 2; i++) {
        uint64_t now = where_now(config, a, ids[i]);
        if (now && now != ids[i])
            fprintf(stderr, "eddy: E%" PRIu64 " went into E%" PRIu64 ": say that one\n", ids[i],
                    now);
    }
}

static int ask(const struct kind *kind, struct ed_config *config, struct ed_order *order,
               const char *wait, const char *json)
{
    eddy_error err = {0};
    struct ed_heard answer = {0};
    char *end = NULL;
    long seconds = wait ? strtol(wait, &end, 10) : 10;
    if (wait && (*end || seconds < 1 || seconds > 3600)) {
        eddy_fail(&err, EDDY_INVALID, "operation: --wait %s: not seconds from 1 to 3600", wait);
        return ed_exit_usage(kind->name, &err);
    }
    eddy_status st =
        ed_order_ask(config, order, (int)seconds * 1000, NULL, config->arena, &answer, &err);
    if (st != EDDY_OK)
        return ed_exit_with(&err);
    if (json)
        print_json(order, &answer);
    else if (answer.applied)
        print_words(kind, order, &answer);
    else
        fprintf(stderr, "eddy: refused (%s): %s\n", answer.refused.at, ed_heard_words(&answer));
    print_where(config, order, &answer);
    return ed_exit_flushed(answer.applied ? ED_EXIT_OK : ED_EXIT_FAILURE);
}

int ed_cmd_operate(int argc, char **argv)
{
    const char *reason = NULL, *who = getenv("USER"), *wait = NULL, *json = NULL, *apart = NULL;
    const struct kind *kind = kinds;
    while (kind + 1 < kinds + N_KINDS && strcmp(kind->name, argv[0]) != 0)
        kind++;
    const struct ed_flag flags[] = {
        {"reason", 'r', "TEXT", "why; it is kept with the change", &reason},
        {"who", 0, "NAME", "who decides; without it $USER", &who},
        {"wait", 'w', "SECONDS", "wait so long for the outcome (10)", &wait},
        {"json", 'J', NULL, "the outcome as one JSON object", &json},
        {"apart", 0, NULL, "they are not the same", &apart},
    };
    struct ed_words words = {0};
    const struct ed_command command = {
        .name = kind->name,
        .synopsis = kind->synopsis,
        .about = kind->about,
        .examples = kind->examples,
        .takes = ED_TAKES_CONFIG | ED_TAKES_KAFKA | ED_TAKES_WORDS,
        .flags = flags,
        .n_flags = sizeof flags / sizeof *flags - (kind->kind != EDDY_OPERATION_LINK),
        .words = &words,
    };
    struct ed_config config;
    int code = ed_config_start(argc, argv, &command, &config);
    if (code >= 0)
        return code;
    eddy_error err = {0};
    struct ed_order order = {.operation = {.kind = kind->kind, .actor = EDDY_PERSON}};
    eddy_status st = words_read(kind, &words, config.arena, &order.operation, &err);
    order.operation.strength = apart ? -EDDY_LINK_FIRM : EDDY_LINK_FIRM;
    if (reason)
        order.operation.evidence = (eddy_str){reason, strlen(reason)};
    if (who)
        order.who = (eddy_str){who, strlen(who)};
    code = st == EDDY_OK ? ask(kind, &config, &order, wait, json) : ed_exit_usage(kind->name, &err);
    ed_config_clear(&config);
    return code;
}
