/* eddy check: says what is wrong with a configuration, and where, before anything runs.
 *
 * First the file itself, all mistakes at once; then, unless told not to, the world that it names:
 * the model, the brokers, the topics. One line each, "ok:", "warning:" or "error:", on standard
 * output. */
#include "base/error.h"
#include "base/memory.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/stream.h"
#include "cli/usage.h"

#include <string.h>

extern char **environ;

struct check {
    struct ed_config config;
    int colour;
    int code; /* the first failure's */
};

static void say(const struct check *c, const char *word, const char *colour, const char *text)
{
    printf("%s%s:%s %s\n", c->colour ? colour : "", word, c->colour ? "\033[0m" : "", text);
}

static void good(const struct check *c, const char *text)
{
    say(c, "ok", "\033[32m", text);
}

static void bad(struct check *c, int code, const char *text)
{
    say(c, "error", "\033[31m", text);
    if (!c->code)
        c->code = code;
}

/* ---- the file ---- */

/* What librdkafka itself would say, which needs no broker to say it. */
static void check_kafka(struct check *c)
{
    const char *const *options;
    size_t n_options;
    for (int side = ED_KAFKA_CONSUMER; side <= ED_KAFKA_PRODUCER && !c->code; side++) {
        eddy_error err = {0};
        eddy_status st = ed_config_kafka_options(&c->config, (enum ed_kafka_side)side, &options,
                                                 &n_options, &err);
        if (st == EDDY_OK)
            st = ed_kafka_names_check(options, n_options, &err);
        if (st != EDDY_OK)
            bad(c, ed_exit_code(&err), err.text);
    }
}

static void report_configuration(struct check *c)
{
    const struct ed_config *config = &c->config;
    char text[200];
    size_t n_set = 0;
    for (size_t i = 0; i < config->warnings.n; i++)
        say(c, "warning", "\033[33m", config->warnings.at[i]);
    for (size_t i = 0; i < config->complaints.n; i++)
        bad(c, ED_EXIT_CONFIG, config->complaints.at[i]);
    if (config->dropped) {
        snprintf(text, sizeof text, "and %zu more", config->dropped);
        bad(c, ED_EXIT_CONFIG, text);
    }
    for (size_t i = 0; i < ed_options_n; i++)
        n_set += config->origins[i].layer > ED_LAYER_PROFILE;
    snprintf(text, sizeof text,
             "configuration: %zu of %zu options are set, the others have their "
             "defaults",
             n_set, ed_options_n);
    check_kafka(c);
    if (!c->code)
        good(c, text);
}

/* ---- the world ---- */

/* Texts as they come: a headline, a line of a log, a question, a report. */
static const char *const sample[] = {
    "Ferry runs aground off the north harbour, all passengers safe",
    "connection to db-3 timed out after 30000 ms (attempt 4 of 5), giving up",
    "My card was charged twice for the same order. How do I get my money back?",
    "The river rose by two metres overnight, schools in the lower town stay closed until Thursday",
    "Parliament votes on the budget tonight",
    "kernel: nvme0n1: I/O error, dev nvme0n1, sector 182034432 op 0x0:(READ)",
    "The app keeps logging me out since the last update",
    "An earthquake of magnitude 6.1 struck the coast early on Sunday, no warning of a tsunami"};
enum { SAMPLE = sizeof sample / sizeof *sample, SAMPLE_MS = 300 };

/* Embed the sample, again and again for a while where per_second is wanted. ret (SAMPLE, dim). */
static eddy_status sample_embed(const eddy_embedder *embedder, float *ret, double *per_second,
                                eddy_error *err)
{
    eddy_str texts[SAMPLE];
    eddy_arena *scratch = eddy_arena_new(0);
    if (!scratch)
        return eddy_fail_nomem(err, "embedder", 0);
    for (size_t i = 0; i < SAMPLE; i++)
        texts[i] = (eddy_str){sample[i], strlen(sample[i])};
    eddy_status st = eddy_embedder_embed(embedder, texts, SAMPLE, scratch, ret, err);
    int64_t start = ed_monotonic_ms(), took = 0;
    size_t n = 0;
    while (per_second && st == EDDY_OK && took < SAMPLE_MS) {
        st = eddy_embedder_embed(embedder, texts, SAMPLE, scratch, ret, err);
        n += SAMPLE;
        took = ed_monotonic_ms() - start;
    }
    if (per_second && st == EDDY_OK)
        *per_second = (double)n * 1000.0 / (double)(took ? took : 1);
    eddy_arena_free(scratch);
    return st;
}

