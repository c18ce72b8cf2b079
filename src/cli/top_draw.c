/* How the live view looks: a head of four lines, the table, the page of an event, help. It fits 80
 * columns and 24 rows, says in words what colours say, and marks the chosen line with a sign. */
#include "cli/top.h"

#include <inttypes.h>
#include <string.h>

#define HEAD 5 /* lines above the first event, that of the titles included */

/* ---- small texts ---- */

char *ed_text_age(int64_t ms, char ret[ED_TEXT])
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}};
    size_t i = 0;
    ms = ms < 0 ? 0 : ms;
    while (i < 3 && ms < units[i].ms)
        i++;
    int64_t n = ms / units[i].ms;
    if (n > 999)
        snprintf(ret, ED_TEXT, "%" PRId64 "y", n / 365 > 999 ? (int64_t)999 : n / 365);
    else
        snprintf(ret, ED_TEXT, "%" PRId64 "%s", n, units[i].unit);
    return ret;
}

char *ed_text_short(double n, char ret[ED_TEXT])
{
    if (n < 999999.5)
        return ed_text_number((uint64_t)(n < 0 ? 0 : n + 0.5), ret);
    snprintf(ret, ED_TEXT, n < 9.995e8 ? "%.1fM" : "%.1fG", n < 9.995e8 ? n / 1e6 : n / 1e9);
    return ret;
}

/* ---- rate ---- */

void ed_flow_put(struct ed_flow *rate, int64_t now_ms, double n)
{
    size_t last = (rate->n + ED_TOP_SAMPLES - 1) % ED_TOP_SAMPLES;
    if (rate->n && now_ms - rate->samples[last].at_ms < 500)
        return;
    rate->samples[rate->n % ED_TOP_SAMPLES].at_ms = now_ms;
    rate->samples[rate->n++ % ED_TOP_SAMPLES].n = n;
}

double ed_flow_get(const struct ed_flow *rate)
{
    if (rate->n < 2)
        return 0;
    size_t last = (rate->n - 1) % ED_TOP_SAMPLES;
    size_t first = rate->n > ED_TOP_SAMPLES ? rate->n % ED_TOP_SAMPLES : 0;
    double n = rate->samples[last].n - rate->samples[first].n;
    int64_t ms = rate->samples[last].at_ms - rate->samples[first].at_ms;
    return n > 0 && ms > 0 ? n * 1000 / (double)ms : 0;
}

/* ---- head ---- */

static void put(struct ed_top *top, size_t row, enum ed_ink ink, const char *text)
{
    ed_screen_put(top->screen, row, 0, ed_screen_columns(top->screen), ink, 0, text);
}

static void state_text(const struct ed_top *top, char *ret, size_t n)
{
    const struct ed_feed_look *look = &top->look;
    static const char *const states[] = {[ED_FEED_OPENING] = "opening",
                                         [ED_FEED_READING] = "reading",
                                         [ED_FEED_LIVE] = "live",
                                         [ED_FEED_ENDED] = "ended"};
    double share = look->bytes_total && look->counts.in
                       ? (double)look->bytes / (double)look->bytes_total *
                             ((double)look->done / (double)look->counts.in)
                       : 0;
    if (top->paused)
        snprintf(ret, n, "paused");
    else if (look->state == ED_FEED_READING && share > 0)
        snprintf(ret, n, "reading, %.0f %%", share * 100);
    else
        snprintf(ret, n, "%s", states[look->state]);
}

static void title_draw(struct ed_top *top)
{
    char state[40], text[600];
    size_t columns = ed_screen_columns(top->screen), right;
    state_text(top, state, sizeof state);
    right = strlen(state);
    snprintf(text, sizeof text, "eddy top  %s  %s", top->config->pipeline, top->where);
    ed_screen_put(top->screen, 0, 0, columns > right + 2 ? columns - right - 2 : columns, ED_BOLD,
                  0, text);
    if (columns > right + 20)
        ed_screen_put(top->screen, 0, columns - right, right, top->paused ? ED_YELLOW : ED_GREEN, 0,
                      state);
}

