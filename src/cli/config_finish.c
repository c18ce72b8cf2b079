/* The end of reading: what was left open is filled in, and what hangs together is checked. */
#include "cli/config_inner.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/memory.h"
#include "cli/usage.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- profiles (ALGORITHM.md section 6) ---- */

static const struct {
    enum ed_profile profile;
    const char *key, *value;
} profiles[] = {
    /* Yesterday's story is another story: idle events leave after half a day, and while they idle
     * they ask for more likeness (section 2.7: +.007 with lineage on dated news). */
    {ED_PROFILE_NEWS, "engine.fade", "12h"},
    {ED_PROFILE_NEWS, "engine.idle_penalty", "0.1"},
    {ED_PROFILE_NEWS, "engine.idle_half", "6h"},
    /* A fault reported again after a year is still that fault. */
    {ED_PROFILE_TICKETS, "engine.fade", "never"},
    /* Talk goes on for days. */
    {ED_PROFILE_POSTS, "engine.fade", "7d"},
    /* Lines come thousands a second and say the same in the same words: hashing suffices. */
    {ED_PROFILE_LOGS, "document.format", "logs"},
    {ED_PROFILE_LOGS, "embed.model", "hash"},
    {ED_PROFILE_LOGS, "engine.fade", "7d"},
};

static const char *profile_name(const struct ed_config *config)
{
    const struct ed_word *w = ed_options[ed_option_find("profile", 7)].words;
    while (w->word && (int)w->value != config->profile)
        w++;
    return w->word;
}

static void apply_profile(struct ed_config *config)
{
    const struct ed_origin origin = {ED_LAYER_PROFILE, profile_name(config), 0, 0};
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
        const char *key = profiles[i].key;
        if ((int)profiles[i].profile == config->profile)
            ed_config_assign(config, &ed_options[ed_option_find(key, strlen(key))],
                             (struct ed_value){profiles[i].value, NULL}, origin);
    }
}

/* ---- names made whole ---- */

/* text with each {pipeline} replaced. NULL: no memory, or far too long. */
static const char *filled(struct ed_config *config, const char *text)
{
    static const char mark[] = "{pipeline}";
    struct ed_bytes out;
    ed_bytes_init(&out, 2 * ED_VALUE_MAX);
    for (const char *at; (at = strstr(text, mark)) != NULL; text = at + strlen(mark)) {
        ed_bytes_add(&out, text, (size_t)(at - text));
        ed_bytes_add_str(&out, config->pipeline);
    }
    ed_bytes_add_str(&out, text);
    const char *copy = out.failed ? NULL : ed_config_copy(config, out.at, out.n);
    config->failed |= !copy;
    ed_bytes_clear(&out);
    return copy;
}

/* The text whole. *written is what may be shown of it: a pipeline's name that came out of a ${...}
 * is not shown through its topics either. */
static const char *fill_one(struct ed_config *config, const struct ed_option *option,
                            const char *text, const char **written)
{
    char why[300], name[ED_SHOWN_TEXT];
    const char *whole = strchr(text, '{') ? filled(config, text) : text;
    if (!whole)
        return text;
    if (whole != text && !*written && config->written[ed_option_find("pipeline", 8)])
        *written = text;
    if (!ed_option_shape(option, whole, why, sizeof why))
        ed_config_complain(config, option->key, "'%s' %s",
                           ed_shown(*written ? *written : whole, name, sizeof name), why);
    return whole;
}

static void fill_names(struct ed_config *config)
{
    for (size_t i = 0; i < ed_options_n; i++) {
        const struct ed_option *option = &ed_options[i];
        if (option->shape != ED_TOPIC && option->shape != ED_GROUP)
            continue;
        if (option->type == ED_STRING) {
            const char **text = ed_config_field(config, option);
            *text = fill_one(config, option, *text, &config->written[i]);
            continue;
        }
        const struct ed_list *list = ed_config_field(config, option);
        const char **at = (const char **)list->at, **written = (const char **)list->written;
        for (size_t k = 0; k < list->n; k++)
            at[k] = fill_one(config, option, at[k], &written[k]);
    }
}

/* The model's directory: in the folder of models, EDDY_MODEL_DIR or in the user's cache, where
 * tools/fetch-model puts it. */
static void fill_model_dir(struct ed_config *config)
{
    const char *model =
        config->embed.model == ED_MODEL_STATIC ? "wordllama-256" : "all-MiniLM-L6-v2";
    const char *own = ed_config_variable(config, "EDDY_MODEL_DIR", 14);
    const char *cache = ed_config_variable(config, "XDG_CACHE_HOME", 14);
    const char *home = ed_config_variable(config, "HOME", 4);
    eddy_str dir = {"", 0};
    if (*config->embed.dir)
        return;
    if (own && *own)
        dir = ed_arena_printf(config->arena, "%s/%s", own, model);
    else if (cache && *cache == '/')
        dir = ed_arena_printf(config->arena, "%s/eddy/models/%s", cache, model);
    else if (home && *home)
        dir = ed_arena_printf(config->arena, "%s/.cache/eddy/models/%s", home, model);
    if (dir.at)
        config->embed.dir = dir.at;
    else
        config->failed = 1;
}

