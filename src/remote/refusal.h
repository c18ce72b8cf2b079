/* Refusal: what it means when an endpoint of a model does not answer, and what of its own words may
 * be shown. */
#ifndef ED_REMOTE_REFUSAL_H
#define ED_REMOTE_REFUSAL_H

#include "remote/http.h"

/* EDDY_CONFIG       key, model, path or address are refused: whoever runs eddy has to do something
 * EDDY_FORMAT       it does not take what it was sent, or what it sends is too large
 * EDDY_UNAVAILABLE  down, busy, late, or not asked
 * EDDY_STOPPED, EDDY_NOMEM */
eddy_status ed_refusal_status(const struct ed_http_reply *reply);

/* A sentence for people: what happened, what that usually means, and what the endpoint says, unless
 * that repeats the key or a stretch of what it was sent: (n) texts. In the arena; at NULL: no
 * memory. */
eddy_str ed_refusal_text(const struct ed_http_reply *reply, const char *key, const eddy_str *sent,
                         size_t n, eddy_arena *arena);

/* 1: the body holds the word. */
int ed_refusal_holds(eddy_str body, const char *word);
/* 1: an account is empty, and stays so until somebody pays. */
int ed_refusal_is_spent(long status, eddy_str body);

/* What the endpoint says about a failure: error.message, error, message or detail; at most 200
 * bytes in one line, in the arena. Empty: nothing that could be read. */
eddy_str ed_refusal_complaint(eddy_str body, eddy_arena *arena);

#endif
