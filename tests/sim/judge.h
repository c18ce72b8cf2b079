/* The judge: a read_committed reader that looks at the cluster whenever something became visible.
 */
#ifndef ED_SIM_JUDGE_H
#define ED_SIM_JUDGE_H

#include "cluster.h"

struct sim_judge *sim_judge_new(struct sim *sim);
void sim_judge_free(struct sim_judge *judge);
/* A transaction has ended: what is visible now must be whole, in order and right. */
void sim_judge_look(struct sim *sim);
/* The other reader, which comes when it comes. */
void sim_judge_stroll(struct sim *sim);
/* 1: all of the input is answered. */
int sim_judge_drained(const struct sim *sim);
/* The files of a run without a broker, after a restore; at NULL: they are finished (files.c). */
struct ed_head;
void sim_files_judge(struct sim *sim, const char *const paths[ED_TOPICS],
                     const struct ed_head *head);
/* At rest. */
void sim_judge_end(struct sim *sim);

#endif
