/* view: one bar that is wiped before a line is printed and drawn again behind it. */
#include "cli/view.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/time.h"
#include "base/utf8.h"
#include "cli/usage.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* ---- lines and the bar ---- */

void ed_view_init(struct ed_view *view, FILE *out)
{
    memset(view, 0, sizeof *view);
    view->out = out;
    view->colour = ed_colour(out);
    const char *term = getenv("TERM");
    view->terminal = isatty(fileno(out)) && !(term && strcmp(term, "dumb") == 0);
    pthread_mutex_init(&view->lock, NULL);
}

static void bar_wipe(struct ed_view *view)
{
    if (*view->bar)
        fputs("\r\033[K", view->out);
}

void ed_view_clear(struct ed_view *view)
{
    bar_wipe(view);
    fflush(view->out);
    *view->bar = 0;
    pthread_mutex_destroy(&view->lock);
}

void ed_view_line(struct ed_view *view, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    pthread_mutex_lock(&view->lock);
    bar_wipe(view);
    vfprintf(view->out, format, args);
    fputc('\n', view->out);
    fputs(view->bar, view->out);
    fflush(view->out);
    pthread_mutex_unlock(&view->lock);
    va_end(args);
}

void ed_view_bar(struct ed_view *view, const char *format, ...)
{
    if (!view->terminal)
        return;
    va_list args;
    va_start(args, format);
    char bar[sizeof view->bar];
    vsnprintf(bar, sizeof bar, format, args);
    pthread_mutex_lock(&view->lock);
    if (strcmp(bar, view->bar) != 0) {
        bar_wipe(view);
        memcpy(view->bar, bar, sizeof bar);
        fputs(view->bar, view->out);
        fflush(view->out);
    }
    pthread_mutex_unlock(&view->lock);
    va_end(args);
}

size_t ed_view_columns(const struct ed_view *view)
{
    struct winsize size;
    if (!view->terminal || ioctl(fileno(view->out), TIOCGWINSZ, &size) != 0 || !size.ws_col)
        return 100;
    return size.ws_col < 40 ? 40 : size.ws_col > 200 ? 200 : size.ws_col;
}

const char *ed_ink(const struct ed_view *view, enum ed_ink ink)
{
    static const char *const inks[] = {
        [ED_PLAIN] = "\033[0m", [ED_BOLD] = "\033[1m",     [ED_DIM] = "\033[2m",
        [ED_RED] = "\033[31m",  [ED_GREEN] = "\033[32m",   [ED_YELLOW] = "\033[33m",
        [ED_BLUE] = "\033[34m", [ED_MAGENTA] = "\033[35m", [ED_CYAN] = "\033[36m",
    };
    return view->colour ? inks[ink] : "";
}

/* ---- numbers and times ---- */

char *ed_text_number(uint64_t n, char ret[ED_TEXT])
{
    char digits[ED_TEXT];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, n);
    char *to = ret;
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = 0;
    return ret;
}

char *ed_text_bytes(uint64_t n, char ret[ED_TEXT])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double x = (double)n;
    size_t unit = 0;
    for (; x >= 1000 && unit < 4; unit++)
        x /= 1000;
    snprintf(ret, ED_TEXT, x < 100 && unit ? "%.1f %s" : "%.0f %s", x, units[unit]);
    return ret;
}

char *ed_text_took(int64_t ms, char ret[ED_TEXT])
{
    int64_t s = ms / 1000;
    if (ms < 60000)
        snprintf(ret, ED_TEXT, "%.1f s", (double)ms / 1000);
    else if (s < 3600)
        snprintf(ret, ED_TEXT, "%" PRId64 ":%02d min", s / 60, (int)(s % 60));
    else
        snprintf(ret, ED_TEXT, "%" PRId64 ":%02d:%02d h", s / 3600, (int)(s / 60 % 60),
                 (int)(s % 60));
    return ret;
}

/* n bytes of "2031-05-14T08:31:00.000Z" from byte first on. */
static char *time_part(int64_t unix_ms, size_t first, size_t n, char ret[ED_TEXT])
{
    char text[ED_TIME_TEXT];
    ed_time_text(unix_ms, text);
    text[10] = ' ';
    memcpy(ret, text + first, n);
    ret[n] = 0;
    return ret;
}

char *ed_text_clock(int64_t unix_ms, char ret[ED_TEXT])
{
    return time_part(unix_ms, 11, 5, ret);
}

char *ed_text_minute(int64_t unix_ms, char ret[ED_TEXT])
{
    return time_part(unix_ms, 5, 11, ret);
}

/* ---- text ---- */

static int between(int32_t c, int32_t low, int32_t high)
{
    return c >= low && c <= high;
}

/* Columns that a character takes, near enough for cutting. Characters that could change what
 * stands before or behind them (controls, direction marks) take -1: they are left out. */