/* How fast the encoder is on this machine, and how near to itself in f32. */
static eddy_status encoder_measure(const struct ed_config *config, const eddy_embedder *embedder,
                                   double *per_second, double *cosine, eddy_error *err)
{
    struct ed_config exact = *config;
    eddy_embedder *reference = NULL;
    size_t dim = eddy_embedder_dim(embedder), n = SAMPLE * dim;
    float *rows = ed_alloc(2 * n * sizeof *rows);
    exact.embed.precision = ED_EMBED_F32;
    eddy_status st = rows ? sample_embed(embedder, rows, per_second, err)
                          : eddy_fail_nomem(err, "embedder", 2 * n * sizeof *rows);
    if (st == EDDY_OK)
        st = ed_config_embedder(&exact, NULL, &reference, &dim, NULL, err);
    if (st == EDDY_OK)
        st = sample_embed(reference, rows + n, NULL, err);
    *cosine = 1;
    for (size_t i = 0; i < SAMPLE && st == EDDY_OK; i++) {
        double product = 0; /* of rows of length 1 */
        for (size_t j = 0; j < dim; j++)
            product += (double)rows[i * dim + j] * (double)rows[n + i * dim + j];
        *cosine = product < *cosine ? product : *cosine;
    }
    eddy_embedder_free(reference);
    ed_free(rows);
    return st;
}

static void check_encoder(struct check *c, const eddy_embedder *embedder)
{
    char text[200];
    eddy_error err = {0};
    double per_second = 0, cosine = 0;
    if (encoder_measure(&c->config, embedder, &per_second, &cosine, &err) != EDDY_OK) {
        bad(c, ed_exit_code(&err), err.text);
        return;
    }
    snprintf(text, sizeof text,
             "embedder: %.0f short texts/s in one thread, cosine to f32 at least %.5f", per_second,
             cosine);
    good(c, text);
}

/* How long an endpoint takes for one text, there and back, now that it is awake. */
static void check_endpoint(struct check *c, const eddy_embedder *embedder)
{
    static const char text[] = "The bridge over the river is closed for two weeks.";
    const eddy_str one = {text, sizeof text - 1};
    eddy_error err = {0};
    char line[600];
    eddy_arena *scratch = eddy_arena_new(0);
    float *row = ed_alloc_aligned(eddy_embedder_dim(embedder) * sizeof *row);
    int64_t began = ed_monotonic_ms();
    eddy_status st = scratch && row ? eddy_embedder_embed(embedder, &one, 1, scratch, row, &err)
                                    : eddy_fail_nomem(&err, "endpoint", sizeof *row);
    snprintf(line, sizeof line, "embedder: a text takes %lld ms, there and back",
             (long long)(ed_monotonic_ms() - began));
    if (st == EDDY_OK)
        good(c, line);
    else
        bad(c, ed_exit_code(&err), err.text);
    ed_free(row);
    eddy_arena_free(scratch);
}

/* What the folders themselves have to say to their options; and the model. */
static void check_model(struct check *c)
{
    eddy_parse_options parse;
    eddy_engine_options engine;
    eddy_parser *parser = NULL;
    eddy_embedder *embedder = NULL;
    eddy_clusterer *clusterer = NULL;
    eddy_error err = {0};
    char text[600];
    size_t dim = 0;
    struct ed_config uncached = c->config; /* its speed is measured */
    uncached.embed.cache = 0;
    ed_config_parse_options(&c->config, &parse);
    eddy_status st = eddy_parser_new(&parse, &parser, &err);
    if (st != EDDY_OK) {
        bad(c, ED_EXIT_CONFIG, err.text);
    } else if ((st = ed_stream_embedder(&uncached, &embedder, &dim, NULL, &err)) != EDDY_OK) {
        snprintf(text, sizeof text, "embedder: %.500s", err.text);
        bad(c, ed_exit_code(&err), text);
    } else {
        snprintf(text, sizeof text, "embedder: %s",
                 embedder ? eddy_embedder_name(embedder)
                 : dim    ? "none, messages bring their vectors"
                          : "none, words only");
        good(c, text);
        if (embedder && !strncmp(eddy_embedder_name(embedder), "encoder ", 8))
            check_encoder(c, embedder);
        if (c->config.embed.model == ED_MODEL_ENDPOINT)
            check_endpoint(c, embedder);
        ed_config_engine_options(&c->config, dim, &engine);
        if (eddy_clusterer_new(&engine, &clusterer, &err) != EDDY_OK)
            bad(c, ED_EXIT_CONFIG, err.text);
    }
    eddy_clusterer_free(clusterer);
    eddy_embedder_free(embedder);
    eddy_parser_free(parser);
}

