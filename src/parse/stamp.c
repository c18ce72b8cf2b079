/* Stamps: one reader for each way to write a date, chosen by the digits and the sign that the text
 * begins with, and one for the time of day behind it.
 *
 * Each of them takes what it knows and says where it ends; a stamp that runs into further letters
 * or digits is none ("2024-01-01T00:00:00abc" is a name). The whole strings of JSON are read more
 * strictly by parse/time.c; this is for text in which anything may follow. */
#include "parse/stamp.h"

#include "base/time.h"

#include <string.h>

#define DAY_MS INT64_C(86400000)

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_word(char c)
{
    return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static int digits_at(const char *at, const char *end)
{
    int n = 0;
    while (at + n < end && n < 20 && is_digit(at[n]))
        n++;
    return n;
}

/* The number of the n digits at at. */
static int number(const char *at, int n)
{
    int x = 0;
    for (int i = 0; i < n; i++)
        x = x * 10 + (at[i] - '0');
    return x;
}

static char sign_at(const char *at, const char *end)
{
    return at < end ? *at : '\0';
}

/* One or two digits. What follows, or NULL. */
static const char *small(const char *at, const char *end, int *ret)
{
    int n = digits_at(at, end);
    if (n < 1 || n > 2)
        return NULL;
    *ret = number(at, n);
    return at + n;
}

/* ---- names ---- */

/* The place, from 1, of the three letters at at in a list of such, in any case; 0: none. */
static int name_at(const char *at, const char *end, const char *names)
{
    if (end - at < 3)
        return 0;
    char low[3];
    for (int i = 0; i < 3; i++)
        low[i] = (char)(at[i] | 0x20);
    for (int i = 0; names[3 * i]; i++)
        if (memcmp(names + 3 * (size_t)i, low, 3) == 0)
            return i + 1;
    return 0;
}

static int month_at(const char *at, const char *end)
{
    return name_at(at, end, "janfebmaraprmayjunjulaugsepoctnovdec");
}

static const char *blanks_skip(const char *at, const char *end)
{
    while (at < end && *at == ' ')
        at++;
    return at;
}

/* ---- the time of day ---- */

/* Of a fraction's digits, in milliseconds. */
static int thousandths(const char *at, int n)
{
    int ms = 0;
    for (int i = 0; i < 3; i++)
        ms = ms * 10 + (i < n ? at[i] - '0' : 0);
    return ms;
}

/* Abbreviations of zones that loggers write, in hours and minutes as they are read: -500 = -05:00.
 */
static const struct {
    char name[5];
    short hhmm;
} zones[] = {{"UTC", 0},    {"GMT", 0},    {"CET", 100},  {"CEST", 200}, {"BST", 100},
             {"EET", 200},  {"EEST", 300}, {"WET", 0},    {"WEST", 100}, {"MSK", 300},
             {"IST", 530},  {"JST", 900},  {"KST", 900},  {"EST", -500}, {"EDT", -400},
             {"CST", -600}, {"CDT", -500}, {"MST", -700}, {"MDT", -600}, {"PST", -800},
             {"PDT", -700}};

static int minutes_of(int hhmm)
{
    return hhmm / 100 * 60 + hhmm % 100;
}

/* Z, an offset or a name, or nothing: what follows. */
static const char *zone_read(const char *at, const char *end, int *minutes)
{
    *minutes = 0;
    if (at < end && (*at == 'Z' || *at == 'z'))
        return at + 1;
    const char *from = blanks_skip(at, end);
    char sign = sign_at(from, end);
    if ((sign == '+' || sign == '-') && from - at <= 1) {
        int n = digits_at(from + 1, end), hhmm = 0;
        const char *to = from + 1 + n;
        if (n == 4) {
            hhmm = number(from + 1, 4);
        } else if (n == 2 && sign_at(to, end) == ':' && digits_at(to + 1, end) == 2) {
            hhmm = number(from + 1, 2) * 100 + number(to + 1, 2);
            to += 3;
        } else if (n == 2 && from == at) {
            hhmm = number(from + 1, 2) * 100;
        } else {
            return at;
        }
        *minutes = minutes_of(sign == '-' ? -hhmm : hhmm);
        return hhmm <= 1500 ? to : at;
    }
    if (from - at == 1 && sign >= 'A' && sign <= 'Z') {
        size_t n = 0;
        while (from + n < end && n < 5 && from[n] >= 'A' && from[n] <= 'Z')
            n++;
        if (n < 3 || n > 4 || (from + n < end && is_word(from[n])) || !strchr("TCK", from[n - 1]))
            return at; /* "INFO" ends otherwise */
        for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
            if (memcmp(zones[i].name, from, n) == 0 && !zones[i].name[n]) {
                *minutes = minutes_of(zones[i].hhmm);
                return from + n;
            }
        }
    }
    return at;
}

