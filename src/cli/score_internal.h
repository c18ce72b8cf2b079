/* A run judged without labels: the documents that it assigned, their vectors, and the indexes of
 * eddy/score.h over them. One owner thread. */
#ifndef ED_CLI_SCORE_INTERNAL_H
#define ED_CLI_SCORE_INTERNAL_H

#include "base/table.h"
#include "cli/config.h"

#include <eddy/score.h>

#define ED_INTERNAL_FOLDS 5

struct ed_internal {
    struct ed_table places; /* document -> place in docs, from 1; 0: judged already */
    struct ed_internal_doc {
        uint64_t id, event, group; /* as it was assigned */
    } * docs;
    size_t n_docs, room_docs;

    float *rows;                    /* (n_rows, dim) ... */
    struct ed_internal_doc *judged; /* (n_rows) ... and whose they are */
    size_t n_rows, room_rows, dim;
    uint64_t empty; /* documents without a vector */
};

struct ed_internal_result {
    size_t documents;
    uint64_t empty, missing; /* without a vector; assigned, but not in the files */
    eddy_internal_scores arrival, lineage, final;
    eddy_stability stability; /* of the last two */
    size_t folds;
};

/* A document came to event, into group, all as names (cli/labels.h); of several the first counts.
 * EDDY_NOMEM. */
eddy_status ed_internal_assigned(struct ed_internal *in, uint64_t id, uint64_t event,
                                 uint64_t group, eddy_error *err);

/* Read the documents from source.files, as document.* says, and their vectors: those that they
 * bring, or by the embedder of embed.*. Lines that are no document are passed over.
 *
 * EDDY_CONFIG  no file, or no vectors, are named; EDDY_FORMAT  no assigned document is in the
 * files; else as ed_source_read and ed_config_embedder */
eddy_status ed_internal_read(struct ed_internal *in, struct ed_config *config, eddy_error *err);

/* Judge those that were read. Asks lineage, which holds all changes. EDDY_NOMEM. */
eddy_status ed_internal_score(const struct ed_internal *in, eddy_lineage *lineage,
                              struct ed_internal_result *ret, eddy_error *err);

void ed_internal_print(const struct ed_internal_result *r);
/* As one JSON object; what is not defined is null. */
void ed_internal_print_json(const struct ed_internal_result *r);

void ed_internal_clear(struct ed_internal *in);

#endif
