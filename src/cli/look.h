/* look: what a pipeline has written, read back: its topics, or the files of a directory. */
#ifndef ED_CLI_LOOK_H
#define ED_CLI_LOOK_H

#include "cli/config.h"

#include <jansson.h>

/* Called for each message, in order; what it returns other than EDDY_OK ends the reading. */
typedef eddy_status (*ed_look_fn)(void *user, const eddy_raw *raw, eddy_error *err);

/* The same for each JSON object, which is lent; messages without a value are left out. */
typedef eddy_status (*ed_record_fn)(void *user, const eddy_raw *raw, json_t *json, eddy_error *err);

/* Read one output from its beginning to where it ends now.
 *
 *   dir  NULL: the topic; else DIR/NAME.jsonl, or NAME.jsonl.part of a run under way
 *
 * EDDY_CONFIG  neither a directory nor a broker is named, or the topic is not kept
 * EDDY_IO, EDDY_UNAVAILABLE, EDDY_NOMEM, and as fn */
eddy_status ed_look(struct ed_config *config, const char *dir, enum ed_topic topic, ed_record_fn fn,
                    void *user, eddy_error *err);
/* The same of any topic; partition below 0: all. */
eddy_status ed_look_topic(struct ed_config *config, const char *topic, int32_t partition,
                          ed_look_fn fn, void *user, eddy_error *err);

/* Where an event is now, by what the events topic says (dir as above): itself, or the one that it
 * went into at last. That topic keeps the last word of every event, so it knows of merges that the
 * engine has long forgotten. *ret 0: nothing is told of it. As ed_look. */
eddy_status ed_look_where(struct ed_config *config, const char *dir, uint64_t event, uint64_t *ret,
                          eddy_error *err);

/* "E12" or "12" as a number; 0: it is none. */
uint64_t ed_look_id(const char *text, char letter);
/* A member as text, or "". Borrowed. */
const char *ed_look_text(const json_t *object, const char *key);
/* A member that is an id, such as "E12"; 0: none. */
uint64_t ed_look_number(const json_t *object, const char *key);
/* A member that is a time, in Unix ms; -1: none. */
int64_t ed_look_time(const json_t *object, const char *key);

/* The state of a pipeline, as a clusterer: from its store DIR/PIPELINE.state, or (dir NULL) from
 * the partition of its state topic. The configuration has to be the pipeline's.
 *
 * EDDY_CONFIG  the state is of other options or another model, or none is there */
eddy_status ed_look_state(struct ed_config *config, const char *dir, int32_t shard,
                          eddy_clusterer **ret, eddy_error *err);

#endif