/* AM or PM, one blank before it or none. */
static const char *half_read(const char *at, const char *end, int *hour)
{
    const char *from = blanks_skip(at, end);
    if (from - at > 1 || end - from < 2 || (from[1] | 0x20) != 'm' ||
        (end - from > 2 && is_word(from[2])))
        return at;
    int late = (*from | 0x20) == 'p';
    if ((!late && (*from | 0x20) != 'a') || *hour < 1 || *hour > 12)
        return at;
    *hour = *hour % 12 + (late ? 12 : 0);
    return from + 2;
}

/* h:m[:s[.fraction]] and what may stand behind it; sep is ':', or '.' of h.m.s. */
static const char *clock_read(const char *at, const char *end, char sep, int seconds_needed,
                              int64_t *ret)
{
    int hour, minute, second = 0, ms = 0, offset = 0;
    at = small(at, end, &hour);
    if (!at || sign_at(at, end) != sep)
        return NULL;
    at = small(at + 1, end, &minute);
    if (!at)
        return NULL;
    if (sign_at(at, end) == sep) {
        at = small(at + 1, end, &second);
        if (!at)
            return NULL;
        char point = sign_at(at, end);
        int n = point == '.' || point == ',' || point == ':' ? digits_at(at + 1, end) : 0;
        if (n && n <= 9 && point != ':') {
            ms = thousandths(at + 1, n);
            at += 1 + n;
        } else if (n && n <= 3) { /* h:m:s:ms counts them */
            ms = number(at + 1, n);
            at += 1 + n;
        }
    } else if (seconds_needed) {
        return NULL;
    }
    at = half_read(at, end, &hour);
    if (hour > 23 || minute > 59 || second > 60)
        return NULL;
    at = zone_read(at, end, &offset);
    *ret = ((hour * 60 + minute - offset) * 60 + second) * INT64_C(1000) + ms;
    return at;
}

/* hhmmss */
static const char *packed_clock(const char *at, const char *end, int64_t *ret)
{
    int offset;
    if (digits_at(at, end) != 6)
        return NULL;
    int hour = number(at, 2), minute = number(at + 2, 2), second = number(at + 4, 2), ms = 0;
    if (hour > 23 || minute > 59 || second > 60)
        return NULL;
    at += 6;
    char point = sign_at(at, end);
    int n = point == '.' || point == ',' ? digits_at(at + 1, end) : 0;
    if (n && n <= 9) {
        ms = thousandths(at + 1, n);
        at += 1 + n;
    }
    at = zone_read(at, end, &offset);
    *ret = ((hour * 60 + minute - offset) * 60 + second) * INT64_C(1000) + ms;
    return at;
}

/* ---- dates ---- */

static int date_is(const struct ed_stamp *s)
{
    static const char lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return s->month >= 1 && s->month <= 12 && s->day >= 1 && s->day <= lengths[s->month - 1];
}

static int full_year(int two_digits)
{
    return two_digits + (two_digits < 70 ? 2000 : 1900);
}

