/* The logger. Its level and its memory of repeated lines are the one global state of the program:
 * a log line must be possible from anywhere, callbacks of other libraries included. */
#include "base/log.h"

#include "base/hash.h"
#include "base/time.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What one place in the code has said lately. Two places that share a slot only make each other
 * forget earlier. */
struct place {
    const char *format;
    int64_t since_ms; /* start of its window */
    unsigned said, kept_back;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct place places[64];
static atomic_int level_max = ED_LOG_INFO;

void ed_log_up_to(enum ed_log_level level)
{
    atomic_store(&level_max, (int)level);
}

/* 1: write it, with *repeated the lines that were kept back before it. */
static int may_speak(const char *format, unsigned *repeated)
{
    int64_t now = ed_monotonic_ms();
    struct place *p = &places[ed_mix64((uint64_t)(uintptr_t)format) % 64];
    pthread_mutex_lock(&lock);
    if (p->format != format || now - p->since_ms >= ED_LOG_WINDOW_MS) {
        *repeated = p->format == format ? p->kept_back : 0;
        *p = (struct place){.format = format, .since_ms = now};
    }
    int speak = p->said < ED_LOG_BURST;
    if (speak)
        p->said++;
    else
        p->kept_back++;
    pthread_mutex_unlock(&lock);
    return speak;
}

/* Text in quotes: a line stays a line, and a terminal is not driven by what somebody sent. */
static size_t quote(const char *text, char *ret)
{
    size_t n = 0;
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\') {
            ret[n++] = '\\';
            ret[n++] = (char)*c;
        } else {
            ret[n++] = *c < 0x20 || *c == 0x7f ? ' ' : (char)*c;
        }
    }
    return n;
}

void ed_log(enum ed_log_level level, const char *sub, const char *format, ...)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    unsigned repeated = 0;
    if ((int)level > atomic_load(&level_max) || !may_speak(format, &repeated))
        return;

    char text[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);

    char when[ED_TIME_TEXT], line[2 * sizeof text + 200];
    ed_time_text(ed_wall_ms(), when);
    size_t n =
        (size_t)snprintf(line, 100, "ts=%s level=%s sub=%.30s msg=\"", when, names[level], sub);
    n += quote(text, line + n);
    if (repeated)
        n += (size_t)snprintf(line + n, 40, "\" repeated=%u\n", repeated);
    else
        n += (size_t)snprintf(line + n, 40, "\"\n");
    /* Nobody can be told that a log line was lost. */
    if (write(STDERR_FILENO, line, n) < 0)
        return;
}
