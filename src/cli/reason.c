/* eddy reason: ask a running pipeline to look at its events now; or, dry, what it would ask a
 * language model and what that would cost, without asking anybody. */
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/look.h"
#include "cli/usage.h"
#include "cli/view.h"

#include "base/error.h"
#include "base/memory.h"

#include <inttypes.h>
#include <string.h>

#define ARENA_MAX ((size_t)1 << 30)
#define WAIT_MS   10000

struct reason {
    struct ed_config config;
    eddy_clusterer *cl;
    eddy_reasoner *reasoner;
    eddy_arena *arena;
    struct ed_view view;
    int full; /* 1: the whole questions */
};

static void print_requests(struct reason *x, const eddy_reason_options *o)
{
    const eddy_request *asked = NULL;
    eddy_reason_stats stats;
    size_t n = eddy_reasoner_asked(x->reasoner, &asked);
    uint64_t in = 0, out = 0;
    for (size_t i = 0; i < n; i++) {
        const eddy_request *r = &asked[i];
        double price = ((double)r->tokens_in * o->price_in + r->max_tokens * o->price_out) / 1e6;
        in += r->tokens_in;
        out += (uint64_t)r->max_tokens;
        ed_view_line(&x->view, "%s%zu. %s%s  %" PRIu64 " tokens in, at most %d out, %.4f",
                     ed_ink(&x->view, ED_BOLD), i + 1, r->purpose, ed_ink(&x->view, ED_PLAIN),
                     r->tokens_in, r->max_tokens, price);
        if (!x->full)
            continue;
        printf("%.*s\n%.*s\n\n", (int)r->system.n, r->system.at, (int)r->user.n, r->user.at);
    }
    eddy_reasoner_stats(x->reasoner, &stats);
    ed_view_line(
        &x->view, "%zu requests, %" PRIu64 " tokens in, at most %" PRIu64 " out: at most %.4f%s", n,
        in, out, stats.money,
        o->price_in + o->price_out > 0 ? "" : " (reason.price_in and price_out are not set)");
    if (stats.over_budget)
        ed_view_line(&x->view, "%" PRIu64 " more questions are over the budget", stats.over_budget);
}

/* What a pass would ask that looks at all events, changed or not, and has named none. */
static eddy_status dry_run(struct reason *x, const char *journal, eddy_error *err)
{
    struct ed_reason_options o;
    eddy_view view;
    const eddy_operation *operations = NULL;
    size_t n = 0;
    x->arena = eddy_arena_new(ARENA_MAX);
    eddy_status st = x->arena ? ed_config_reason_options(&x->config, &o, err)
                              : eddy_fail_nomem(err, "reason", 0);
    if (st != EDDY_OK)
        return st;
    o.reason.dry = 1;
    st = ed_look_state(&x->config, journal, 0, &x->cl, err);
    if (st == EDDY_OK)
        st = eddy_reasoner_new(&o.reason, &x->reasoner, err);
    if (st == EDDY_OK)
        st = eddy_view_take(x->cl, EDDY_VIEW_WHOLE | EDDY_VIEW_DOUBTS, o.doubts_max, x->arena,
                            &view, err);
    if (st == EDDY_OK)
        st = eddy_reasoner_pass(x->reasoner, &view, 0, 1, x->arena, &operations, &n, err);
    if (st == EDDY_OK)
        print_requests(x, &o.reason);
    return st;
}

static eddy_status wake(struct reason *x, eddy_error *err)
{
    struct ed_order order = {.pass = 1};
    struct ed_heard heard;
    eddy_status st = ed_order_ask(&x->config, &order, WAIT_MS, NULL, x->config.arena, &heard, err);
    if (st == EDDY_OK)
        ed_view_line(&x->view, "pipeline %s is asked to look now%s", x->config.pipeline,
                     x->config.reason.kind == ED_REASON_LLM
                         ? ""
                         : ", if it has reason.kind llm; statistics look by themselves, every "
                           "reason.every documents");
    return st;
}

/* The configuration says that no language model is there to be asked. Where it says nothing, as
 * with -b alone, the pipeline may have been given one elsewhere. Statistics look at fixed places of
 * the stream, so that a replay gives the same events: nobody can hurry them. */
static int is_without_llm(const struct ed_config *config)
{
    return config->reason.kind != ED_REASON_LLM &&
           ed_config_source_of(config, "reason.kind")->layer != ED_LAYER_DEFAULT;
}

static int refuse(const struct ed_config *config)
{
    eddy_error err = {0};
    if (config->reason.kind == ED_REASON_OFF)
        eddy_fail(&err, EDDY_CONFIG, "reason.kind is off: nobody is there to look");
    else
        eddy_fail(&err, EDDY_CONFIG,
                  "reason.kind is statistics: they look by themselves every %" PRId64
                  " documents (reason.every), and only a language model can be asked to look now",
                  config->reason.every);
    (void)ed_exit_with(&err);
    return ED_EXIT_FAILURE;
}

int ed_cmd_reason(int argc, char **argv)
{
    static struct reason x;
    const char *dry = NULL, *full = NULL, *journal = NULL;
    const struct ed_flag flags[] = {
        {"dry-run", 'n', NULL, "print what would be asked, and its price; ask nobody", &dry},
        {"full", 0, NULL, "with --dry-run: the whole questions", &full},
        {"journal", 0, "DIR", "with --dry-run: the state that detect --journal DIR left", &journal},
    };
    const struct ed_command command = {
        .name = "reason",
        .synopsis = "eddy reason [OPTIONS]",
        .about = "Ask the language model of a running pipeline to look at its events now, and\n"
                 "not only when reason.interval is over. Statistics need no asking: they look\n"
                 "by themselves every reason.every documents. With --dry-run: what a pass over\n"
                 "all of its events would ask the language model, and what that would cost.",
        .examples = "  eddy reason -b localhost:9092\n"
                    "  eddy reason -c eddy.yaml --dry-run --full | less\n",
        .takes = ED_TAKES_CONFIG | ED_TAKES_KAFKA,
        .flags = flags,
        .n_flags = sizeof flags / sizeof *flags,
    };
    int code = ed_config_start(argc, argv, &command, &x.config);
    if (code >= 0)
        return code;
    eddy_error err = {0};
    x.full = full != NULL;
    ed_view_init(&x.view, stdout);
    if ((full || journal) && !dry) {
        eddy_fail(&err, EDDY_INVALID, "reason: --full and --journal are for --dry-run");
        code = ed_exit_usage(command.name, &err);
    } else if (!dry && is_without_llm(&x.config)) {
        code = refuse(&x.config);
    } else if ((dry ? dry_run(&x, journal, &err) : wake(&x, &err)) == EDDY_OK) {
        code = ed_exit_flushed(ED_EXIT_OK);
    } else {
        code = ed_exit_with(&err);
    }
    ed_view_clear(&x.view);
    eddy_reasoner_free(x.reasoner);
    eddy_clusterer_free(x.cl);
    eddy_arena_free(x.arena);
    ed_config_clear(&x.config);
    return code;
}
