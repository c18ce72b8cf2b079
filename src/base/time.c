/* Civil time by the 400-year cycle of the Gregorian calendar, counted from 1 March. */
#include "base/time.h"

#include <stdio.h>

int64_t ed_days_from_civil(int year, int month, int day)
{
    int64_t y = month <= 2 ? (int64_t)year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void ed_time_text(int64_t ms, char *ret)
{
    const int64_t lowest = ed_days_from_civil(0, 1, 1) * 86400000;
    const int64_t highest = ed_days_from_civil(10000, 1, 1) * 86400000 - 1;
    ms = ms < lowest ? lowest : ms > highest ? highest : ms;
    int64_t days = ms / 86400000 - (ms % 86400000 < 0);
    int rest = (int)(ms - days * 86400000);

    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int doy = (int)(doe - (365 * yoe + yoe / 4 - yoe / 100));
    int mp = (5 * doy + 2) / 153;
    int day = doy - (153 * mp + 2) / 5 + 1;
    int month = mp < 10 ? mp + 3 : mp - 9;
    int year = (int)(yoe + era * 400) + (month <= 2);
    char text[64];
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year, month, day,
             rest / 3600000, rest / 60000 % 60, rest / 1000 % 60, rest % 1000);
    for (int i = 0; i < ED_TIME_TEXT; i++)
        ret[i] = text[i];
    ret[ED_TIME_TEXT - 1] = 0;
}
