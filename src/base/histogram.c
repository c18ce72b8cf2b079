/* Histogram: one atomic addition for a value, and one for the sum. */
#include "base/histogram.h"

const struct ed_bounds ed_bounds_work = {
    16, {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60}};
const struct ed_bounds ed_bounds_delay = {
    17, {0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 86400}};
const struct ed_bounds ed_bounds_count = {
    13, {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096}};

void ed_histogram_add(struct ed_histogram *h, double value)
{
    size_t i = 0;
    value = value > 0 ? value : 0; /* clocks of two machines */
    while (i < h->bounds->n && value > h->bounds->at[i])
        i++;
    atomic_fetch_add_explicit(&h->millionths, (uint64_t)(value * 1e6 + 0.5), memory_order_relaxed);
    atomic_fetch_add_explicit(&h->counts[i], 1, memory_order_relaxed);
}

void ed_histogram_look(const struct ed_histogram *h, struct ed_distribution *ret)
{
    *ret = (struct ed_distribution){.bounds = h->bounds};
    for (size_t i = 0; h->bounds && i <= h->bounds->n; i++)
        ret->counts[i] = atomic_load_explicit(&h->counts[i], memory_order_relaxed);
    ret->sum = (double)atomic_load_explicit(&h->millionths, memory_order_relaxed) / 1e6;
}
