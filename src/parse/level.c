/* Levels: the union of what syslog, the loggers of the usual languages, and databases write. */
#include "parse/level.h"

#include <string.h>

const char *eddy_level_name(eddy_level level)
{
    static const char *const names[EDDY_LEVELS] = {"unknown", "trace", "debug", "info",
                                                   "warn",    "error", "fatal"};
    return (unsigned)level < EDDY_LEVELS ? names[level] : names[EDDY_LEVEL_UNKNOWN];
}

/* The frequent first: a log's level is found in a few steps. */
static const struct word {
    char word[14];
    uint8_t level;
} words[] = {
    {"info", EDDY_LEVEL_INFO},          {"warn", EDDY_LEVEL_WARN},
    {"error", EDDY_LEVEL_ERROR},        {"debug", EDDY_LEVEL_DEBUG},
    {"warning", EDDY_LEVEL_WARN},       {"notice", EDDY_LEVEL_INFO},
    {"fatal", EDDY_LEVEL_FATAL},        {"trace", EDDY_LEVEL_TRACE},
    {"err", EDDY_LEVEL_ERROR},          {"severe", EDDY_LEVEL_ERROR},
    {"critical", EDDY_LEVEL_FATAL},     {"inf", EDDY_LEVEL_INFO},
    {"log", EDDY_LEVEL_INFO},           {"dbg", EDDY_LEVEL_DEBUG},
    {"wrn", EDDY_LEVEL_WARN},           {"ftl", EDDY_LEVEL_FATAL},
    {"vrb", EDDY_LEVEL_TRACE},          {"trc", EDDY_LEVEL_TRACE},
    {"note", EDDY_LEVEL_INFO},          {"fine", EDDY_LEVEL_DEBUG},
    {"crit", EDDY_LEVEL_FATAL},         {"fail", EDDY_LEVEL_ERROR},
    {"dbug", EDDY_LEVEL_DEBUG},         {"trce", EDDY_LEVEL_TRACE},
    {"debu", EDDY_LEVEL_DEBUG},         {"erro", EDDY_LEVEL_ERROR},
    {"fata", EDDY_LEVEL_FATAL},         {"pani", EDDY_LEVEL_FATAL},
    {"alert", EDDY_LEVEL_FATAL},        {"emerg", EDDY_LEVEL_FATAL},
    {"panic", EDDY_LEVEL_FATAL},        {"finer", EDDY_LEVEL_TRACE},
    {"config", EDDY_LEVEL_DEBUG},       {"finest", EDDY_LEVEL_TRACE},
    {"system", EDDY_LEVEL_INFO},        {"failure", EDDY_LEVEL_ERROR},
    {"verbose", EDDY_LEVEL_TRACE},      {"emergency", EDDY_LEVEL_FATAL},
    {"statement", EDDY_LEVEL_INFO},     {"information", EDDY_LEVEL_INFO},
    {"informational", EDDY_LEVEL_INFO},
};

eddy_level ed_level_word(const char *at, size_t n)
{
    char low[14] = {0};
    if (n < 3 || n > 13)
        return EDDY_LEVEL_UNKNOWN;
    for (size_t i = 0; i < n; i++) {
        low[i] = (char)(at[i] | 0x20);
        if (low[i] < 'a' || low[i] > 'z')
            return EDDY_LEVEL_UNKNOWN;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].word[0] == low[0] && memcmp(words[i].word, low, sizeof low) == 0)
            return (eddy_level)words[i].level;
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
