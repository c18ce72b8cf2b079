/* eddy/score.h: gold labels against found clusters, the field's usual measures.
 *
 * Labels are any numbers; equal number = same cluster. */
#ifndef EDDY_SCORE_H
#define EDDY_SCORE_H

#include <eddy/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_scores {
    size_t n, gold, found;                      /* documents, gold clusters, found clusters */
    double bcubed_p, bcubed_r, bcubed_f;        /* Bagga and Baldwin 1998; Amigo et al. 2009 */
    double nmi, nmi_geometric;                  /* arithmetic and geometric normalisation */
    double homogeneity, completeness, v_measure; /* Rosenberg and Hirschberg 2007 */
    double ari;                                 /* Hubert and Arabie 1985 */
    double ga;                                  /* grouping accuracy: share of documents whose
                                                   found cluster is exactly their gold cluster */
    double fga;                                 /* F1 over clusters that are exactly right */
} eddy_scores;

/* Score found against gold.
 *
 *   gold, found  (n) borrowed
 *
 * EDDY_INVALID  n is 0. EDDY_NOMEM.
 * Cost: n log n. Conventions of empty cases are scikit-learn's. */
EDDY_API eddy_status eddy_score(const uint64_t *gold, const uint64_t *found, size_t n,
                                eddy_scores *ret, eddy_error *err);

#ifdef __cplusplus
}
#endif
#endif