static void check_files(struct check *c)
{
    const struct ed_list *files = &c->config.source.files;
    struct ed_source *source = NULL;
    eddy_error err = {0};
    for (size_t i = 0; i < files->n; i++)
        if (strcmp(files->at[i], "-") == 0)
            return; /* opening it would be to begin */
    if (ed_config_source_open(&c->config, NULL, 0, NULL, &source, &err) == EDDY_OK)
        good(c, "source: every file can be opened");
    else
        bad(c, ed_exit_code(&err), err.text);
    ed_source_free(source);
}

/* The brokers as one side sees them; topics: those that must be there. */
static void check_brokers(struct check *c, enum ed_kafka_side side, const char *const *topics,
                          size_t n_topics)
{
    const char *who = side == ED_KAFKA_CONSUMER ? "source" : "output";
    const char *const *options;
    size_t n_options;
    eddy_error err = {0};
    char text[600];
    eddy_status st = ed_config_kafka_options(&c->config, side, &options, &n_options, &err);
    if (st == EDDY_OK)
        st = ed_kafka_probe(options, n_options, c->config.insecure, topics, n_topics, &err);
    if (st != EDDY_OK) {
        snprintf(text, sizeof text, "%s: %.500s", who, err.text);
        bad(c, ed_exit_code(&err), text);
        return;
    }
    snprintf(text, sizeof text, "%s: a broker answers", who);
    if (n_topics)
        snprintf(text, sizeof text, "%s: a broker answers, %zu topic%s there", who, n_topics,
                 n_topics == 1 ? " is" : "s are");
    good(c, text);
}

static void check_source(struct check *c)
{
    const struct ed_list *topics = &c->config.source.topics;
    if (c->config.source.files.n)
        check_files(c);
    else if (topics->n)
        check_brokers(c, ED_KAFKA_CONSUMER, topics->at, topics->n);
    else
        good(c, "source: none is set; eddy run needs -t or source.topics");
}

static void check_output(struct check *c)
{
    const char *topics[ED_TOPICS + 1];
    size_t n = 0;
    if (*c->config.output.dir) {
        good(c, "output: files");
        return;
    }
    if (!ed_config_has_broker(&c->config)) {
        good(c, "output: none is set; eddy run needs -b or -o");
        return;
    }
    for (size_t i = 0; i < ED_TOPICS && !c->config.output.create_topics; i++)
        if (i != ED_VECTORS && *c->config.output.topics[i])
            topics[n++] = c->config.output.topics[i];
    if (*c->config.control.topic && !c->config.output.create_topics)
        topics[n++] = c->config.control.topic;
    check_brokers(c, ED_KAFKA_PRODUCER, topics, n);
}

