/* Stability: a sample, and a lineage that only knows what happened since the sample began. Where
 * memory is refused the sample begins anew: it is a number for people, and the stream goes on. */
#include "pipeline/stability.h"

#include "base/error.h"
#include "base/memory.h"

#include <string.h>

struct ed_stability {
    size_t dim;
    eddy_lineage *lineage; /* NULL: the sample has not begun */
    uint64_t seen;         /* documents since it began */
    int64_t next_ms;       /* no comparison before */
    size_t n;
    float *rows; /* (n, dim) of those that have a vector */
    struct came {
        uint64_t position, event, group;
    } came[ED_STABILITY_SAMPLE];
    uint64_t first[ED_STABILITY_SAMPLE], second[ED_STABILITY_SAMPLE];
};

eddy_status ed_stability_new(size_t dim, struct ed_stability **ret, eddy_error *err)
{
    struct ed_stability *s = ed_alloc_zero(1, sizeof *s);
    if (!s)
        return eddy_fail_nomem(err, "stability", sizeof *s);
    s->dim = dim;
    s->rows = ed_alloc(ED_STABILITY_SAMPLE * dim * sizeof *s->rows);
    if (!s->rows) {
        ed_stability_free(s);
        return eddy_fail_nomem(err, "stability", ED_STABILITY_SAMPLE * dim * sizeof *s->rows);
    }
    *ret = s;
    return EDDY_OK;
}

void ed_stability_free(struct ed_stability *s)
{
    if (!s)
        return;
    eddy_lineage_free(s->lineage);
    ed_free(s->rows);
    ed_free(s);
}

static void begin(struct ed_stability *s)
{
    eddy_lineage_free(s->lineage);
    s->lineage = NULL;
    s->n = 0;
    s->seen = 0;
    (void)eddy_lineage_new(&s->lineage, NULL);
}

static void take(struct ed_stability *s, const float *dense, const eddy_assignment *a)
{
    if (eddy_lineage_assigned(s->lineage, a->event, a->group, NULL) != EDDY_OK)
        return;
    memcpy(s->rows + s->n * s->dim, dense, s->dim * sizeof *dense);
    s->came[s->n++] = (struct came){a->position, a->event, a->group};
}

/* 1: the two moments could be compared. */
static int compare(struct ed_stability *s, eddy_stability *ret)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct came *c = &s->came[i];
        s->first[i] = c->event;
        s->second[i] = eddy_lineage_document(s->lineage, c->position, c->event, c->group);
    }
    return s->n && eddy_score_stability(s->rows, s->n, s->dim, s->first, s->second, 0, ret, NULL) ==
                       EDDY_OK;
}

int ed_stability_document(struct ed_stability *s, const float *dense, const eddy_assignment *a,
                          int64_t now_ms, eddy_stability *ret)
{
    int due = s->seen >= ED_STABILITY_EVERY && now_ms >= s->next_ms;
    int fresh = s->lineage && due && compare(s, ret);
    if (due)
        s->next_ms = now_ms + ED_STABILITY_MS;
    if (!s->lineage || due)
        begin(s);
    if (!s->lineage)
        return fresh;
    if (s->seen++ < ED_STABILITY_SAMPLE && dense)
        take(s, dense, a);
    return fresh;
}

void ed_stability_change(struct ed_stability *s, const eddy_change *change)
{
    eddy_error why = {0};
    if (s->lineage && eddy_lineage_changed(s->lineage, change, &why) == EDDY_NOMEM) {
        eddy_lineage_free(s->lineage);
        s->lineage = NULL;
    }
}
