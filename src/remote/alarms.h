/* alarms: a message of eddy.alerts in the words of those who wake people. Sends nothing.
 *
 * Document text may stand in names: each sink's own escapes are put, and nothing of an alert can
 * become markup. */
#ifndef ED_REMOTE_ALARMS_H
#define ED_REMOTE_ALARMS_H

#include "base/bytes.h"

#include <eddy/doc.h>

#include <jansson.h>

/* One element of what POST /api/v2/alerts of Alertmanager takes. Labels are its identity
 * (alertname: the rule; pipeline, severity, and event or template) and never change during an
 * alert; what may change (name, size ...) are annotations.
 *
 *   starts_ms  not after now: the two clocks may differ
 *   ends_ms    when it is over unless it is sent again
 *   link       of the pipeline's pages; "": none */
void ed_alarm_alertmanager(struct ed_bytes *b, const json_t *alert, const char *pipeline,
                           const char *link, int64_t starts_ms, int64_t ends_ms);
/* The body of an incoming webhook of Slack (and of those that take the same). */
void ed_alarm_slack(struct ed_bytes *b, const json_t *alert, const char *pipeline,
                    const char *link);
/* Any body: {{field}} becomes the field of the alert, escaped to stand between the quotes of a JSON
 * string; of what the alert has not, nothing. {{pipeline}} and {{link}} are known too. */
void ed_alarm_template(struct ed_bytes *b, const char *body, const json_t *alert,
                       const char *pipeline, const char *link);

/* The field as text; "" where there is none. Valid until the next call with the same room. */
const char *ed_alarm_text(const json_t *alert, const char *key, char room[32]);
/* What it is about: the event, or the template. */
const char *ed_alarm_subject(const json_t *alert);

#endif
