/* keyphraser: a language model is asked what documents are about, before they are clustered.
 *
 * Workers ask for the documents of their batches, each when it has one. Whoever comes while nobody
 * asks does so for all who wait: so one client, one cache and one breaker serve all of them, and as
 * many requests are under way as the endpoint may have. An asking ends in time whatever the
 * endpoint does, and who comes in the middle of one waits for it and then for his own: twice that
 * time is the longest that a batch is held up. What was not answered by then goes without. */
#ifndef ED_PIPELINE_KEYPHRASER_H
#define ED_PIPELINE_KEYPHRASER_H

#include "pipeline/reasoner.h"

struct ed_keyphraser;

/* wait_ms: how long an asking may take; a request is begun in the first half of it only, so that
 * each has some time. Budgets are counted where options->reason.budget says. Only a completer that
 * is brought along is not held to that time.
 *
 * Statuses as ed_reasoner_new. Connects to nothing. */
eddy_status ed_keyphraser_new(const struct ed_reason_options *options, int64_t wait_ms,
                              struct ed_keyphraser **ret, eddy_error *err);
/* When nobody asks any more. */
void ed_keyphraser_free(struct ed_keyphraser *k);

/* Keyphrases of (n) texts, joined by ", ", into ret, in the arena; n 0: there are none, for
 * whatever reason. It is counted and logged. Any number of threads. */
void ed_keyphraser_find(struct ed_keyphraser *k, const eddy_str *texts, size_t n, eddy_arena *arena,
                        eddy_str *ret);

/* For good: who asks goes on without an answer, within 100 ms. Any thread. */
void ed_keyphraser_stop(struct ed_keyphraser *k);
/* Adds what was asked and spent to ret; passes are left alone. Any thread. */
void ed_keyphraser_counts(struct ed_keyphraser *k, struct ed_reason_counts *ret);

#endif