/* One small question, asked as all others are. */
static void check_reason(struct check *c)
{
    static const char schema[] =
        "{\"type\":\"object\",\"properties\":{\"ok\":{\"type\":\"boolean\"}},"
        "\"required\":[\"ok\"],\"additionalProperties\":false}";
    static const char system[] = "You are asked whether you can be reached.";
    static const char user[] = "Answer with the JSON object {\"ok\": true}.";
    const eddy_request request = {.purpose = "check",
                                  .system = {system, sizeof system - 1},
                                  .user = {user, sizeof user - 1},
                                  .schema = {schema, sizeof schema - 1},
                                  .about = {"", 0},
                                  .max_tokens = 32,
                                  .key = "check"};
    struct ed_reason_options o;
    struct ed_chat *chat = NULL;
    eddy_reply reply = {.status = EDDY_UNAVAILABLE};
    eddy_error err = {0};
    char text[600];
    eddy_arena *arena = eddy_arena_new(0);
    eddy_status st = ed_config_reason_options(&c->config, &o, &err);
    if (st == EDDY_OK && o.kind == ED_REASON_LLM)
        st = ed_chat_new(&o.chat, &chat, &err);
    if (st != EDDY_OK) {
        snprintf(text, sizeof text, "reason: %.500s", err.text);
        bad(c, ed_exit_code(&err), text);
    } else if (chat && arena) {
        eddy_completer completer = ed_chat_completer(chat);
        completer.complete(completer.self, &request, 1, arena, &reply);
        snprintf(text, sizeof text, "reason: model %.200s: %.350s", o.chat.model,
                 reply.status == EDDY_OK ? "it answers"
                 : reply.detail          ? reply.detail
                                         : "no answer");
        if (reply.status == EDDY_OK)
            good(c, text);
        else
            bad(c, reply.status == EDDY_CONFIG ? ED_EXIT_CONFIG : ED_EXIT_UNAVAILABLE, text);
    } else {
        good(c, o.kind == ED_REASON_OFF ? "reason: off" : "reason: statistics");
    }
    ed_chat_free(chat);
    eddy_arena_free(arena);
}

/* ---- the command ---- */

int ed_cmd_check(int argc, char **argv)
{
    const char *no_environment = NULL, *print = NULL, *defaults = NULL, *schema = NULL,
               *options = NULL;
    const struct ed_flag flags[] = {
        {"no-environment", 0, NULL, "look at the configuration only, reach out to nothing",
         &no_environment},
        {"print", 0, NULL, "print the whole configuration with where each value came from", &print},
        {"defaults", 0, NULL, "print a commented file with every option at its default", &defaults},
        {"options", 0, NULL, "explain every option", &options},
        {"schema", 0, NULL, "print a JSON Schema of the configuration, for editors", &schema},
    };
    const struct ed_command command = {
        .name = "check",
        .synopsis = "eddy check [OPTIONS]",
        .about =
            "Is this configuration right, and is what it names there? Every mistake is named\n"
            "with its place in the file; then the model is opened, the brokers and topics are\n"
            "looked for.\n"
            "Exit code 0: all is well; 78: the configuration is wrong, or the model that it\n"
            "names; 69: something cannot be reached; 74: a file cannot be read.",
        .examples = "  eddy check -c eddy.yaml\n"
                    "  eddy check -c eddy.yaml --no-environment --set engine.fade=12h\n"
                    "  eddy check --defaults > eddy.yaml",
        .takes = ED_TAKES_CONFIG | ED_TAKES_KAFKA | ED_TAKES_OUTPUT,
        .flags = flags,
        .n_flags = sizeof flags / sizeof *flags,
    };
    struct check c = {.colour = ed_colour(stdout)};
    eddy_error err = {0};
    int done;
    eddy_status st = ed_config_from_args(argc, argv, environ, &command, &c.config, &done, &err);
    if (st == EDDY_INVALID)
        c.code = ed_exit_usage(command.name, &err);
    else if (st == EDDY_NOMEM)
        c.code = ed_exit_with(&err);
    else if (done)
        ;
    else if (defaults)
        ed_options_sample(stdout);
    else if (options)
        ed_options_help(stdout, c.colour);
    else if (schema)
        c.code = ed_options_schema(stdout, &err) == EDDY_OK ? ED_EXIT_OK : ed_exit_with(&err);
    else if (print && st == EDDY_OK)
        c.code =
            ed_config_print(&c.config, stdout, &err) == EDDY_OK ? ED_EXIT_OK : ed_exit_with(&err);
    else {
        report_configuration(&c);
        if (!c.code && !no_environment) {
            check_model(&c);
            check_source(&c);
            check_output(&c);
            check_reason(&c);
        }
    }
    ed_config_clear(&c.config);
    return ed_exit_flushed(c.code);
}