/* ---- what hangs together ---- */

/* "/pointer dimensions weight" */
static void read_extra(struct ed_config *config, const char *item, const char *written, double *sum)
{
    static const struct ed_option pointer = {.shape = ED_POINTER};
    size_t i = config->n_extra, n_path = strcspn(item, " ");
    char why[300], shown[ED_SHOWN_TEXT], *end;
    ed_shown(written ? written : item, shown, sizeof shown);
    const char *path = ed_config_copy(config, item, n_path);
    if (!path)
        return;
    unsigned long dim = strtoul(item + n_path, &end, 10);
    double weight = *end == ' ' ? strtod(end, &end) : NAN;
    if (!ed_option_shape(&pointer, path, why, sizeof why) || strchr(item + n_path, '-') || *end ||
        isnan(weight))
        ed_config_complain(config, "document.extra",
                           "'%s' is not \"/pointer dimensions weight\", such as \"/image 512 0.2\"",
                           shown);
    else if (dim < 1 || dim > 16384)
        ed_config_complain(config, "document.extra", "'%s': dimensions are out of range 1 .. 16384",
                           shown);
    else if (!(weight > 0 && weight < 1))
        ed_config_complain(config, "document.extra", "'%s': the weight is not between 0 and 1",
                           shown);
    else if ((*sum += weight) >= 1)
        ed_config_complain(config, "document.extra",
                           "all weights together are %g; text needs a share, keep them below 1",
                           *sum);
    config->extra_path[i] = path;
    config->extra_dim[i] = dim;
    config->extra_weight[i] = weight;
    config->n_extra++;
}

static void check_document(struct ed_config *config)
{
    const struct ed_list *extra = &config->document.extra;
    double sum = 0;
    config->n_extra = 0;
    for (size_t i = 0; i < extra->n && i < EDDY_EXTRA_MAX; i++)
        read_extra(config, extra->at[i], extra->written[i], &sum);
    if (extra->n > EDDY_EXTRA_MAX)
        ed_config_complain(config, "document.extra", "%zu vectors; at most %d", extra->n,
                           EDDY_EXTRA_MAX);
    if (*config->document.vector && !config->document.vector_dim)
        ed_config_complain(config, "document.vector", "needs document.vector_dim beside it");
    if (config->embed.model == ED_MODEL_MESSAGE && !*config->document.vector)
        ed_config_complain(config, "embed.model",
                           "message needs document.vector: where the vector "
                           "stands in a message");
    if (config->document.format == EDDY_FORMAT_LOGS && config->stage != ED_STAGE_ALL)
        ed_config_complain(config, "document.format",
                           "logs need stage all: only templates are embedded, and they are found "
                           "where lines are clustered");
    if (config->document.format == EDDY_FORMAT_JSON && !*config->document.text &&
        !*config->document.title && !*config->document.vector)
        ed_config_complain(config, "document.text",
                           "no text, no title and no vector is read; "
                           "nothing is left of a document");
}

/* Keyphrases are one more view beside those of document.extra. */
static void check_keyphrases(struct ed_config *config)
{
    static const char key[] = "embed.keyphrases";
    double sum = config->embed.keyphrases;
    if (!ed_config_keyphrases(config))
        return;
    if (config->embed.model == ED_MODEL_MESSAGE || config->embed.model == ED_MODEL_NONE)
        ed_config_complain(config, key,
                           "needs an embedder for them: embed.model auto, encoder, hash or "
                           "endpoint");
    if (config->stage != ED_STAGE_ENGINE && config->reason.kind != ED_REASON_LLM &&
        !*config->document.keyphrases)
        ed_config_complain(config, key,
                           "needs somebody who writes them: reason.kind llm, or documents that "
                           "bring them (document.keyphrases)");
    if (config->n_extra == EDDY_EXTRA_MAX)
        ed_config_complain(config, key, "is one view more; document.extra may have %d then",
                           EDDY_EXTRA_MAX - 1);
    for (size_t i = 0; i < config->n_extra; i++)
        sum += config->extra_weight[i];
    if (config->n_extra && sum >= 1)
        ed_config_complain(config, key,
                           "its weight and those of document.extra are %g together; text needs a "
                           "share, keep them below 1",
                           sum);
}

static void check_endpoint(struct ed_config *config)
{
    if (config->embed.model != ED_MODEL_ENDPOINT)
        return;
    if (!*config->embed.endpoint.url)
        ed_config_complain(config, "embed.model",
                           "endpoint needs embed.endpoint.url: where the model is");
    if (!*config->embed.endpoint.model)
        ed_config_complain(config, "embed.model",
                           "endpoint needs embed.endpoint.model: what it is called there");
}

