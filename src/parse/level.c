/* Levels: the union of what syslog, the loggers of the usual languages, and databases write. */
#include "parse/level.h"

#include <string.h>

const char *eddy_level_name(eddy_level level)
{
    static const char *const names[EDDY_LEVELS] = {"unknown", "trace", "debug", "info",
                                                   "warn",    "error", "fatal"};
    return (unsigned)level < EDDY_LEVELS ? names[level] : names[EDDY_LEVEL_UNKNOWN];
}

/* Words by their length, the frequent first, and the level of each: a word that is none is told in
 * a few steps, and most words are none. */
static const struct {
    const char *words, *levels;
} by_length[] = {
    [3] = {"err inf log dbg wrn ftl vrb trc", "53324611"},
    [4] = {"info warn note fine crit fail dbug trce debu erro fata pani", "343265212566"},
    [5] = {"error debug fatal trace alert emerg panic finer", "52616661"},
    [6] = {"notice severe config finest system", "35213"},
    [7] = {"warning failure verbose", "451"},
    [8] = {"critical", "6"},
    [9] = {"emergency statement", "63"},
    [11] = {"information", "3"},
    [13] = {"informational", "3"},
};

eddy_level ed_level_word(const char *at, size_t n)
{
    char low[sizeof by_length / sizeof *by_length];
    if (n >= sizeof low || !by_length[n].words)
        return EDDY_LEVEL_UNKNOWN;
    for (size_t i = 0; i < n; i++)
        low[i] = (char)(at[i] | 0x20);
    const char *word = by_length[n].words;
    for (const char *level = by_length[n].levels; *level; level++, word += n + 1)
        if (*word == *low && memcmp(word, low, n) == 0)
            return (eddy_level)(*level - '0');
    return EDDY_LEVEL_UNKNOWN;
}

eddy_level ed_level_letter(char c)
{
    switch (c) {
    case 'V':
    case 'T': return EDDY_LEVEL_TRACE;
    case 'D': return EDDY_LEVEL_DEBUG;
    case 'I': return EDDY_LEVEL_INFO;
    case 'W': return EDDY_LEVEL_WARN;
    case 'E': return EDDY_LEVEL_ERROR;
    case 'F':
    case 'A': return EDDY_LEVEL_FATAL;
    default: return EDDY_LEVEL_UNKNOWN;
    }
}

eddy_level ed_level_syslog(int severity)
{
    return severity <= 2   ? EDDY_LEVEL_FATAL
           : severity == 3 ? EDDY_LEVEL_ERROR
           : severity == 4 ? EDDY_LEVEL_WARN
           : severity <= 6 ? EDDY_LEVEL_INFO
                           : EDDY_LEVEL_DEBUG;
}

eddy_level ed_level_value(eddy_str value, int is_otel)
{
    int x = 0;
    if (value.n == 0 || value.n > 13)
        return EDDY_LEVEL_UNKNOWN;
    for (size_t i = 0; i < value.n; i++) {
        if (value.at[i] < '0' || value.at[i] > '9')
            return value.n == 1 ? ed_level_letter(value.at[0]) : ed_level_word(value.at, value.n);
        x = x < 1000 ? x * 10 + (value.at[i] - '0') : x;
    }
    if (is_otel) /* 1-4 trace, 5-8 debug, ... 21-24 fatal */
        return x >= 1 && x <= 24 ? (eddy_level)((x + 3) / 4) : EDDY_LEVEL_UNKNOWN;
    if (x < 8)
        return ed_level_syslog(x);
    return x >= 10 && x < 70 ? (eddy_level)(x / 10) : EDDY_LEVEL_UNKNOWN;
}
