/* stability: whether events stay what they are: the CSAI (eddy/score.h) of a running stream.
 *
 * Of a run of documents is kept where each came to; some thousand documents later it is looked up
 * where they are then, and the two moments are compared. So it is a number of the recent past,
 * renewed every ED_STABILITY_EVERY documents, but not within ED_STABILITY_MS: nobody looks more
 * often, and the documents behind it wait for a comparison. The engine's thread. */
#ifndef ED_PIPELINE_STABILITY_H
#define ED_PIPELINE_STABILITY_H

#include <eddy/score.h>

#define ED_STABILITY_SAMPLE 1024
#define ED_STABILITY_EVERY  (4 * ED_STABILITY_SAMPLE)
#define ED_STABILITY_MS     10000

struct ed_stability;

/* dim: of the dense vectors, in whose space it is measured. EDDY_NOMEM. */
eddy_status ed_stability_new(size_t dim, struct ed_stability **ret, eddy_error *err);
void ed_stability_free(struct ed_stability *s);
/* A document was assigned; dense may be NULL.
 *
 *   now_ms  a clock that never runs back
 *
 * Returns 1 where *ret is new. */
int ed_stability_document(struct ed_stability *s, const float *dense, const eddy_assignment *a,
                          int64_t now_ms, eddy_stability *ret);
/* Something happened to events. */
void ed_stability_change(struct ed_stability *s, const eddy_change *change);

#endif