/* A date with its year was read up to at: the time of day, or the date is all there is. */
static const char *whole(const char *at, const char *end, struct ed_stamp *ret)
{
    ret->kind = ED_STAMP_WHOLE;
    ret->ms = 0;
    char sep = sign_at(at, end);
    if (sep == ',')
        sep = sign_at(++at, end);
    if (sep == 'T' || sep == ' ' || sep == '-' || sep == '_' || sep == ':') {
        const char *from = sep == ' ' ? blanks_skip(at, end) : at + 1, *to;
        if ((to = clock_read(from, end, ':', 0, &ret->ms)) ||
            (sep == '-' && (to = clock_read(from, end, '.', 1, &ret->ms))) ||
            ((sep == 'T' || sep == '-' || sep == '_') && (to = packed_clock(from, end, &ret->ms))))
            return to;
    }
    ret->kind = ED_STAMP_DATE;
    return sep == 'T' ? NULL : at;
}

/* One of the three signs of a Chinese or Japanese date; what follows, or NULL. */
static const char *sign_read(const char *at, const char *end, const char *sign)
{
    return end - at >= 3 && memcmp(at, sign, 3) == 0 ? at + 3 : NULL;
}

/* Y年M月D日; at is behind the year. */
static const char *year_east(const char *at, const char *end, struct ed_stamp *ret)
{
    if (!(at = sign_read(at, end, "\xE5\xB9\xB4")) || !(at = small(at, end, &ret->month)) ||
        !(at = sign_read(at, end, "\xE6\x9C\x88")) || !(at = small(at, end, &ret->day)) ||
        !(at = sign_read(at, end, "\xE6\x97\xA5")))
        return NULL;
    return whole(at, end, ret);
}

/* Y-M-D, Y/M/D, Y.M.D */
static const char *year_first(const char *at, const char *end, struct ed_stamp *ret)
{
    char sep = at[4];
    ret->year = number(at, 4);
    if (sep == '\xE5')
        return year_east(at + 4, end, ret);
    at = small(at + 5, end, &ret->month);
    if (!at || sign_at(at, end) != sep)
        return NULL;
    at = small(at + 1, end, &ret->day);
    return at ? whole(at, end, ret) : NULL;
}

/* YYYYMMDD, and YYMMDD, which needs a time of day: six digits are any number. */
static const char *packed_date(const char *at, const char *end, int n, struct ed_stamp *ret)
{
    ret->year = n == 8 ? number(at, 4) : full_year(number(at, 2));
    ret->month = number(at + n - 4, 2);
    ret->day = number(at + n - 2, 2);
    at += n;
    char sep = sign_at(at, end);
    if (!sep || !strchr("T-_ ", sep))
        return NULL;
    ret->kind = ED_STAMP_WHOLE;
    const char *to = packed_clock(at + 1, end, &ret->ms);
    return to ? to : clock_read(at + 1, end, ':', 1, &ret->ms);
}

/* D Mon Y, D/Mon/Y, D-Mon-Y; at is behind the day. */
static const char *day_month(const char *at, const char *end, int day, struct ed_stamp *ret)
{
    char sep = *at;
    ret->day = day;
    ret->month = month_at(at + 1, end);
    at += 4;
    if (!ret->month || sign_at(at, end) != sep)
        return NULL;
    int n = digits_at(at + 1, end);
    if (n == 4 || (n == 2 && sep != ' ')) {
        ret->year = n == 4 ? number(at + 1, 4) : full_year(number(at + 1, 2));
        return whole(at + 1 + n, end, ret);
    }
    ret->kind = ED_STAMP_YEARLY; /* D Mon h:m:s */
    return clock_read(at + 1, end, ':', 1, &ret->ms);
}

