/* Exposition: the two formats are one but for the counters' family names, the form of a bucket's
 * bound, and the last line. */
#include "serve/exposition.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TOTAL "_total"

int ed_exposition_open(const char *accept)
{
    return accept && strstr(accept, "application/openmetrics-text") != NULL;
}

static void put_escaped(struct ed_bytes *out, const char *s, int quotes)
{
    for (; *s; s++) {
        const char *as = *s == '\\'            ? "\\\\"
                         : *s == '\n'          ? "\\n"
                         : *s == '"' && quotes ? "\\\""
                                               : NULL;
        if (as)
            ed_bytes_add_str(out, as);
        else
            ed_bytes_add(out, s, 1);
    }
}

/* Of a counter OpenMetrics names the family without its ending. */
static void put_family(struct ed_exposition *x)
{
    size_t n = strlen(x->metric->name), end = strlen(TOTAL);
    int cut = x->open && x->metric->kind == ED_COUNTER && n > end &&
              !strcmp(x->metric->name + n - end, TOTAL);
    ed_bytes_add(x->out, x->metric->name, cut ? n - end : n);
}

void ed_expose(struct ed_exposition *x, const struct ed_metric *metric)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    x->metric = metric;
    ed_bytes_add_str(x->out, "# HELP ");
    put_family(x);
    ed_bytes_add_str(x->out, " ");
    put_escaped(x->out, metric->help, x->open);
    ed_bytes_add_str(x->out, "\n# TYPE ");
    put_family(x);
    ed_bytes_printf(x->out, " %s\n", kinds[metric->kind]);
}

static void put_number(struct ed_bytes *out, double value)
{
    if (isinf(value))
        ed_bytes_add_str(out, value > 0 ? "+Inf" : "-Inf");
    else if (isnan(value))
        ed_bytes_add_str(out, "NaN");
    else if (value == floor(value) && fabs(value) < 1e15)
        ed_bytes_printf(out, "%.0f", value);
    else
        ed_bytes_printf(out, "%.10g", value);
}

/* One line; le NULL: no bucket. */
static void put_sample(struct ed_exposition *x, const char *ending, const struct ed_labels *labels,
                       const char *le, double value)
{
    size_t n = labels ? labels->n : 0;
    ed_bytes_add_str(x->out, x->metric->name);
    ed_bytes_add_str(x->out, ending);
    for (size_t i = 0; i < n; i++) {
        ed_bytes_printf(x->out, "%c%s=\"", i ? ',' : '{', labels->at[i].name);
        put_escaped(x->out, labels->at[i].value, 1);
        ed_bytes_add_str(x->out, "\"");
    }
    if (le)
        ed_bytes_printf(x->out, "%cle=\"%s\"", n ? ',' : '{', le);
    ed_bytes_add_str(x->out, n || le ? "} " : " ");
    put_number(x->out, value);
    ed_bytes_add_str(x->out, "\n");
}

void ed_expose_value(struct ed_exposition *x, const struct ed_labels *labels, double value)
{
    if (!isnan(value))
        put_sample(x, "", labels, NULL, value);
}

void ed_expose_histogram(struct ed_exposition *x, const struct ed_labels *labels,
                         const struct ed_distribution *d)
{
    uint64_t below = 0;
    if (!d->bounds)
        return;
    for (size_t i = 0; i < d->bounds->n; i++) {
        char le[32];
        double at = d->bounds->at[i];
        below += d->counts[i];
        snprintf(le, sizeof le, x->open && at == floor(at) ? "%.1f" : "%.10g", at);
        put_sample(x, "_bucket", labels, le, (double)below);
    }
    below += d->counts[d->bounds->n];
    put_sample(x, "_bucket", labels, "+Inf", (double)below);
    put_sample(x, "_sum", labels, NULL, d->sum);
    put_sample(x, "_count", labels, NULL, (double)below);
}

void ed_expose_end(struct ed_exposition *x)
{
    if (x->open)
        ed_bytes_add_str(x->out, "# EOF\n");
}