static void counts_draw(struct ed_top *top)
{
    const struct ed_roster *roster = &top->roster;
    const struct ed_feed_look *look = &top->look;
    char text[400], docs[ED_TEXT], rate[60] = "", number[ED_TEXT], events[ED_TEXT],
                                   now[ED_TEXT] = "-";
    double done = look->has_counts ? (double)look->done : roster->documents;
    uint64_t active = look->has_counts ? look->counts.events_active : roster->active;
    if (look->state == ED_FEED_LIVE || (look->has_counts && look->state == ED_FEED_READING))
        snprintf(rate, sizeof rate, ", %s a second",
                 ed_text_number((uint64_t)(ed_flow_get(&top->rate) + 0.5), number));
    if (roster->now_ms >= 0)
        ed_text_minute(roster->now_ms, now);
    snprintf(text, sizeof text, "%s documents%s; %s events active; stream time %s",
             ed_text_number((uint64_t)(done + 0.5), docs), rate, ed_text_number(active, events),
             now);
    put(top, 1, ED_PLAIN, text);
}

/* in = assigned + founded + filtered + dead, where this process knows it. */
static void account_draw(struct ed_top *top)
{
    const struct ed_feed_look *look = &top->look;
    char text[400] = "", behind[ED_TEXT];
    if (look->has_counts)
        ed_stream_account(&top->feed.stream, text, sizeof text);
    else if (look->has_behind)
        snprintf(text, sizeof text, "%s messages at the broker are not read yet",
                 ed_text_number(look->behind, behind));
    put(top, 2, ED_PLAIN, text);
}

static void choice_draw(struct ed_top *top)
{
    static const char *const orders[] = {[ED_BY_ACTIVITY] = "the most active first",
                                         [ED_BY_SIZE] = "the largest first",
                                         [ED_BY_NEWEST] = "the newest first",
                                         [ED_BY_NAME] = "by name"};
    const struct ed_roster *roster = &top->roster;
    char text[400], shown[ED_TEXT], all[ED_TEXT], waits[ED_TEXT], number[80] = "", left[60] = "";
    int editing = top->mode == ED_TOP_FILTER;
    if (top->paused)
        snprintf(
            number, sizeof number, "; news of %s events waits",
            ed_text_number(ed_inbox_waits(&top->inbox) + roster->news.n - roster->next, waits));
    if (roster->left_out)
        snprintf(left, sizeof left, " (%s not kept)", ed_text_number(roster->left_out, waits));
    snprintf(text, sizeof text, "%s of %s shown%s, %s%s%s%s%s%s",
             ed_text_number(roster->n_shown, shown), ed_text_number(roster->rows.n, all), left,
             orders[roster->order], roster->size_min > 1 ? ", from 2 documents" : "", number,
             editing || *roster->filter ? "; filter: " : "", roster->filter, editing ? "_" : "");
    put(top, 3, editing || *roster->filter ? ED_YELLOW : ED_PLAIN, text);
}

/* ---- table ---- */

struct columns {
    size_t state, size, growth, trend, n_trend, first, last, name, n_name, words, n_words;
};

static struct columns columns_of(const struct ed_top *top)
{
    struct columns c = {.state = 9, .size = 15, .growth = 23, .trend = 32};
    size_t all = ed_screen_columns(top->screen);
    c.n_trend = all >= 140 ? 24 : all >= 100 ? 16 : 8;
    c.first = c.trend + c.n_trend + 1;
    c.last = c.first + 6;
    c.name = c.last + 6;
    size_t rest = all > c.name ? all - c.name : 0;
    c.n_words = rest >= 60 ? rest * 2 / 5 : 0;
    c.n_name = rest - c.n_words - (c.n_words ? 1 : 0);
    c.words = c.name + c.n_name + 1;
    return c;
}

