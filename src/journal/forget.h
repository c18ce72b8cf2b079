/* forget: records of the state topic that are void are deleted (Kafka's DeleteRecords), where the
 * broker allows it. */
#ifndef ED_JOURNAL_FORGET_H
#define ED_JOURNAL_FORGET_H

#include <librdkafka/rdkafka.h>

struct ed_forget {
    rd_kafka_queue_t *queue; /* of answers; NULL: nothing was asked of this client yet */
    int under_way;           /* 1: an answer is to come */
    int keeps;               /* 1: the broker has refused, and will again */
};

/* Ask for the deletion of what is before an offset, unless the last asking is still under way;
 * never waits. rk may be NULL: there is none just now. 0: the broker does not delete at our word.
 */
int ed_forget(struct ed_forget *f, rd_kafka_t *rk, const char *topic, int32_t partition,
              int64_t before);
/* Before its client goes; the next one may be asked as before. */
void ed_forget_drop(struct ed_forget *f);

#endif
