/* alerts: what rules make of changes and pictures, and the messages of it. Sends nothing; no clock
 * but stream time.
 *
 * An alert is one rule and one event (or template): it begins, is told again when something new is
 * to be said of it, and ends. When its event is merged away it ends there and goes on at the event
 * that lives on. In quiet hours nothing begins: what holds is told at their end. Everything that an
 * alert needs is in records of the shard's state, so that a restart goes on as if there was none,
 * and its messages are part of an epoch: each is there once, or not at all.
 *
 * Topic eddy.alerts, key: the event's id or the template's name, ce_type eddy.alert.firing or
 * .resolved, ce_id "PIPELINE-alert-NUMBER" (of several shards: "PIPELINE.SHARD-alert-NUMBER").
 *
 *   {"id": "news-alert-7",
 *    "rule": "big", "severity": "warning",
 *    "state": "firing",                 firing, resolved
 *    "event": "E12", "template": null,  what it is about; never changes during an alert
 *    "reason": "grew",                  a kind of change; size (and rate ...): as a picture showed;
 *                                       merged: see from, into; quiet_hours: they are over. Of an
 *                                       end: faded, merged, ended, cleared, held (long enough),
 *                                       rule: there is no such rule any more
 *    "from": "E3", "into": "E9",        where it was before, where it goes on
 *    "name": "...",                     of the event as it is now
 *    "size": 41, "rate": 12.5, "growth": 3.1, "novelty": 0.6,     what is known of it
 *    "topic": "T3", "keywords": ["harbour", ...],     where known
 *    "starts": "...", "time": "..."}    since when; stream time of this message
 *
 * A message that is delivered twice has the same id twice. */
#ifndef ED_PUBLISH_ALERTS_H
#define ED_PUBLISH_ALERTS_H

#include "publish/publish.h"
#include "publish/rules.h"

#define ED_ALERTS_MAX                                                                              \
    65536 /* at once, of a shard; beyond that none begins, and that is counted                     \
           */

struct ed_alerts;

/* rules: (n) borrowed, with different names. EDDY_NOMEM. */
eddy_status ed_alerts_new(const struct ed_rule *rules, size_t n, struct ed_alerts **ret,
                          eddy_error *err);
void ed_alerts_free(struct ed_alerts *alerts);

/* What a call of the engine changed, and the pictures that it made due: (n) of each, in order.
 * EDDY_NOMEM. */
eddy_status ed_alerts_news(struct ed_alerts *alerts, const struct ed_publisher *p,
                           struct ed_epoch *epoch, const eddy_change *changes, size_t n_changes,
                           const eddy_event *pictures, size_t n_pictures, eddy_error *err);
/* What became of a template; text: of the line that did it. */
eddy_status ed_alerts_template(struct ed_alerts *alerts, const struct ed_publisher *p,
                               struct ed_epoch *epoch, const eddy_template_change *change,
                               eddy_str text, eddy_error *err);
/* Stream time has come this far: what ends or is due by time. */
eddy_status ed_alerts_until(struct ed_alerts *alerts, const struct ed_publisher *p,
                            struct ed_epoch *epoch, int64_t stream_ms, eddy_error *err);

/* Of the state: 1: a record with this key is of alerts. */
int ed_alerts_owns(uint64_t key);
/* As eddy_clusterer_load, _renew. Rules that are no more end their alerts at the next call
 * while there is any rule. */
eddy_status ed_alerts_load(struct ed_alerts *alerts, const eddy_record *record, eddy_error *err);
void ed_alerts_renew(struct ed_alerts *alerts, uint64_t key);
/* *ret has the records of others: put what has changed behind them, in the arena. */
eddy_status ed_alerts_records(struct ed_alerts *alerts, eddy_arena *arena, const eddy_record **ret,
                              size_t *n_ret, eddy_error *err);

/* Alerts that did not begin because there were too many. */
uint64_t ed_alerts_refused(const struct ed_alerts *alerts);

#endif