static void right(struct ed_top *top, size_t row, size_t column, size_t columns, enum ed_ink ink,
                  int marked, const char *text)
{
    size_t n = strlen(text); /* of ours: plain ASCII */
    n = n < columns ? n : columns;
    ed_screen_put(top->screen, row, column + columns - n, n, ink, marked, text);
}

static void titles_draw(struct ed_top *top)
{
    struct columns c = columns_of(top);
    char growth[ED_TEXT];
    size_t row = HEAD - 1;
    snprintf(growth, sizeof growth, "+%s", ed_roster_interval_text(top->roster.interval));
    ed_screen_put(top->screen, row, 1, 7, ED_BOLD, 0, "event");
    ed_screen_put(top->screen, row, c.state, 5, ED_BOLD, 0, "state");
    right(top, row, c.size, 7, ED_BOLD, 0, "size");
    right(top, row, c.growth, 8, ED_BOLD, 0, growth);
    ed_screen_put(top->screen, row, c.trend, c.n_trend, ED_BOLD, 0, "trend");
    right(top, row, c.first, 5, ED_BOLD, 0, "first");
    right(top, row, c.last, 5, ED_BOLD, 0, "last");
    ed_screen_put(top->screen, row, c.name, c.n_name, ED_BOLD, 0, "name");
    ed_screen_put(top->screen, row, c.words, c.n_words, ED_BOLD, 0, "keywords");
}

static const char *row_state(const struct ed_roster *roster, const struct ed_row *row,
                             enum ed_ink *ink)
{
    *ink = ED_DIM;
    if (row->faded)
        return "faded";
    *ink = ED_RED;
    if (row->signal == ED_ROSTER_BURST)
        return "burst";
    *ink = ED_BLUE;
    if (row->signal == ED_ROSTER_QUIET)
        return "quiet";
    *ink = ED_GREEN;
    return row->first_ms > roster->now_ms - roster->interval ? "new" : "";
}

static void row_draw(struct ed_top *top, size_t line, const struct ed_row *row, int marked)
{
    const struct ed_roster *roster = &top->roster;
    struct columns c = columns_of(top);
    enum ed_ink ink;
    double counts[24];
    char text[ED_TEXT], grown[ED_TEXT], id[ED_TEXT], blocks[3 * 24 + 1];
    const char *state = row_state(roster, row, &ink);
    if (marked) /* the whole line, blanks as well */
        ed_screen_put(top->screen, line, 0, ed_screen_columns(top->screen), ED_PLAIN, 1, ">");
    snprintf(id, sizeof id, "E%" PRIu64, row->id);
    ed_screen_put(top->screen, line, 1, 8, ED_PLAIN, marked, id);
    ed_screen_put(top->screen, line, c.state, 5, ink, marked, state);
    right(top, line, c.size, 7, ED_PLAIN, marked, ed_text_short(row->size, text));
    snprintf(grown, sizeof grown, "+%.20s", ed_text_short(row->growth, text));
    right(top, line, c.growth, 8, ED_PLAIN, marked, row->growth < 0.5 ? "" : grown);
    ed_curve_counts(&row->curve, roster->now_ms, roster->interval, counts, c.n_trend);
    ed_screen_put(top->screen, line, c.trend, c.n_trend, ED_GREEN, marked,
                  ed_curve_text(counts, c.n_trend, blocks));
    right(top, line, c.first, 5, ED_PLAIN, marked,
          ed_text_age(roster->now_ms - row->first_ms, text));
    right(top, line, c.last, 5, ED_PLAIN, marked, ed_text_age(roster->now_ms - row->last_ms, text));
    ed_screen_put(top->screen, line, c.name, c.n_name, ED_PLAIN, marked, row->name.at);
    ed_screen_put(top->screen, line, c.words, c.n_words, ED_DIM, marked, row->keywords.at);
}

