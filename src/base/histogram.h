/* Histogram: how often a value fell where, counted by any number of threads without a lock.
 *
 * Values are seconds, or documents; none is below 0. A look while others count may miss the last of
 * them, and its sum may be ahead of its counts by those. */
#ifndef ED_BASE_HISTOGRAM_H
#define ED_BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define ED_BOUNDS_MAX 20

/* Where the buckets end, both ends included; what is above the last falls into one more. */
struct ed_bounds {
    size_t n;
    double at[ED_BOUNDS_MAX]; /* (n) ascending */
};
extern const struct ed_bounds ed_bounds_work;  /* seconds of a step: 1 ms to a minute */
extern const struct ed_bounds ed_bounds_delay; /* seconds of a whole way: 10 ms to a day */
extern const struct ed_bounds ed_bounds_count; /* documents: 1 to 4,096 */

/* Zeroed, with its bounds, it is ready. */
struct ed_histogram {
    const struct ed_bounds *bounds;
    _Atomic uint64_t counts[ED_BOUNDS_MAX + 1];
    _Atomic uint64_t millionths; /* the sum of all values */
};

/* One as it stood at a moment. */
struct ed_distribution {
    const struct ed_bounds *bounds; /* NULL: there is none */
    uint64_t counts[ED_BOUNDS_MAX + 1];
    double sum;
};

void ed_histogram_add(struct ed_histogram *h, double value);
void ed_histogram_look(const struct ed_histogram *h, struct ed_distribution *ret);

#endif
