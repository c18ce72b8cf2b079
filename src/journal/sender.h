/* sender: single messages to one topic, each waited for; for commands that ask a running eddy. */
#ifndef ED_JOURNAL_SENDER_H
#define ED_JOURNAL_SENDER_H

#include <eddy/doc.h>

struct ed_sender;

/* Find the topic; it is not made.
 *
 *   options  (2 n_options) librdkafka names and values
 *
 * EDDY_CONFIG as ed_journal_kafka_open; EDDY_UNAVAILABLE: no broker within 10 s, or no such topic
 */
eddy_status ed_sender_open(const char *const *options, size_t n_options, int insecure,
                           const char *topic, struct ed_sender **ret, eddy_error *err);
uint32_t ed_sender_partitions(const struct ed_sender *sender);
/* Send one message, and wait until all copies of it are written. Once only: what is sent again
 * after a doubt is known by its id.
 *
 * EDDY_UNAVAILABLE  not within wait_ms, or refused; librdkafka's words */
eddy_status ed_sender_send(struct ed_sender *sender, int32_t partition, eddy_str key,
                           eddy_str value, int wait_ms, eddy_error *err);
void ed_sender_free(struct ed_sender *sender);

#endif
