/* broker: the log (log.h) on a Kafka broker, by librdkafka. */
#ifndef ED_JOURNAL_BROKER_H
#define ED_JOURNAL_BROKER_H

#include "journal/journal.h"
#include "journal/log.h"

/* Finds or makes the topics; writes nothing yet. Statuses as ed_journal_kafka_open. */
eddy_status ed_broker_open(const struct ed_journal_kafka *options, struct ed_log **ret,
                           eddy_error *err);

#endif
