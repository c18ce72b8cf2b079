/* eddy/score.h: gold labels against found clusters, the field's usual measures; and lineage, which
 * tells from assignments and changes where each document is now. */
#ifndef EDDY_SCORE_H
#define EDDY_SCORE_H

#include <eddy/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_scores {
    size_t n, gold, found;                       /* documents, gold clusters, found clusters */
    double bcubed_p, bcubed_r, bcubed_f;         /* Bagga and Baldwin 1998; Amigo et al. 2009 */
    double nmi, nmi_geometric;                   /* arithmetic and geometric normalisation */
    double homogeneity, completeness, v_measure; /* Rosenberg and Hirschberg 2007 */
    double ari;                                  /* Hubert and Arabie 1985 */
    double ga;                                   /* grouping accuracy: share of documents whose
                                                    found cluster is exactly their gold cluster */
    double fga;                                  /* F1 over clusters that are exactly right */
} eddy_scores;

/* Score found against gold.
 *
 *   gold, found  (n) any numbers; equal number = same cluster; borrowed
 *
 * EDDY_INVALID  n is 0 or above 2^32 - 1. EDDY_NOMEM.
 * Cost: n log n. Conventions of degenerate cases are scikit-learn's. */
EDDY_API eddy_status eddy_score(const uint64_t *gold, const uint64_t *found, size_t n,
                                eddy_scores *ret, eddy_error *err);

/* ---- lineage ---- */

/* Where documents are now. Feed it every assignment and every change, in any interleaving that
 * keeps the changes in their own order: ids are never reused, so nothing else matters, and a
 * stretch that comes twice does no harm. One owner thread; asking shortens the ways, so it also
 * counts as use. */
typedef struct eddy_lineage eddy_lineage;

/* EDDY_NOMEM */
EDDY_API eddy_status eddy_lineage_new(eddy_lineage **ret, eddy_error *err);
EDDY_API void eddy_lineage_free(eddy_lineage *lineage);

/* A document came to event, into group. Either may be 0: unknown.
 *
 * EDDY_NOMEM  nothing changed */
EDDY_API eddy_status eddy_lineage_assigned(eddy_lineage *lineage, uint64_t event, uint64_t group,
                                           eddy_error *err);

/* An event or a group went elsewhere. Reads kind, event, other, group and into_group; every kind
 * but merged, moved and folded is taken and says nothing here (the groups of a split event follow
 * by their own moves).
 *
 * EDDY_INVALID  an id that the kind needs is 0, the change would close a circle, or what it tells
 *               of went elsewhere before; nothing changed
 * EDDY_NOMEM    nothing changed
 * Cost: constant on average, whatever the length of the chains. */
EDDY_API eddy_status eddy_lineage_changed(eddy_lineage *lineage, const eddy_change *change,
                                          eddy_error *err);

/* The event that lives on for event: what one knows who follows merged events only. An event that
 * was never heard of lives on itself. */
EDDY_API uint64_t eddy_lineage_event(eddy_lineage *lineage, uint64_t event);

/* The event in which a document that came to event, into group, is now. */
EDDY_API uint64_t eddy_lineage_now(eddy_lineage *lineage, uint64_t event, uint64_t group);

#ifdef __cplusplus
}
#endif
#endif
