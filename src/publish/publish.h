/* publish: what the engine decided -> messages (topic, key, headers, JSON). Sends nothing.
 *
 * The fields of each message are in docs of DESIGN section 5; names follow Event Registry where it
 * has one. Every message carries CloudEvents headers (binary mode). */
#ifndef ED_PUBLISH_PUBLISH_H
#define ED_PUBLISH_PUBLISH_H

#include "base/message.h"

#include <eddy/engine.h>

struct ed_publisher {
    const char *pipeline; /* ce_source is "eddy/PIPELINE"; also the prefix of topics */
};

/* Each adds one message to the epoch; all strings go into its arena. EDDY_NOMEM is the only
 * failure. */

/* eddy.assignments; key: document id. */
eddy_status ed_publish_assignment(const struct ed_publisher *p, struct ed_epoch *epoch,
                                  const eddy_doc *doc, const eddy_assignment *a, eddy_error *err);
/* eddy.changes; key: event id. */
eddy_status ed_publish_change(const struct ed_publisher *p, struct ed_epoch *epoch,
                              const eddy_change *change, eddy_error *err);
/* eddy.events; key: event id. */
eddy_status ed_publish_event(const struct ed_publisher *p, struct ed_epoch *epoch,
                             const eddy_event *event, int64_t stream_ms, eddy_error *err);
/* eddy.dead; key and value as they came (value cut to value_max bytes, with its whole size and
 * hash in headers), Kafka Connect's error headers and eddy.error.code. */
eddy_status ed_publish_dead(const struct ed_publisher *p, struct ed_epoch *epoch,
                            const eddy_raw *raw, size_t value_max, eddy_reject reject,
                            const char *detail, eddy_error *err);

#endif
