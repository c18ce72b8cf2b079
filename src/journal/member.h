/* What the broker's log asks of the group (group.h) in librdkafka's terms. */
#ifndef ED_JOURNAL_MEMBER_H
#define ED_JOURNAL_MEMBER_H

#include "journal/group.h"

#include <librdkafka/rdkafka.h>

/* Of now, to be destroyed; NULL: none. Any thread. */
rd_kafka_consumer_group_metadata_t *ed_group_metadata(struct ed_group *group);
/* Its consumer, for questions about the group's offsets. */
rd_kafka_t *ed_group_client(struct ed_group *group);

#endif
