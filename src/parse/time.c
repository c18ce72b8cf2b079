/* Time: dates in text, and numbers whose unit is guessed by their size.
 *
 * The guess is safe for every day between March 1973 and November 5138: in that span seconds,
 * milli-, micro- and nanoseconds do not overlap. Fractions finer than a millisecond are cut. */
#include "parse/time.h"

#include "base/time.h"

/* 9999-12-31T23:59:59.999Z */
#define TIME_MAX INT64_C(253402300799999)

static int in_range(int64_t ms, int64_t *ret)
{
    if (ms < 0 || ms > TIME_MAX)
        return 0;
    *ret = ms;
    return 1;
}

/* ---- numbers ---- */

static eddy_time_unit unit_of(int64_t value, eddy_time_unit unit)
{
    if (unit != EDDY_UNIT_AUTO)
        return unit;
    return value < INT64_C(100000000000)         ? EDDY_UNIT_S
           : value < INT64_C(100000000000000)    ? EDDY_UNIT_MS
           : value < INT64_C(100000000000000000) ? EDDY_UNIT_US
                                                 : EDDY_UNIT_NS;
}

/* whole units and thousandths of one (which count for seconds only) */
static int scaled(int64_t whole, int thousandths, eddy_time_unit unit, int64_t *ret)
{
    if (whole < 0)
        return 0;
    switch (unit_of(whole, unit)) {
    case EDDY_UNIT_S: return whole <= TIME_MAX / 1000 && in_range(whole * 1000 + thousandths, ret);
    case EDDY_UNIT_US: return in_range(whole / 1000, ret);
    case EDDY_UNIT_NS: return in_range(whole / 1000000, ret);
    default: return in_range(whole, ret);
    }
}

int ed_time_from_integer(int64_t value, eddy_time_unit unit, int64_t *ret)
{
    return scaled(value, 0, unit, ret);
}

int ed_time_from_real(double value, eddy_time_unit unit, int64_t *ret)
{
    if (!(value >= 0 && value < 9.2e18))
        return 0;
    unit = unit_of((int64_t)value, unit);
    if (unit != EDDY_UNIT_S)
        return scaled((int64_t)value, 0, unit, ret);
    /* To the nearest: 0.123 s is a little less than 123 ms in binary. */
    return value < 1e12 && in_range((int64_t)(value * 1000 + 0.5), ret);
}

/* ---- text ---- */

struct cursor {
    const char *at;
    size_t n;
};

static int take(struct cursor *c, const char *any_of)
{
    for (; c->n && *any_of; any_of++) {
        if (*c->at == *any_of) {
            c->at++;
            c->n--;
            return 1;
        }
    }
    return 0;
}

static int digit(const struct cursor *c)
{
    return c->n && *c->at >= '0' && *c->at <= '9';
}

/* Exactly count digits. */
static int number(struct cursor *c, int count, int *ret)
{
    *ret = 0;
    for (int i = 0; i < count; i++) {
        if (!digit(c))
            return 0;
        *ret = *ret * 10 + (*c->at - '0');
        c->at++;
        c->n--;
    }
    return 1;
}

/* A fraction of any length behind a point or comma, in thousandths; none is 0. */
static int fraction(struct cursor *c, int *ret)
{
    *ret = 0;
    if (!take(c, ".,"))
        return 1;
    int weight = 100;
    if (!digit(c))
        return 0;
    for (; digit(c); c->at++, c->n--) {
        *ret += (*c->at - '0') * weight;
        weight /= 10;
    }
    return 1;
}

static int plain_number(struct cursor c, eddy_time_unit unit, int64_t *ret)
{
    int64_t whole = 0;
    int thousandths = 0;
    if (!digit(&c))
        return 0;
    for (; digit(&c); c.at++, c.n--) {
        int next = *c.at - '0';
        if (whole > (INT64_MAX - next) / 10)
            return 0;
        whole = whole * 10 + next;
    }
    return fraction(&c, &thousandths) && c.n == 0 && scaled(whole, thousandths, unit, ret);
}

static int date(struct cursor *c, int64_t *days)
{
    static const char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;
    if (!number(c, 4, &year) || !take(c, "-") || !number(c, 2, &month) || !take(c, "-") ||
        !number(c, 2, &day) || month < 1 || month > 12)
        return 0;
    int leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day < 1 || day > lengths[month - 1] + leap)
        return 0;
    *days = ed_days_from_civil(year, month, day);
    return 1;
}

static int clock_time(struct cursor *c, int64_t *ms)
{
    int hour, minute, second = 0, thousandths = 0;
    if (!number(c, 2, &hour) || !take(c, ":") || !number(c, 2, &minute))
        return 0;
    if (take(c, ":") && (!number(c, 2, &second) || !fraction(c, &thousandths)))
        return 0;
    if (hour > 23 || minute > 59 || second > 60)
        return 0;
    if (second == 60) {
        second = 59;
        thousandths = 999;
    }
    *ms = ((hour * 60 + minute) * 60 + second) * INT64_C(1000) + thousandths;
    return 1;
}

/* Z, +HH:MM, +HHMM, +HH, or nothing; a blank may stand before it. In minutes. */
static int offset(struct cursor *c, int *minutes)
{
    int hour, minute = 0;
    *minutes = 0;
    take(c, " ");
    if (c->n == 0 || take(c, "Zz"))
        return 1;
    int west = take(c, "-");
    if ((!west && !take(c, "+")) || !number(c, 2, &hour))
        return 0;
    if ((take(c, ":") || digit(c)) && !number(c, 2, &minute))
        return 0;
    if (hour > 23 || minute > 59)
        return 0;
    *minutes = (west ? -1 : 1) * (hour * 60 + minute);
    return 1;
}

int ed_time_from_text(const char *s, size_t n, eddy_time_unit unit, int64_t *ret)
{
    struct cursor c = {s, n};
    int64_t days, ms = 0;
    int minutes = 0;
    while (take(&c, " \t\r\n"))
        ;
    while (c.n && (c.at[c.n - 1] == ' ' || (c.at[c.n - 1] >= '\t' && c.at[c.n - 1] <= '\r')))
        c.n--;
    if (plain_number(c, unit, ret))
        return 1;
    if (!date(&c, &days))
        return 0;
    if (c.n && (!take(&c, "Tt ") || !clock_time(&c, &ms) || !offset(&c, &minutes)))
        return 0;
    return c.n == 0 && in_range(days * 86400000 + ms - minutes * INT64_C(60000), ret);
}