/* Files and topics: the higher layer wins, so that files on the command line stand in for the
 * topics of the configuration. */
static void check_source(struct ed_config *config)
{
    struct ed_list *topics = &config->source.topics, *files = &config->source.files;
    enum ed_layer of_topics = ed_config_source_of(config, "source.topics")->layer;
    enum ed_layer of_files = ed_config_source_of(config, "source.files")->layer;
    if (files->n && of_files > of_topics)
        topics->n = 0;
    else if (topics->n && of_topics > of_files)
        files->n = 0;
    if (topics->n && files->n)
        ed_config_complain(config, "source.files",
                           "files and topics are both named; one source at "
                           "a time");
    if (topics->n && !ed_config_has_broker(config))
        ed_config_complain(config, "source.topics",
                           "no broker is named for them; set "
                           "bootstrap.servers below kafka, or give -b");
    for (size_t i = 0; i < topics->n; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(topics->at[i], topics->at[k]) == 0)
                ed_config_complain(config, "source.topics", "item %zu is named before", i + 1);
}

static const char *const output_keys[ED_TOPICS] = {
    [ED_ASSIGNMENTS] = "output.assignments", [ED_EVENTS] = "output.events",
    [ED_CHANGES] = "output.changes",         [ED_DEAD] = "output.dead",
    [ED_VECTORS] = "output.vectors",         [ED_OPERATIONS] = "output.operations",
    [ED_TEMPLATES] = "output.templates",     [ED_ALERTS] = "output.alerts",
};

/* A topic that eddy reads and writes would feed on itself. */
static void check_output(struct ed_config *config)
{
    for (size_t i = 0; i < ED_TOPICS; i++) {
        const char *name = config->output.topics[i];
        if (!*name || *config->output.dir)
            continue;
        for (size_t k = 0; k < i; k++)
            if (strcmp(name, config->output.topics[k]) == 0)
                ed_config_complain(config, output_keys[i], "is the same topic as %s",
                                   output_keys[k]);
        if (strcmp(name, config->control.topic) == 0)
            ed_config_complain(config, output_keys[i], "is the same topic as control.topic");
        for (size_t k = 0; k < config->source.topics.n; k++)
            if (strcmp(name, config->source.topics.at[k]) == 0)
                ed_config_complain(config, output_keys[i],
                                   "is also read (source.topics); eddy would feed on itself");
    }
}

static void check_rules(struct ed_config *config)
{
    static const char key[] = "alerts.rules";
    const struct ed_list *list = &config->alerts.rules;
    struct ed_rule *rules = ed_arena_alloc_zero(config->arena, list->n + 1, sizeof *rules);
    if (!rules)
        config->failed = 1;
    for (size_t i = 0; i < list->n && rules; i++) {
        eddy_error why = {0};
        if (ed_rule_read(list->at[i], config->arena, &rules[i], &why) != EDDY_OK) {
            ed_config_complain(config, key, "rule %zu: %s", i + 1, why.text);
            continue;
        }
        for (size_t k = 0; k < i; k++)
            if (rules[k].name && strcmp(rules[k].name, rules[i].name) == 0)
                ed_config_complain(config, key, "two rules are called %s", rules[i].name);
    }
    if (list->n > ED_RULES_MAX)
        ed_config_complain(config, key, "%zu rules; at most %d", list->n, ED_RULES_MAX);
    config->rules = rules;
}

static void check_reason(struct ed_config *config)
{
    if (config->reason.kind != ED_REASON_LLM)
        return;
    if (!*config->reason.url)
        ed_config_complain(config, "reason.kind", "llm needs reason.url: where the model is");
    if (!*config->reason.model)
        ed_config_complain(config, "reason.kind",
                           "llm needs reason.model: what it is called there");
}

eddy_status ed_config_finish(struct ed_config *config, eddy_error *err)
{
    if (!config->failed) {
        apply_profile(config);
        fill_names(config);
        fill_model_dir(config);
        check_document(config);
        check_keyphrases(config);
        check_endpoint(config);
        check_source(config);
        check_output(config);
        check_rules(config);
        check_reason(config);
        ed_config_check_kafka(config);
    }
    if (config->failed)
        return eddy_fail(err, EDDY_NOMEM,
                         "configuration: no memory, or larger than its ceiling (%zu bytes in use)",
                         config->arena ? eddy_arena_used(config->arena) : 0);
    size_t n = config->complaints.n + config->dropped;
    if (n > 1)
        return eddy_fail(err, EDDY_CONFIG, "%.400s (and %zu more)", config->complaints.at[0],
                         n - 1);
    return n ? eddy_fail(err, EDDY_CONFIG, "%s", config->complaints.at[0]) : EDDY_OK;
}
