/* Screen: curses, wide characters, and standard error as a guest. */
#define NCURSES_NOMACROS
#define NCURSES_WIDECHAR 1

#include "cli/screen.h"

#include "base/error.h"
#include "base/memory.h"
#include "cli/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#define SAID_MAX    ((size_t)64 << 10) /* bytes of standard error that are kept */
#define SAID_MS     15000              /* that its last line is shown */
#define COLUMNS_MAX 1000
#define ESCAPE_MS   25 /* that the rest of an escape sequence may take */

struct ed_screen {
    FILE *keys; /* standard input, or a terminal that was opened for them */
    SCREEN *curses;
    int colour;
    int saved,
        guest;  /* standard error as it was, and the end that is read; -1: it is no terminal */
    char *said; /* (n_said) */
    size_t n_said;
    char last[200];
    int64_t last_ms; /* when it came */
};

/* ---- standard error ---- */

static void guest_open(struct ed_screen *screen)
{
    int ends[2];
    if (!isatty(STDERR_FILENO) || pipe(ends) != 0)
        return;
    screen->saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (screen->saved < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0 ||
        dup2(ends[1], STDERR_FILENO) < 0) {
        close(ends[0]);
    } else {
        screen->guest = ends[0];
        fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    }
    close(ends[1]);
}

/* The last line that is whole. */
static void last_line(struct ed_screen *screen)
{
    size_t end = screen->n_said;
    while (end && screen->said[end - 1] != '\n')
        end--;
    size_t start = end ? end - 1 : 0;
    while (start && screen->said[start - 1] != '\n')
        start--;
    if (end)
        snprintf(screen->last, sizeof screen->last, "%.*s", (int)(end - 1 - start),
                 screen->said + start);
    screen->last_ms = ed_view_now();
}

static void guest_read(struct ed_screen *screen)
{
    char buffer[4096];
    ssize_t n;
    while (screen->guest >= 0 && (n = read(screen->guest, buffer, sizeof buffer)) > 0) {
        size_t more = (size_t)n;
        if (screen->n_said + more > SAID_MAX) { /* the newest half is worth most */
            size_t kept = screen->n_said < SAID_MAX / 2 ? screen->n_said : SAID_MAX / 2;
            memmove(screen->said, screen->said + screen->n_said - kept, kept);
            screen->n_said = kept;
        }
        memcpy(screen->said + screen->n_said, buffer, more);
        screen->n_said += more;
        last_line(screen);
    }
}

static void guest_close(struct ed_screen *screen)
{
    if (screen->guest >= 0) {
        dup2(screen->saved, STDERR_FILENO);
        guest_read(screen);
        close(screen->guest);
        fwrite(screen->said, 1, screen->n_said, stderr);
        fflush(stderr);
    }
    if (screen->saved >= 0)
        close(screen->saved);
}

const char *ed_screen_said(const struct ed_screen *screen)
{
    return *screen->last && ed_view_now() - screen->last_ms < SAID_MS ? screen->last : "";
}

/* ---- opening and closing ---- */

/* What we write is UTF-8, as all of eddy does, whatever the locale says of the terminal. */
static void locale_choose(void)
{
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
}

static eddy_status terminal_open(struct ed_screen *screen, eddy_error *err)
{
    const char *term = getenv("TERM");
    if (!isatty(STDOUT_FILENO))
        return eddy_fail(err, EDDY_INVALID, "standard output is no terminal");
    screen->keys = isatty(STDIN_FILENO) ? stdin : fopen("/dev/tty", "r");
    if (!screen->keys)
        return eddy_fail(err, EDDY_INVALID, "no terminal for keys: %s", strerror(errno));
    if (term && *term && strcmp(term, "dumb") != 0)
        screen->curses = newterm(NULL, stdout, screen->keys);
    if (!screen->curses)
        return eddy_fail(err, EDDY_INVALID, "a terminal of kind '%.60s' cannot be drawn on",
                         term ? term : "");
    return EDDY_OK;
}

static void curses_start(struct ed_screen *screen)
{
    static const short inks[] = {
        [ED_RED] = COLOR_RED,   [ED_GREEN] = COLOR_GREEN,     [ED_YELLOW] = COLOR_YELLOW,
        [ED_BLUE] = COLOR_BLUE, [ED_MAGENTA] = COLOR_MAGENTA, [ED_CYAN] = COLOR_CYAN};
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(ESCAPE_MS);
    curs_set(0);
    screen->colour = ed_colour(stdout) && has_colors() && start_color() == OK;
    if (screen->colour && use_default_colors() == OK)
        for (short i = ED_RED; i <= ED_CYAN; i++)
            init_pair(i, inks[i], -1);
}