/* Two numbers a, b and a sign between them: the year behind, before, or nowhere. */
static const char *small_first(const char *at, const char *end, struct ed_stamp *ret)
{
    int a, b, c;
    at = small(at, end, &a);
    if (!at)
        return NULL;
    char sep = sign_at(at, end);
    if (sep == ':')
        return NULL;
    if ((sep == ' ' || sep == '/' || sep == '-') && month_at(at + 1, end))
        return day_month(at, end, a, ret);
    if (sep != '/' && sep != '-' && sep != '.')
        return NULL;
    const char *to = small(at + 1, end, &b);
    if (!to)
        return NULL;
    if (sign_at(to, end) == sep) {
        int n = digits_at(to + 1, end);
        if (n == 4) { /* the day stands first, but with a slash, as long as that can be */
            int month_first = sep == '/' ? a <= 12 : b > 12;
            ret->month = month_first ? a : b;
            ret->day = month_first ? b : a;
            ret->year = number(to + 1, 4);
            return whole(to + 5, end, ret);
        }
        if (n == 2 && sep == '/' && small(to + 1, end, &c)) {
            ret->year = full_year(a);
            ret->month = b;
            ret->day = c;
            to = whole(to + 3, end, ret);
            return to && ret->kind == ED_STAMP_WHOLE ? to : NULL;
        }
        return NULL;
    }
    ret->kind = ED_STAMP_YEARLY;
    ret->month = a;
    ret->day = b;
    return sign_at(to, end) == ' ' ? clock_read(to + 1, end, ':', 1, &ret->ms) : NULL;
}

/* [Sun[,]] Dec 4 h:m:s [2005], and with the year or the day first. */
static const char *name_first(const char *at, const char *end, struct ed_stamp *ret)
{
    if (name_at(at, end, "montuewedthufrisatsun") && end - at > 4 && !is_word(at[3])) {
        at = blanks_skip(at + 3 + (at[3] == ','), end);
        int day;
        const char *to = small(at, end, &day);
        if (to)
            return end - to > 4 ? day_month(to, end, day, ret) : NULL;
    }
    ret->month = month_at(at, end);
    if (!ret->month || sign_at(at + 3, end) != ' ')
        return NULL;
    at = small(blanks_skip(at + 3, end), end, &ret->day);
    if (!at)
        return NULL;
    const char *next = blanks_skip(at + (sign_at(at, end) == ','), end);
    if (next == at)
        return NULL;
    if (digits_at(next, end) == 4) {
        ret->year = number(next, 4);
        at = whole(next + 4, end, ret);
        return at && ret->kind == ED_STAMP_WHOLE ? at : NULL;
    }
    ret->kind = ED_STAMP_YEARLY;
    at = clock_read(next, end, ':', 1, &ret->ms);
    if (at && sign_at(at, end) == ' ' && digits_at(at + 1, end) == 4 &&
        (at + 5 == end || !is_word(at[5])) && number(at + 1, 4) >= 1970 &&
        number(at + 1, 4) < 2100) {
        ret->kind = ED_STAMP_WHOLE;
        ret->year = number(at + 1, 4);
        at += 5;
    }
    return at;
}

/* I1204 h:m:s: a level and a day. */
static const char *glog(const char *at, const char *end, struct ed_stamp *ret)
{
    static const char letters[] = "DIWEF";
    static const eddy_level levels[] = {EDDY_LEVEL_DEBUG, EDDY_LEVEL_INFO, EDDY_LEVEL_WARN,
                                        EDDY_LEVEL_ERROR, EDDY_LEVEL_FATAL};
    const char *letter = memchr(letters, *at, sizeof letters - 1);
    if (!letter || digits_at(at + 1, end) != 4 || sign_at(at + 5, end) != ' ')
        return NULL;
    ret->kind = ED_STAMP_YEARLY;
    ret->level = levels[letter - letters];
    ret->month = number(at + 1, 2);
    ret->day = number(at + 3, 2);
    return clock_read(at + 6, end, ':', 1, &ret->ms);
}

/* n digits that may be seconds since 1970 or parts of them. */
static const char *epoch(const char *at, const char *end, int n, struct ed_stamp *ret)
{
    int64_t s = number(at, 9) * INT64_C(10) + (at[9] - '0');
    if (s < 800000000 || s >= 2100000000)
        return NULL;
    ret->kind = ED_STAMP_EPOCH;
    ret->ms = s * 1000 + (n > 10 ? number(at + 10, 3) : 0);
    at += n;
    if (n == 10 && sign_at(at, end) == '.' && (n = digits_at(at + 1, end)) > 0 && n <= 9) {
        ret->ms += thousandths(at + 1, n);
        at += 1 + n;
    }
    return at;
}

