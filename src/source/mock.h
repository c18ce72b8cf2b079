/* mock: the broker that librdkafka carries for its own tests, inside this process; for `eddy demo`
 * and for tests of the error paths. It speaks the protocol on a local port, so other programs can
 * look in while it lives.
 *
 * It is no broker to keep anything in: a partition holds its newest 5 MiB or 100,000 messages,
 * transactions do not isolate, times cannot be looked up. */
#ifndef ED_SOURCE_MOCK_H
#define ED_SOURCE_MOCK_H

#include <eddy/doc.h>

struct ed_mock;

/* Start a cluster with topics (n, each of one partition).
 *
 * EDDY_UNAVAILABLE  librdkafka could not start it; its own words */
eddy_status ed_mock_open(int brokers, const char *const *topics, size_t n, struct ed_mock **ret,
                         eddy_error *err);
/* "127.0.0.1:41235"; lives as long as the cluster. */
const char *ed_mock_brokers(const struct ed_mock *mock);
/* Put a message (copied) into the topic's line; it goes out by itself. Any thread.
 *
 * EDDY_UNAVAILABLE  refused; librdkafka's words */
eddy_status ed_mock_produce(struct ed_mock *mock, const char *topic, eddy_str key, eddy_str value,
                            eddy_error *err);
/* Wait until the line is empty. EDDY_UNAVAILABLE after wait_ms. */
eddy_status ed_mock_flush(struct ed_mock *mock, int wait_ms, eddy_error *err);
/* Consumers and producers of this cluster go first; NULL is fine. */
void ed_mock_free(struct ed_mock *mock);

#endif