eddy_status ed_screen_open(struct ed_screen **ret, eddy_error *err)
{
    struct ed_screen *screen = ed_alloc_zero(1, sizeof *screen);
    char *said = ed_alloc(SAID_MAX);
    if (!screen || !said) {
        ed_free(screen);
        ed_free(said);
        return eddy_fail_nomem(err, "screen", SAID_MAX);
    }
    *screen = (struct ed_screen){.saved = -1, .guest = -1, .said = said};
    locale_choose();
    eddy_status st = terminal_open(screen, err);
    if (st != EDDY_OK) {
        ed_screen_close(screen);
        return st;
    }
    guest_open(screen);
    curses_start(screen);
    *ret = screen;
    return EDDY_OK;
}

void ed_screen_close(struct ed_screen *screen)
{
    if (!screen)
        return;
    if (screen->curses) {
        endwin();
        delscreen(screen->curses);
    }
    guest_close(screen);
    if (screen->keys && screen->keys != stdin)
        fclose(screen->keys);
    ed_free(screen->said);
    ed_free(screen);
}

/* ---- keys ---- */

static int key_of(wint_t c, int is_function)
{
    static const struct {
        wint_t c;
        int key;
    } keys[] = {{KEY_UP, ED_KEY_UP},     {KEY_DOWN, ED_KEY_DOWN},   {KEY_PPAGE, ED_KEY_PAGE_UP},
                {KEY_HOME, ED_KEY_HOME}, {KEY_END, ED_KEY_END},     {KEY_NPAGE, ED_KEY_PAGE_DOWN},
                {KEY_LEFT, ED_KEY_LEFT}, {KEY_RIGHT, ED_KEY_RIGHT}, {KEY_BACKSPACE, ED_KEY_ERASE},
                {KEY_DC, ED_KEY_ERASE},  {KEY_ENTER, ED_KEY_ENTER}, {KEY_RESIZE, ED_KEY_RESIZE}};
    if (!is_function)
        return c == '\r' ? ED_KEY_ENTER : c == 127 || c == '\b' ? ED_KEY_ERASE : (int)c;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].c == c)
            return keys[i].key;
    return ED_KEY_NONE;
}

int ed_screen_key(struct ed_screen *screen, int wait_ms)
{
    struct pollfd ends[] = {{.fd = fileno(screen->keys), .events = POLLIN},
                            {.fd = screen->guest, .events = POLLIN}};
    wint_t c = 0;
    guest_read(screen);
    int got = wget_wch(stdscr, &c);
    if (got == ERR && poll(ends, 2, wait_ms) > 0) {
        guest_read(screen);
        got = wget_wch(stdscr, &c);
        if (got == ERR && ends[0].revents & (POLLHUP | POLLERR | POLLNVAL))
            return ED_KEY_GONE;
    }
    return got == ERR ? ED_KEY_NONE : key_of(c, got == KEY_CODE_YES);
}

/* ---- drawing ---- */

size_t ed_screen_rows(const struct ed_screen *screen)
{
    (void)screen;
    int rows = getmaxy(stdscr);
    return rows > 0 ? (size_t)rows : 1;
}

size_t ed_screen_columns(const struct ed_screen *screen)
{
    (void)screen;
    int columns = getmaxx(stdscr);
    return columns < 1 ? 1 : columns > COLUMNS_MAX ? COLUMNS_MAX : (size_t)columns;
}

void ed_screen_begin(struct ed_screen *screen)
{
    (void)screen;
    werase(stdscr);
}

static attr_t looks(const struct ed_screen *screen, enum ed_ink ink, int marked)
{
    attr_t attr = marked ? A_REVERSE : A_NORMAL;
    if (ink == ED_BOLD)
        attr |= A_BOLD;
    else if (ink == ED_DIM)
        attr |= marked ? A_NORMAL : A_DIM;
    else if (ink != ED_PLAIN && screen->colour)
        attr |= COLOR_PAIR(ink);
    return attr;
}

/* As many characters as fit into the columns by the terminal's own count, which curses shares; in
 * doubtful cases ours (ed_text_fit) is another. */
static int within(const wchar_t *text, size_t columns)
{
    size_t n = 0, used = 0;
    for (; text[n]; n++) {
        int wide = wcwidth(text[n]);
        if (used + (wide > 0 ? (size_t)wide : 0) > columns)
            break;
        used += wide > 0 ? (size_t)wide : 0;
    }
    return (int)n;
}

void ed_screen_put(struct ed_screen *screen, size_t row, size_t column, size_t columns,
                   enum ed_ink ink, int marked, const char *text)
{
    char fit[4 * COLUMNS_MAX + 64];
    wchar_t wide[sizeof fit];
    size_t rows = ed_screen_rows(screen), all = ed_screen_columns(screen);
    if (row >= rows || column >= all)
        return;
    columns = columns < all - column ? columns : all - column;
    ed_text_fit(text, strlen(text), columns, marked, fit, sizeof fit);
    if (mbstowcs(wide, fit, sizeof fit) == (size_t)-1)
        return;
    wattrset(stdscr, (int)looks(screen, ink, marked));
    mvwaddnwstr(stdscr, (int)row, (int)column, wide, within(wide, columns));
}

void ed_screen_show(struct ed_screen *screen)
{
    (void)screen;
    wattrset(stdscr, A_NORMAL);
    wrefresh(stdscr);
}
