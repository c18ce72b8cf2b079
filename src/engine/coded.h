/* Sums as bytes, and the scans that propose by them: what coded.c offers to the engine. */
#ifndef ED_ENGINE_CODED_H
#define ED_ENGINE_CODED_H

#include "base/codes.h"

#include <eddy/engine.h>

struct ed_point;

/* Sums as bytes. */
struct ed_codes {
    uint8_t *bytes;       /* (room + ED_LEFT_SLACK, shape.bytes) */
    uint8_t *fine;        /* likewise; NULL: none */
    struct ed_code *code; /* (room) */
};

/* Room for the codes of so many, with fine bytes or without; 0: no memory. */
int ed_codes_room(const eddy_clusterer *cl, struct ed_codes *codes, size_t old, size_t room,
                  int fine);
void ed_codes_free(struct ed_codes *codes);
/* The codes of sums that have changed. */
void ed_event_code(eddy_clusterer *cl, uint32_t slot);
void ed_group_code(eddy_clusterer *cl, uint32_t group);
/* A point's, in cl->work; 0: no memory. */
int ed_point_code(eddy_clusterer *cl, struct ed_point *p);
static inline struct ed_coded ed_coded(const struct ed_code_shape *shape, const struct ed_codes *of,
                                       uint32_t number)
{
    return (struct ed_coded){of->bytes + number * shape->bytes, &of->code[number],
                             of->fine ? of->fine + number * shape->bytes : NULL};
}
/* An event that may be among the best, and between what its value is. */
struct ed_hopeful {
    uint32_t slot;
    float low, high;
};
#define ED_ROUNDING 2e-6F /* more than float arithmetic loses of a mean similarity */
/* Products of a with the sums of these numbers (n), and within what they hold. */
void ed_dots_within(const eddy_clusterer *cl, struct ed_coded a, const struct ed_codes *of,
                    const uint32_t *numbers, size_t n, float *ret, float *ret_error);
/* The same of sums (n_a, at most ED_RUN_ROWS) with others (n, likewise): ret, ret_error (n_a, n).
 */
void ed_dots_within_many(const eddy_clusterer *cl, const struct ed_codes *a,
                         const uint32_t *numbers_a, size_t n_a, const struct ed_codes *of,
                         const uint32_t *numbers, size_t n, float *ret, float *ret_error);
/* The same by fine bytes, where all have them. */
void ed_dots_within_fine(const eddy_clusterer *cl, struct ed_coded a, const struct ed_codes *of,
                         const uint32_t *numbers, size_t n, double *ret, double *ret_error);
/* ---- scans of all events ---- */

/* Codes (m), at most ED_SCAN_MAX, each times its factor (NULL: 1), with all events: of v as arrival
 * has it but for the idle penalty; or, for lists, of mean similarities, each within `rest` of its
 * product. Memory is from cl->work; 0: none. */
struct ed_scan {
    struct ed_scan_rows rows;
    struct ed_scan_points points;
    float *room;
};
int ed_scan_begin(eddy_clusterer *cl, const struct ed_coded *points, const float *factor, size_t m,
                  int lists, struct ed_scan *ret);

/* The highest that points may have with any event of each run of ED_PEAK_ROWS slots. */
struct ed_peaks {
    size_t m;
    float *high; /* (m, stride) */
    size_t n_runs, stride;
    float *own; /* (n_runs) of the point at hand; those taken are lowest */
    float *chunk_high;
};
/* Of (m) points, for arrival; in cl->work. 0: no memory. */
int ed_peaks_of(eddy_clusterer *cl, const struct ed_coded *points, size_t m, struct ed_peaks *ret);
/* Point i is at hand. */
void ed_peaks_begin(struct ed_peaks *peaks, size_t i);
/* Its highest run that is at least `least` and was not taken yet; NONE. */
uint32_t ed_peaks_take(struct ed_peaks *peaks, float least);
/* Slots of the live events of a run: ret (ED_PEAK_ROWS). */
size_t ed_run_live(const eddy_clusterer *cl, uint32_t run, uint32_t *ret);

#endif
