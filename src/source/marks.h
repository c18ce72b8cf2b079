/* marks: how far a reader has got, kept at the broker under the name of a consumer group that
 * nobody joins. For readers that answer with deeds instead of messages: a mark is written when the
 * deed is done, so that each message is answered at least once. One owner thread. */
#ifndef ED_SOURCE_MARKS_H
#define ED_SOURCE_MARKS_H

#include "source/source.h"

struct ed_marks;

/* options: those of the source that reads (librdkafka's names and values, insecure). EDDY_CONFIG,
 * EDDY_UNAVAILABLE. Asks nobody yet. */
eddy_status ed_marks_open(const struct ed_source_kafka *options, const char *group,
                          struct ed_marks **ret, eddy_error *err);
void ed_marks_free(struct ed_marks *marks);
/* *ret: the next offset to be answered; 0: none was yet. EDDY_UNAVAILABLE, retriable. */
eddy_status ed_marks_read(struct ed_marks *marks, const char *topic, int32_t partition,
                          int64_t *ret, eddy_error *err);
/* Everything below next has been answered. EDDY_UNAVAILABLE, retriable. */
eddy_status ed_marks_write(struct ed_marks *marks, const char *topic, int32_t partition,
                           int64_t next, eddy_error *err);

#endif
