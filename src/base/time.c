/* Civil time by the 400-year cycle of the Gregorian calendar, counted from 1 March. */
#include "base/time.h"

#include <stddef.h>

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
    const struct {
        int value, n;
        char behind;
    } parts[] = {{year, 4, '-'},
                 {month, 2, '-'},
                 {day, 2, 'T'},
                 {rest / 3600000, 2, ':'},
                 {rest / 60000 % 60, 2, ':'},
                 {rest / 1000 % 60, 2, '.'},
                 {rest % 1000, 3, 'Z'}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) { /* printf would be felt */
        for (int k = parts[i].n, left = parts[i].value; k-- > 0; left /= 10)
            ret[k] = (char)('0' + left % 10);
        ret[parts[i].n] = parts[i].behind;
        ret += parts[i].n + 1;
    }
    *ret = 0;
}
