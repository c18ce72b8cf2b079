/* eddy/score.h: gold labels against found clusters, the field's usual measures; indexes that need
 * no gold labels; and lineage, which tells from assignments and changes where each document is
 * now. */
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

/* ---- without gold labels ----
 *
 * Indexes say how well apart and how even clusters are in one space of vectors, not that they are
 * right: compare by them ways of clustering the same vectors, never two embedders. */

typedef struct eddy_internal_scores {
    size_t n, clusters;
    double silhouette;     /* -1 to 1, large is good: mean of (b - a) / max(a, b); a, b the distance
                              to the mean of the own cluster and of the nearest other; 0 for a
                              cluster of one. Simplified silhouette: Hruschka et al. 2004 */
    double davies_bouldin; /* small is good; Davies and Bouldin 1979, as scikit-learn */
    double calinski_harabasz; /* large is good; Calinski and Harabasz 1974, as scikit-learn */
} eddy_internal_scores;

/* Indexes of a clustering, by Euclidean distance.
 *
 *   rows    (n, dim) row-major float32, finite, of any length; borrowed
 *   labels  (n) any numbers; equal number = same cluster; borrowed
 *   ret     all NaN where there are fewer than 2 clusters, or as many as documents
 *
 * EDDY_INVALID  n or dim is 0, n is above 2^32 - 1, or a row is not finite. EDDY_NOMEM.
 * Cost: (n + clusters) x clusters x dim in float, by OpenBLAS (which is set to one thread, for the
 * whole process); memory clusters x (12 dim + 1,024) bytes. What is chosen by it is computed again
 * in double. */
EDDY_API eddy_status eddy_score_internal(const float *rows, size_t n, size_t dim,
                                         const uint64_t *labels, eddy_internal_scores *ret,
                                         eddy_error *err);

typedef struct eddy_stability {
    size_t clusters;     /* at either moment */
    double csai_share;   /* mean over clusters c of |P_c - Q_c| / (range + 1e-8): P_c, Q_c the share
                            of c in the sum of all coordinates of all documents at the first and the
                            second moment, range the largest of all P and Q less the smallest */
    double csai_profile; /* mean over documents, 0 to 1, of the root mean square over features m of
                            (p_cm - q_cm) / range_m: p_cm, q_cm the mean over the members of c of a
                            feature that is never negative, range_m the largest of p and q in m less
                            the smallest; 1 for a cluster that is there at one moment only */
} eddy_stability;

/* How much clusters at two moments are the same: the cluster stability assessment index (CSAI) of
 * arXiv 2406.10552, 0 perfectly stable, in two forms, both in the one fixed space of rows.
 *
 * csai_share is the formula of the published code, taken as it stands, over the clusters of the
 * first moment. It has a known weakness: it knows no geometry, and labels drawn at random in fixed
 * unequal proportions score as well as the right answer, or better. It also changes when all
 * vectors are shifted, and is not defined (NaN) where their coordinates sum to 0. Only for
 * comparison with published figures; never a proof that a clustering is good.
 *
 * csai_profile is the corrected form: two features a coordinate, how far it is above and how far
 * below its mean, so that none is negative and a shift changes nothing; their root mean square
 * error, as the paper's text has it; ranges per feature, so that neither does a change of unit.
 * Clusters are weighed by their documents. Where clusters do not differ in place, the range is as
 * small as what chance makes of it, and the index is large: random labels score badly. It also
 * grows with the share of small clusters, which no sample finds again at the other moment.
 *
 *   rows    (n, dim) row-major float32, finite; borrowed
 *   first   (n) cluster of each document at the first moment ("train"); 0: it is not there
 *   second  (n) the same at the second moment ("test", "predicted")
 *   folds   0 or 1: every document counts at both moments; K: the mean of K rounds, in the k-th of
 *           which document i counts at the second moment if i mod K = k, else at the first
 *
 * EDDY_INVALID  n or dim is 0, n is above 2^32 - 1, folds above n, a row is not finite, or no
 *               document has a label at one of the moments. EDDY_NOMEM.
 * Cost: folds x n x dim; memory 20 n + 1,100 bytes a cluster. */
EDDY_API eddy_status eddy_score_stability(const float *rows, size_t n, size_t dim,
                                          const uint64_t *first, const uint64_t *second,
                                          size_t folds, eddy_stability *ret, eddy_error *err);

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

/* An event, a group or a document went elsewhere. Reads kind, event, other, group, into_group and
 * document; every kind but merged, moved, folded and reassigned is taken and says nothing here (the
 * groups of a split event follow by their own moves).
 *
 * EDDY_INVALID  an id that the kind needs is 0, or the document 2^64 - 1, the change would close a
 *               circle, or what it tells of went elsewhere before; nothing changed
 *
 * EDDY_NOMEM    nothing changed
 *
 * Cost: constant on average, whatever the length of the chains. */
EDDY_API eddy_status eddy_lineage_changed(eddy_lineage *lineage, const eddy_change *change,
                                          eddy_error *err);

/* The event that lives on for event: what one knows who follows merged events only. An event that
 * was never heard of lives on itself. */
EDDY_API uint64_t eddy_lineage_event(eddy_lineage *lineage, uint64_t event);

/* The event in which a document that came to event, into group, is now. */
EDDY_API uint64_t eddy_lineage_now(eddy_lineage *lineage, uint64_t event, uint64_t group);

/* The same of one document, which may have been reassigned.
 *
 *   document  as changes of kind reassigned have it: its position in the stream; or any number of
 *             its own that the caller puts there instead */
EDDY_API uint64_t eddy_lineage_document(eddy_lineage *lineage, uint64_t document, uint64_t event,
                                        uint64_t group);

#ifdef __cplusplus
}
#endif
#endif
