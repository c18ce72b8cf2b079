/* Golden questions and answers, a kind of question each:
 *
 *   tests/golden/reason/NAME.request     what is asked, in full
 *   tests/golden/reason/NAME.replies     replies of a model, good and bad, each under "==== title"
 *   tests/golden/reason/NAME.operations  what becomes of each
 *
 * Requests and operations are written by EDDY_GOLDEN=write, and then read by a person. */
#include "reason_support.h"

#define FOLDER "tests/golden/reason/"

static char *file_read(const char *path)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        return NULL;
    char *bytes = calloc(1, 1 << 18);
    if (fread(bytes, 1, (1 << 18) - 1, in) == 0)
        bytes[0] = 0;
    fclose(in);
    return bytes;
}

static void compare(const char *name, const char *end, const struct ed_bytes *got)
{
    char path[200];
    snprintf(path, sizeof path, FOLDER "%s%s", name, end);
    const char *write = getenv("EDDY_GOLDEN");
    if (write && !strcmp(write, "write")) {
        FILE *out = fopen(path, "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(got->at, 1, got->n, out), got->n);
        fclose(out);
    }
    char *expected = file_read(path);
    assert_non_null(expected);
    assert_string_equal(got->at, expected);
    free(expected);
}

/* ---- views, each with questions of one kind ---- */

static void view_name(struct made *m)
{
    made_event(m, 7, 43, quake, quake_words);
    made_event(m, 8, 12, strike, strike_words);
}

static void view_same(struct made *m)
{
    made_doubt(m, EDDY_DOUBT_SAME, 7, 9, 0.39, quake, quake_too);
    made_doubt(m, EDDY_DOUBT_SAME, 7, 8, 0.3, quake, strike);
}

static void view_whole(struct made *m)
{
    made_doubt(m, EDDY_DOUBT_WHOLE, 7, 0, 0.4, quake, strike);
}

static void view_odd(struct made *m)
{
    static const char *const titles[] = {"Strong earthquake shakes Kathmandu in Nepal",
                                         "Nepal earthquake: airport closed",
                                         "Hundreds feared dead after Nepal earthquake",
                                         "Rescue teams reach Nepal",
                                         "Stocks of airlines fall",
                                         NULL};
    eddy_view_event *e = made_event(m, 7, 43, titles, quake_words);
    e->picture.described_by = e->picture.named_by = EDDY_LLM;
    m->members[4].similarity = 0.1F;
}

static void view_place(struct made *m)
{
    made_place(m, "Airline resumes flights to Kathmandu", 7, 8, quake, strike);
    eddy_view_doubt *more = made_place(m, "Airline resumes flights to Kathmandu", 7, 9, quake,
                                       TITLES("Airline opens a route to Nepal"));
    more->sides[0] = m->doubts[0].sides[0];
}

static void view_plan(struct made *m)
{
    static const char *const titles[] = {"Strong earthquake shakes Kathmandu in Nepal",
                                         "Nepal earthquake: airport closed",
                                         "Pilots of the airline go on strike on Monday",
                                         "Airline strike: 400 flights cancelled",
                                         "Elections in the north: turnout is high",
                                         "Votes are counted in the north",
                                         NULL};
    eddy_view_event *e = made_event(m, 7, 43, titles, quake_words);
    e->picture.described_by = e->picture.named_by = EDDY_LLM;
    e->picture.cohesion = 0.2F;
    e->picture.n_groups = 3;
    made_doubt(m, EDDY_DOUBT_WHOLE, 7, 0, 0.3, quake, strike);
}

static void view_group(struct made *m)
{
    made_doubt(m, EDDY_DOUBT_SAME, 7, 9, 0.39, quake, quake_too);
    made_doubt(m, EDDY_DOUBT_SAME, 7, 8, 0.3, quake, strike);
    made_doubt(m, EDDY_DOUBT_SAME, 9, 8, 0.2, quake_too, strike);
}

static void view_topic(struct made *m)
{
    made_event(m, 7, 43, quake, quake_words)->picture.described_by = EDDY_LLM;
    made_event(m, 8, 12, strike, strike_words)->picture.described_by = EDDY_LLM;
    m->children[0] = 7;
    m->children[1] = 8;
    eddy_topic *t = &m->topics[m->view.n_topics++];
    *t = (eddy_topic){.id = 30, .level = 1, .version = 4, .n_events = 2, .n_keywords = 2};
    t->children = m->children;
    t->n_children = 2;
    t->keywords[0] = text_of("nepal");
    t->keywords[1] = text_of("airline");
}

/* ---- what is asked, and what is made of the answer ---- */

static void one_category(eddy_reason_options *o)
{
    static const char *const categories[] = {"disaster", "labour", "politics"};
    o->categories = categories;
    o->n_categories = 3;
}

static void text_field(struct ed_bytes *b, const char *key, eddy_str text)
{
    if (text.n)
        ed_bytes_printf(b, "\n    %s: %.*s", key, (int)text.n, text.at);
}

static void render(struct ed_bytes *b, const eddy_operation *op)
{
    static const char *const kinds[] = {"merge", "split", "move",   "rename",   "pin",     "unpin",
                                        "link",  "undo",  "answer", "describe", "reassign"};
    ed_bytes_printf(b, "  %s %s E%llu@%llu", eddy_actor_name(op->actor), kinds[op->kind],
                    (unsigned long long)op->event, (unsigned long long)op->event_version);
    if (op->other)
        ed_bytes_printf(b, " E%llu@%llu", (unsigned long long)op->other,
                        (unsigned long long)op->other_version);
    for (size_t i = 0; i < op->n_groups; i++)
        ed_bytes_printf(b, " group %llu", (unsigned long long)op->groups[i]);
    if (op->kind == EDDY_OPERATION_ANSWER)
        ed_bytes_printf(b, " %s, wrong with %.3f, shown at %.3f", op->same ? "same" : "not same",
                        op->error, op->similarity);
    if (op->kind == EDDY_OPERATION_REASSIGN)
        ed_bytes_printf(b, " document %llu", (unsigned long long)op->position);
    text_field(b, "name", op->name);
    text_field(b, "summary", op->summary);
    text_field(b, "category", op->category);
    text_field(b, "evidence", op->evidence);
    ed_bytes_add_str(b, "\n");
}

static void stats_line(struct ed_bytes *b, const eddy_reasoner *r)
{
    eddy_reason_stats s;
    eddy_reasoner_stats(r, &s);
    ed_bytes_printf(b, "  = asked %d, answered %d, rejected %d, ignored %d, names cleaned %d\n",
                    (int)s.asked, (int)s.answered, (int)s.rejected, (int)s.ignored,
                    (int)s.names_cleaned);
}

static void request_text(struct ed_bytes *b, const eddy_reasoner *r)
{
    const eddy_request *asked;
    assert_int_equal(eddy_reasoner_asked(r, &asked), 1);
    ed_bytes_printf(b, "purpose: %s\nkey: %s\nabout: %s\nmax_tokens: %d\ntokens_in: %d\n",
                    asked[0].purpose, asked[0].key, asked[0].about.at, asked[0].max_tokens,
                    (int)asked[0].tokens_in);
    ed_bytes_printf(b, "\n---- system\n%s\n\n---- user\n%s\n\n---- schema\n%s\n",
                    asked[0].system.at, asked[0].user.at, asked[0].schema.at);
}

static void keyphrases(eddy_reasoner *r, eddy_arena *arena, struct ed_bytes *out)
{
    const eddy_str texts[] = {text_of("Strong earthquake shakes Kathmandu in Nepal"),
                              text_of("Ticket 4711: VPN drops after the \"update\"")};
    eddy_str phrases[2];
    eddy_error err = {0};
    CHECK_OK(eddy_reasoner_keyphrases(r, texts, 2, 1000, 42, arena, phrases, &err), &err);
    for (size_t i = 0; i < 2; i++)
        ed_bytes_printf(out, "  %zu: %.*s\n", i + 1, (int)phrases[i].n,
                        phrases[i].n ? phrases[i].at : "");
}

static void one_reply(const char *name, const struct made *m, const char *reply,
                      struct ed_bytes *operations, struct ed_bytes *request)
{
    const char *const replies[] = {reply};
    struct script s = {.replies = replies, .n_replies = 1, .tokens_in = 300, .tokens_out = 30};
    eddy_reasoner *r = reasoner_new(&s, strcmp(name, "name") ? NULL : one_category);
    eddy_arena *arena = eddy_arena_new(0);
    const eddy_operation *ops;
    if (!strcmp(name, "keyphrases")) {
        keyphrases(r, arena, operations);
    } else {
        size_t n = made_pass(r, m, arena, &ops);
        for (size_t i = 0; i < n; i++)
            render(operations, &ops[i]);
    }
    stats_line(operations, r);
    if (request && !request->n)
        request_text(request, r);
    eddy_arena_free(arena);
    eddy_reasoner_free(r);
    script_clear(&s);
}

static void golden(const char *name, void (*fill)(struct made *))
{
    char path[200];
    snprintf(path, sizeof path, FOLDER "%s.replies", name);
    char *replies = file_read(path);
    assert_non_null(replies);
    struct made *m = made_new();
    if (fill)
        fill(m);
    struct ed_bytes operations;
    struct ed_bytes request;
    ed_bytes_init(&operations, 0);
    ed_bytes_init(&request, 0);
    char *at = replies;
    assert_int_equal(strncmp(at, "==== ", 5), 0);
    while (at && *at) {
        char *title_end = strchr(at, '\n');
        assert_non_null(title_end);
        *title_end = 0;
        char *next = strstr(title_end + 1, "\n==== ");
        if (next)
            *next++ = 0;
        ed_bytes_printf(&operations, "%s\n", at);
        one_reply(name, m, title_end + 1, &operations, &request);
        at = next;
    }
    compare(name, ".request", &request);
    compare(name, ".operations", &operations);
    ed_bytes_clear(&operations);
    ed_bytes_clear(&request);
    free(m);
    free(replies);
}

TEST(names)
{
    golden("name", view_name);
}
TEST(same_events)
{
    golden("same", view_same);
}
TEST(whole_events)
{
    golden("whole", view_whole);
}
TEST(odd_documents)
{
    golden("odd", view_odd);
}
TEST(places)
{
    golden("place", view_place);
}
TEST(plans)
{
    golden("plan", view_plan);
}
TEST(sets)
{
    golden("group", view_group);
}
TEST(topics)
{
    golden("topic", view_topic);
}
TEST(phrases)
{
    golden("keyphrases", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),        cmocka_unit_test(same_events),
        cmocka_unit_test(whole_events), cmocka_unit_test(odd_documents),
        cmocka_unit_test(places),       cmocka_unit_test(plans),
        cmocka_unit_test(sets),         cmocka_unit_test(topics),
        cmocka_unit_test(phrases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