static int char_columns(int32_t c)
{
    if (c < 32 || between(c, 0x7F, 0x9F) || between(c, 0x200B, 0x200F) || c == 0x61C ||
        between(c, 0x2028, 0x202E) || between(c, 0x2060, 0x206F) || c == 0xFEFF)
        return -1;
    if (between(c, 0x300, 0x36F) || between(c, 0x20D0, 0x20FF) || between(c, 0xFE00, 0xFE0F))
        return 0;
    if (between(c, 0x1100, 0x115F) || between(c, 0x2E80, 0xA4CF) || between(c, 0xAC00, 0xD7A3) ||
        between(c, 0xF900, 0xFAFF) || between(c, 0xFE30, 0xFE6F) || between(c, 0xFF00, 0xFF60) ||
        between(c, 0xFFE0, 0xFFE6) || between(c, 0x1F300, 0x1F64F) ||
        between(c, 0x1F680, 0x1F6FF) || between(c, 0x1F900, 0x1F9FF) ||
        between(c, 0x20000, 0x3FFFD))
        return 2;
    return 1;
}

size_t ed_text_columns(const char *s, size_t n)
{
    size_t columns = 0;
    for (size_t at = 0; at < n;) {
        int32_t c;
        at += ed_utf8_next(s + at, n - at, &c);
        int wide = char_columns(c);
        columns += wide > 0 ? (size_t)wide : 0;
    }
    return columns;
}

char *ed_text_fit(const char *s, size_t n, size_t columns, int pad, char *ret, size_t n_ret)
{
    static const char ellipsis[] = "\xE2\x80\xA6";
    size_t used = 0, len = 0;         /* of all */
    size_t cut_used = 0, cut_len = 0; /* of what fits with an ellipsis behind it */
    int whole = 1;
    for (size_t at = 0; at < n && whole;) {
        int32_t c;
        size_t size = ed_utf8_next(s + at, n - at, &c);
        int wide = char_columns(c);
        int blank = c == '\t' || c == '\n' || c == '\r';
        if (used + (size_t)(wide > 0 ? wide : blank) > columns || len + size + 4 > n_ret) {
            whole = 0;
            break;
        }
        if (blank)
            ret[len++] = ' ';
        else if (wide >= 0)
            memcpy(ret + len, s + at, size);
        len += !blank && wide >= 0 ? size : 0;
        used += (size_t)(wide > 0 ? wide : blank);
        at += size;
        if (used + 1 <= columns) {
            cut_used = used;
            cut_len = len;
        }
    }
    if (!whole && columns) {
        memcpy(ret + cut_len, ellipsis, 3);
        len = cut_len + 3;
        used = cut_used + 1;
    }
    for (; pad && used < columns && len + 1 < n_ret; used++)
        ret[len++] = ' ';
    ret[len] = 0;
    return ret;
}

char *ed_text_gauge(double share, size_t columns, char *ret, size_t n_ret)
{
    size_t full = (size_t)((share < 0 ? 0 : share > 1 ? 1 : share) * (double)columns + 0.5);
    size_t len = 0;
    for (size_t i = 0; i < columns && len + 4 <= n_ret; i++, len += 3)
        memcpy(ret + len, i < full ? "\xE2\x94\x81" : "\xE2\x94\x84", 4); /* heavy line, dashes */
    ret[len] = 0;
    return ret;
}

/* ---- the ticker ---- */

struct ed_ticker {
    pthread_t thread;
    pthread_mutex_t lock; /* guards stopping */
    pthread_cond_t stop;
    int stopping;
    int every_ms;
    void (*tick)(void *p);
    void *p;
};

int64_t ed_view_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *ticker_main(void *p)
{
    struct ed_ticker *ticker = p;
    int64_t next = ed_view_now();
    pthread_mutex_lock(&ticker->lock);
    while (!ticker->stopping) {
        next += ticker->every_ms;
        struct timespec until = {next / 1000, next % 1000 * 1000000L};
        int waited = 0;
        while (!ticker->stopping && waited != ETIMEDOUT)
            waited = pthread_cond_timedwait(&ticker->stop, &ticker->lock, &until);
        if (ticker->stopping)
            break;
        pthread_mutex_unlock(&ticker->lock);
        ticker->tick(ticker->p);
        pthread_mutex_lock(&ticker->lock);
    }
    pthread_mutex_unlock(&ticker->lock);
    return NULL;
}

eddy_status ed_ticker_start(int every_ms, void (*tick)(void *p), void *p, struct ed_ticker **ret,
                            eddy_error *err)
{
    struct ed_ticker *ticker = ed_alloc_zero(1, sizeof *ticker);
    if (!ticker)
        return eddy_fail_nomem(err, "ticker", sizeof *ticker);
    *ticker = (struct ed_ticker){.every_ms = every_ms, .tick = tick, .p = p};
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&ticker->stop, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&ticker->lock, NULL);

    sigset_t all, before; /* signals are for the main thread */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&ticker->thread, NULL, ticker_main, ticker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        pthread_cond_destroy(&ticker->stop);
        pthread_mutex_destroy(&ticker->lock);
        ed_free(ticker);
        return eddy_fail(err, EDDY_NOMEM, "cannot start a thread: %s", strerror(failed));
    }
    *ret = ticker;
    return EDDY_OK;
}

void ed_ticker_stop(struct ed_ticker *ticker)
{
    if (!ticker)
        return;
    pthread_mutex_lock(&ticker->lock);
    ticker->stopping = 1;
    pthread_cond_signal(&ticker->stop);
    pthread_mutex_unlock(&ticker->lock);
    pthread_join(ticker->thread, NULL);
    pthread_cond_destroy(&ticker->stop);
    pthread_mutex_destroy(&ticker->lock);
    ed_free(ticker);
}
