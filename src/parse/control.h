/* control: one control message, or one line of the operations' log, to an order.
 *
 *   {"operation": "merge",            merge split move rename pin unpin link undo reassign answer
 *                                     describe; or pass: the reasoner is to look now
 *    "event": "E12",                  what it is about; of undo and pass: nothing
 *    "into": "E3",                    merge, move, link, reassign (without it: a new event), answer
 *    "groups": ["G4"],                split, move, answer
 *    "name": "...", "summary": "...", "category": "...",      rename; describe
 *    "undo": 17,                      number of an operation
 *    "same": true, "strength": 4,     link (without strength it is for good), answer
 *    "error": 0.1, "similarity": 0.4, answer
 *    "document": 1042,                reassign: its position
 *    "version": 7, "into_version": 2, what it was decided on; without them: whatever it is
 *    "id": "...", "who": "anna", "reason": "...",             as the author likes
 *    "actor": "person",               person, llm, statistics
 *    "position": 2048}                documents seen, where it belongs to a place of the stream
 *
 * A line of the log has "applied", "refused", "detail", "number", "result" and "time" as well. What
 * is not known is refused: a field that was misspelt would else be an order with a hole in it. */
#ifndef ED_PARSE_CONTROL_H
#define ED_PARSE_CONTROL_H

#include "base/order.h"

#define ED_CONTROL_MAX ((size_t)64 << 10) /* bytes of a message */

/* Read one message; all of ret is in the arena.
 *
 *   reject  set on EDDY_OK: accepted (ret is filled), or why not
 *   detail  (n_detail) one sentence about a rejected message, without its text
 *
 * EDDY_NOMEM  the arena is full; nothing was decided. Any thread, an arena for each. */
eddy_status ed_control_parse(const char *bytes, size_t n, eddy_arena *arena, struct ed_order *ret,
                             eddy_reject *reject, char *detail, size_t n_detail, eddy_error *err);

#endif
