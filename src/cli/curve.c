/* Curve: the sum of documents over time, which keeps its shape whatever points are left out. When
 * it is full every second point of its older half goes: what is recent is fine, what is long ago is
 * coarse, and any interval can be asked of one curve. */
#include "cli/curve.h"

#include "base/memory.h"

#include <string.h>

void ed_curve_clear(struct ed_curve *curve)
{
    ed_free(curve->at);
    *curve = (struct ed_curve){0};
}

double ed_curve_sum(const struct ed_curve *curve)
{
    return curve->n ? curve->at[curve->n - 1].n : 0;
}

/* Not the first one: it says when the event began. */
static void thin(struct ed_curve *curve)
{
    size_t kept = 1, half = curve->n / 2;
    for (size_t i = 1; i < curve->n; i++)
        if (i >= half || i % 2 == 0)
            curve->at[kept++] = curve->at[i];
    curve->n = kept;
}

void ed_curve_scale(struct ed_curve *curve, double n)
{
    double sum = ed_curve_sum(curve);
    for (size_t i = 0; i < curve->n; i++)
        curve->at[i].n = i + 1 < curve->n && sum > 0 ? curve->at[i].n / sum * n : n;
}

int ed_curve_put(struct ed_curve *curve, int64_t at_ms, double n)
{
    struct ed_curve_point *last = curve->n ? &curve->at[curve->n - 1] : NULL;
    if (last && n < last->n)
        ed_curve_scale(curve, n);
    if (last && at_ms <= last->at_ms) {
        last->n = n;
        return 1;
    }
    if (curve->n == ED_CURVE_POINTS)
        thin(curve);
    struct ed_curve_point *at = ed_list_room(curve->at, curve->n, &curve->room, sizeof *at);
    if (!at)
        return 0;
    curve->at = at;
    curve->at[curve->n++] = (struct ed_curve_point){at_ms, n};
    return 1;
}

int ed_curve_append(struct ed_curve *to, const struct ed_curve *more)
{
    double before = ed_curve_sum(to);
    int whole = 1;
    for (size_t i = 0; i < more->n && whole; i++)
        whole = ed_curve_put(to, more->at[i].at_ms, before + more->at[i].n);
    return whole;
}

double ed_curve_by(const struct ed_curve *curve, int64_t at_ms)
{
    size_t low = 0,
           high = curve->n; /* points before low are not after at_ms, those from high are */
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (curve->at[mid].at_ms <= at_ms)
            low = mid + 1;
        else
            high = mid;
    }
    if (!low)
        return 0;
    const struct ed_curve_point *a = &curve->at[low - 1], *b = a + 1;
    if (low == curve->n)
        return a->n;
    return a->n + (b->n - a->n) * (double)(at_ms - a->at_ms) / (double)(b->at_ms - a->at_ms);
}

int ed_curve_join(struct ed_curve *to, const struct ed_curve *from)
{
    struct ed_curve sum = {0};
    size_t i = 0, k = 0;
    while (i < to->n || k < from->n) {
        int64_t at_ms = i < to->n && (k == from->n || to->at[i].at_ms <= from->at[k].at_ms)
                            ? to->at[i].at_ms
                            : from->at[k].at_ms;
        i += i < to->n && to->at[i].at_ms == at_ms;
        k += k < from->n && from->at[k].at_ms == at_ms;
        if (!ed_curve_put(&sum, at_ms, ed_curve_by(to, at_ms) + ed_curve_by(from, at_ms))) {
            ed_curve_clear(&sum);
            return 0;
        }
    }
    ed_curve_clear(to);
    *to = sum;
    return 1;
}

void ed_curve_counts(const struct ed_curve *curve, int64_t end_ms, int64_t interval_ms, double *ret,
                     size_t n)
{
    double by = ed_curve_by(curve, end_ms);
    for (size_t i = n; i--;) {
        double before = ed_curve_by(curve, end_ms - (int64_t)(n - i) * interval_ms);
        ret[i] = by - before;
        by = before;
    }
}

char *ed_curve_text(const double *counts, size_t n, char *ret)
{
    static const char blocks[9][4] = {" ",
                                      "\xE2\x96\x81",
                                      "\xE2\x96\x82",
                                      "\xE2\x96\x83",
                                      "\xE2\x96\x84",
                                      "\xE2\x96\x85",
                                      "\xE2\x96\x86",
                                      "\xE2\x96\x87",
                                      "\xE2\x96\x88"};
    double most = 0;
    char *to = ret;
    for (size_t i = 0; i < n; i++)
        most = counts[i] > most ? counts[i] : most;
    for (size_t i = 0; i < n; i++) {
        /* Half a document is what interpolation leaves of nothing. */
        int block = counts[i] < 0.5 ? 0 : (int)(counts[i] / most * 8 + 0.5);
        const char *text = blocks[counts[i] < 0.5 ? 0 : block < 1 ? 1 : block];
        size_t size = strlen(text);
        memcpy(to, text, size);
        to += size;
    }
    *to = 0;
    return ret;
}
