/* client: what the journal's librdkafka handles have in common: their configuration in layers, and
 * the way their words get into our log. */
#ifndef ED_JOURNAL_CLIENT_H
#define ED_JOURNAL_CLIENT_H

#include <eddy/error.h>

#include "journal/journal.h"

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

struct ed_client_options {
    const char *const (*defaults)[2]; /* (n_defaults) the user's may win over these */
    size_t n_defaults;
    const char *const *options; /* (2 n_options) the user's */
    size_t n_options;
    const char *const *owned;         /* names that the user may not set; NULL at the end */
    const char *const (*insisted)[2]; /* (n_insisted) a NULL value is left out */
    size_t n_insisted;
    int insecure;
};

/* A configuration with the log callback set. EDDY_CONFIG: librdkafka's own words, or ours for what
 * may not be set. */
eddy_status ed_client_conf(const struct ed_client_options *options, rd_kafka_conf_t **ret,
                           eddy_error *err);
/* conf is taken. */
eddy_status ed_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **ret,
                          eddy_error *err);

/* What a client's connections do, told by its threads. */
struct ed_connections {
    atomic_int in_use; /* the caller's: there is something to lose */
    atomic_int broke;  /* one did while they were in use; the caller takes it back */
};

/* The next client made with conf tells of its connections; a copy of conf does not. */
void ed_client_watch(rd_kafka_conf_t *conf, struct ed_connections *watched);

/* The log callback that is set. */
void ed_client_log(const rd_kafka_t *rk, int level, const char *facility, const char *text);

/* Configurations of a journal's producer, and of the reader of its state. */
eddy_status ed_client_producer_conf(const struct ed_journal_kafka *o, rd_kafka_conf_t **ret,
                                    eddy_error *err);
eddy_status ed_client_reader_conf(const struct ed_journal_kafka *o, rd_kafka_conf_t **ret,
                                  eddy_error *err);

#endif
