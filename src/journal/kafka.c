/* Epochs in Kafka: the protocol (epochs.c) on a broker (broker.c). */
#include "journal/broker.h"
#include "journal/epochs.h"

eddy_status ed_journal_kafka_open(const struct ed_journal_kafka *options, struct ed_journal **ret,
                                  eddy_error *err)
{
    const struct ed_epochs_options protocol = {.pipeline = options->pipeline,
                                               .state = options->state,
                                               .input = options->input,
                                               .partition = options->partition,
                                               .shard = options->shard,
                                               .n_shards = options->n_shards,
                                               .store = options->state ? options->store : NULL,
                                               .deliver_ms = options->deliver_ms};
    struct ed_log *log = NULL;
    eddy_status st = ed_broker_open(options, &log, err);
    return st == EDDY_OK ? ed_epochs_new(&protocol, log, ret, err) : st;
}

eddy_status ed_journal_kafka_prepare(const struct ed_journal_kafka *options, eddy_error *err)
{
    struct ed_log *log = NULL;
    eddy_status st = ed_broker_open(options, &log, err);
    if (st == EDDY_OK)
        log->free(log);
    return st;
}