size_t ed_top_table_rows(const struct ed_top *top)
{
    size_t rows = ed_screen_rows(top->screen);
    return rows > HEAD + 2 ? rows - HEAD - 1 : 1;
}

static void table_draw(struct ed_top *top)
{
    const struct ed_roster *roster = &top->roster;
    size_t rows = ed_top_table_rows(top);
    titles_draw(top);
    for (size_t i = 0; i < rows && top->first + i < roster->n_shown; i++)
        row_draw(top, HEAD + i, roster->shown[top->first + i], top->first + i == top->at);
    if (!roster->n_shown)
        put(top, HEAD + 1, ED_DIM,
            top->look.state == ED_FEED_OPENING ? "  waiting for the first documents"
            : roster->rows.n                   ? "  no event is like that"
                                               : "  no event yet");
}

/* ---- page and help ---- */

size_t ed_top_page_rows(const struct ed_top *top)
{
    size_t rows = ed_screen_rows(top->screen);
    return rows > 3 ? rows - 2 : 1;
}

static void page_draw(struct ed_top *top)
{
    struct ed_sheet *page = &top->page;
    size_t columns = ed_screen_columns(top->screen), rows = ed_top_page_rows(top);
    if (top->page_version != top->roster.version || page->columns != columns)
        ed_sheet_write(page, &top->roster, top->event, columns);
    top->page_version = top->roster.version;
    if (top->scrolled + rows > page->n)
        top->scrolled = page->n > rows ? page->n - rows : 0;
    for (size_t i = 0; i < rows && top->scrolled + i < page->n; i++) {
        const struct ed_sheet_line *line = &page->lines[top->scrolled + i];
        put(top, 1 + i, line->ink, line->text);
    }
}

static void help_draw(struct ed_top *top)
{
    static const char *const lines[] = {
        "up, down, page up, page down, home, end   another event (also j, k, g, G)",
        "enter      the event's page: documents, similar events, what happened to it",
        "escape     back; in the table: no filter",
        "/          show only events that have these words in name, keywords or id",
        "s          another order: activity, size, newest, name (also 1, 2, 3, 4)",
        "i          another interval of growth and trend",
        "m          events of one document as well, or from 2 on",
        "p          pause: nothing moves until p is pressed again",
        "q          quit",
        "",
        "state   new: it began in the last interval; burst: much more than is usual;",
        "        quiet: nothing has come for unusually long; faded: idle for so long that",
        "        the engine let it go",
        "size    its documents; +1 h: of the last interval; trend: interval by interval",
        "first, last   how long before the end of the stream its first and last one came",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        put(top, 2 + i, ED_PLAIN, lines[i]);
}

/* ---- all of it ---- */

static void foot_draw(struct ed_top *top)
{
    static const char *const keys[] = {
        [ED_TOP_TABLE] =
            "q quit  ? help  enter open  / filter  s order  i interval  m all  p pause",
        [ED_TOP_FILTER] = "enter keep the filter  escape no filter",
        [ED_TOP_PAGE] = "escape back  up, down scroll  p pause  ? help  q quit",
        [ED_TOP_HELP] = "any key goes back",
    };
    const char *said = ed_screen_said(top->screen);
    int warns = *said && top->mode == ED_TOP_TABLE;
    if (!strncmp(said, "ts=", 3) && strchr(said, ' '))
        said = strchr(said, ' ') + 1; /* of a line of our log what it says, not when */
    put(top, ed_screen_rows(top->screen) - 1, warns ? ED_YELLOW : ED_DIM,
        warns ? said : keys[top->mode]);
}

void ed_top_draw(struct ed_top *top)
{
    ed_screen_begin(top->screen);
    title_draw(top);
    if (top->mode == ED_TOP_HELP) {
        help_draw(top);
    } else if (top->mode == ED_TOP_PAGE) {
        page_draw(top);
    } else {
        counts_draw(top);
        account_draw(top);
        choice_draw(top);
        table_draw(top);
    }
    foot_draw(top);
    ed_screen_show(top->screen);
}
