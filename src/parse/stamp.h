/* Stamps: times as logs write them, at the beginning of a text that goes on behind them. */
#ifndef ED_PARSE_STAMP_H
#define ED_PARSE_STAMP_H

#include <eddy/layout.h>

enum ed_stamp_kind {
    ED_STAMP_EPOCH,  /* seconds since 1970, or parts of them */
    ED_STAMP_WHOLE,  /* date and time of day */
    ED_STAMP_DATE,   /* a date alone: its midnight */
    ED_STAMP_YEARLY, /* no year */
    ED_STAMP_DAILY   /* no date */
};

struct ed_stamp {
    enum ed_stamp_kind kind;
    int year, month, day; /* of those but EPOCH and DAILY; year of WHOLE and DATE only */
    int64_t ms;       /* EPOCH: Unix milliseconds; else since midnight UTC, beyond the day where a
                         zone is given */
    eddy_level level; /* of glog, whose level stands in the stamp; else unknown */
};

/* The stamp at the beginning of [at, end): what follows it, or NULL where there is none.
 *
 * ISO 8601 and Y-M-D, Y/M/D, Y.M.D with T, blank, - or _; Y年M月D日; D.M.Y, D-M-Y, M/D/Y (D/M/Y
 * where M would be above 12); YYYYMMDD, YYMMDD; "Dec 4", "Dec 4 2005", "4 Dec 2005", "4/Dec/2005:",
 * with or without a weekday; MM-DD, MM.DD; a time of day alone, with seconds; glog's I1204;
 * seconds, milli-, micro- and nanoseconds since 1970 between 1995 and 2036. Fractions finer than a
 * millisecond are cut. Zones: Z, an offset, or the usual abbreviations; none is UTC. */
const char *ed_stamp_read(const char *at, const char *end, struct ed_stamp *ret);

/* As Unix milliseconds, in *ret; year or date that lack are those nearest to near_ms. 0: near_ms is
 * -1 and something lacks, or the time is before 1970. */
int ed_stamp_ms(const struct ed_stamp *stamp, int64_t near_ms, int64_t *ret);

#endif
