/* exposition: metrics as text: Prometheus 0.0.4, or OpenMetrics 1.0 where a scraper asks for it.
 *
 * A metric is declared once, with name, kind and help; then its samples follow, each with its
 * labels. One owner thread; failure is sticky in the bytes. */
#ifndef ED_SERVE_EXPOSITION_H
#define ED_SERVE_EXPOSITION_H

#include "base/bytes.h"
#include "base/histogram.h"

enum ed_metric_kind { ED_COUNTER, ED_GAUGE, ED_HISTOGRAM };

struct ed_metric {
    const char *name; /* of a counter it ends in _total */
    enum ed_metric_kind kind;
    const char *help; /* one line */
};

struct ed_label {
    const char *name, *value;
};

#define ED_LABELS_MAX 4
struct ed_labels {
    size_t n;
    struct ed_label at[ED_LABELS_MAX];
};

struct ed_exposition {
    struct ed_bytes *out;
    int open; /* 1: OpenMetrics */
    const struct ed_metric *metric;
};

#define ED_EXPOSITION_TYPE      "text/plain; version=0.0.4; charset=utf-8"
#define ED_EXPOSITION_OPEN_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* 1: who accepts this (the header as it came, or NULL) asks for OpenMetrics. */
int ed_exposition_open(const char *accept);

/* A metric begins; it stays. */
void ed_expose(struct ed_exposition *x, const struct ed_metric *metric);
/* A sample of it; labels may be NULL. Of a gauge that is not known (NaN) there is none. */
void ed_expose_value(struct ed_exposition *x, const struct ed_labels *labels, double value);
void ed_expose_histogram(struct ed_exposition *x, const struct ed_labels *labels,
                         const struct ed_distribution *d);
/* Behind the last sample. */
void ed_expose_end(struct ed_exposition *x);

#endif
