/* Time: civil dates from and to Unix milliseconds (proleptic Gregorian, no leap seconds), and the
 * program's clocks. libeddy itself never asks a clock. */
#ifndef ED_BASE_TIME_H
#define ED_BASE_TIME_H

#include <stddef.h>
#include <stdint.h>

/* Days since 1970-01-01 of a civil date (Howard Hinnant's days_from_civil, re-derived). */
int64_t ed_days_from_civil(int year, int month, int day);

/* "2031-05-14T08:30:00.000Z" of ms into (25) ret with its 0; years outside 0..9999 are clamped. */
#define ED_TIME_TEXT 25
void ed_time_text(int64_t ms, char *ret);

/* The program's clocks, in milliseconds: Unix time, and one that never jumps. Not in libeddy. */
int64_t ed_wall_ms(void);
int64_t ed_monotonic_ms(void);
int64_t ed_monotonic_us(void); /* the same in microseconds */

#endif
