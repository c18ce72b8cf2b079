/* curve: how many documents an event had by when, in a few dozen points; and what that is interval
 * by interval. Pure functions. */
#ifndef ED_CLI_CURVE_H
#define ED_CLI_CURVE_H

#include <stddef.h>
#include <stdint.h>

struct ed_curve_point {
    int64_t at_ms;
    double n; /* documents by then */
};

/* Zeroed: empty. Times ascend strictly, counts never sink. */
struct ed_curve {
    struct ed_curve_point *at; /* (n) at most ED_CURVE_POINTS */
    size_t n, room;
};

#define ED_CURVE_POINTS 48

void ed_curve_clear(struct ed_curve *curve);
/* There are n documents in all, and when they came is as likely as it was: all counts in
 * proportion. An empty curve stays empty. */
void ed_curve_scale(struct ed_curve *curve, double n);
/* There are n documents by at_ms; a time before the last one is taken as that. Where there were
 * more, some went elsewhere, and all counts sink in proportion. 0: no memory, and nothing is
 * changed. */
int ed_curve_put(struct ed_curve *curve, int64_t at_ms, double n);
/* All documents. */
double ed_curve_sum(const struct ed_curve *curve);
/* So many more documents came, as another curve says: all of them behind what there is. 0: no
 * memory. */
int ed_curve_append(struct ed_curve *to, const struct ed_curve *more);
/* The documents of another event came in, each at its time. 0: no memory. */
int ed_curve_join(struct ed_curve *to, const struct ed_curve *from);
/* Documents by a time; between two points they came evenly. */
double ed_curve_by(const struct ed_curve *curve, int64_t at_ms);
/* Documents in each of n intervals, of which the last one ends with end_ms. */
void ed_curve_counts(const struct ed_curve *curve, int64_t end_ms, int64_t interval_ms, double *ret,
                     size_t n);
/* The counts as a row of blocks, the largest one full: blank where nothing came. ret has room for
 * 3 n + 1 bytes; gives ret. */
char *ed_curve_text(const double *counts, size_t n, char *ret);

#endif