const char *ed_stamp_read(const char *at, const char *end, struct ed_stamp *ret)
{
    const char *to = NULL;
    struct ed_stamp s = {.kind = ED_STAMP_DAILY};
    if (end - at < 8)
        return NULL;
    if (!is_digit(*at)) {
        if (*at < 'A' || *at > 'z')
            return NULL;
        if (is_digit(at[1]))
            to = glog(at, end, &s);
        else if (!is_word(at[3])) /* "Sun" and "Dec" are three letters */
            to = name_first(at, end, &s);
    } else {
        int n = digits_at(at, end);
        char sep = sign_at(at + n, end);
        if (n == 4 && (sep == '-' || sep == '/' || sep == '.' || sep == '\xE5'))
            to = year_first(at, end, &s);
        else if (n == 2 && sep == ':')
            to = clock_read(at, end, ':', 1, &s.ms);
        else if (n <= 2)
            to = small_first(at, end, &s);
        else if (n == 10 || n == 13 || n == 16 || n == 19)
            to = epoch(at, end, n, &s);
        else if (n == 6 || n == 8)
            to = packed_date(at, end, n, &s);
    }
    if (!to || (to < end && is_word(*to)) ||
        (s.kind != ED_STAMP_EPOCH && s.kind != ED_STAMP_DAILY && !date_is(&s)))
        return NULL;
    *ret = s;
    return to;
}

/* ---- what lacks ---- */

static int year_of(int64_t ms)
{
    int year = 1970 + (int)(ms / (365 * DAY_MS));
    while (year > 1970 && ed_days_from_civil(year, 1, 1) * DAY_MS > ms)
        year--;
    return year;
}

static int is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* The stamp in a year; -1: that has no such day. */
static int64_t in_year(const struct ed_stamp *stamp, int year)
{
    if (stamp->month == 2 && stamp->day == 29 && !is_leap(year))
        return -1;
    return ed_days_from_civil(year, stamp->month, stamp->day) * DAY_MS + stamp->ms;
}

/* Of two times the one that is nearer; a negative one is none. */
static int64_t nearer(int64_t a, int64_t b, int64_t near_ms)
{
    if (a < 0 || b < 0)
        return a < 0 ? b : a;
    int64_t far_a = a > near_ms ? a - near_ms : near_ms - a;
    int64_t far_b = b > near_ms ? b - near_ms : near_ms - b;
    return far_b < far_a ? b : a;
}

static int64_t yearly_ms(const struct ed_stamp *stamp, int64_t near_ms)
{
    int about = year_of(near_ms);
    int64_t best = in_year(stamp, about);
    /* Within 180 days there is no nearer year. 29 February may be eight years away. */
    if (best >= 0 && best - near_ms < 180 * DAY_MS && near_ms - best < 180 * DAY_MS)
        return best;
    for (int i = 1; i <= 8; i++) {
        best = nearer(best, in_year(stamp, about - i), near_ms);
        best = nearer(best, in_year(stamp, about + i), near_ms);
        if (best >= 0)
            return best;
    }
    return best;
}

/* The day before, the same, or the day behind. */
static int64_t daily_ms(const struct ed_stamp *stamp, int64_t near_ms)
{
    int64_t ms = near_ms / DAY_MS * DAY_MS + stamp->ms;
    return nearer(nearer(ms, ms - DAY_MS, near_ms), ms + DAY_MS, near_ms);
}

int ed_stamp_ms(const struct ed_stamp *stamp, int64_t near_ms, int64_t *ret)
{
    int64_t ms = -1;
    if (stamp->kind == ED_STAMP_EPOCH)
        ms = stamp->ms;
    else if (stamp->kind == ED_STAMP_WHOLE || stamp->kind == ED_STAMP_DATE)
        ms = stamp->year >= 1970 ? in_year(stamp, stamp->year) : -1;
    else if (near_ms >= 0 && near_ms < INT64_C(253402300800000))
        ms = stamp->kind == ED_STAMP_YEARLY ? yearly_ms(stamp, near_ms) : daily_ms(stamp, near_ms);
    if (ms < 0)
        return 0;
    *ret = ms;
    return 1;
}
