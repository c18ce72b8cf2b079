/* facts: what a list needs to know of a message of ours, read from its JSON: numbers to sort by,
 * states to choose by, words to search. */
#ifndef ED_SERVE_FACTS_H
#define ED_SERVE_FACTS_H

#include "base/bytes.h"

#include <eddy/engine.h>

/* ---- JSON, as eddy writes it ----
 *
 * Values are raw: a string with its quotes and escapes, an object with its braces. What is not as
 * it should be ends a walk; nothing is read beyond the value. */

/* The next member of an object. *at begins at the object's first byte. 0: there are no more. */
int ed_raw_member(eddy_str object, size_t *at, eddy_str *key, eddy_str *value);
/* The next item of an array; likewise. */
int ed_raw_item(eddy_str array, size_t *at, eddy_str *value);
/* The member of that name; n 0: there is none. */
eddy_str ed_raw_find(eddy_str object, const char *key);
double ed_raw_number(eddy_str value); /* NaN: it is none */
uint64_t ed_raw_id(eddy_str value);   /* "E12", "G3", "T3" (as ED_ID_TOPIC); 0: it is none */
int64_t ed_raw_time(eddy_str value);  /* Unix ms; INT64_MIN: it is none */
int ed_raw_is(eddy_str value, const char *text); /* 1: it is this string (which has no escapes) */
/* The string without its quotes, escapes as they stand; n 0: it is none. */
eddy_str ed_raw_text(eddy_str value);

/* ---- of an event or a topic (publish.h) ---- */

struct ed_facts {
    eddy_event_state state;
    int theme; /* 1: over topics */
    double size;
    int64_t first_ms, last_ms;                 /* INT64_MIN where there is none, as of topics */
    uint64_t merged_into, parent, topic, over; /* over: the theme of an event */
    double silhouette, davies_bouldin, compactness, separation, drift; /* NaN: not known */
};
void ed_facts_read(eddy_str json, struct ed_facts *ret);

/* Its words as a search sees them: name, category, keywords, titles and summary, a line each,
 * without case. Strings keep their escapes. */
void ed_facts_words(eddy_str json, struct ed_bytes *ret);
/* Text without case, as in the above. */
void ed_words_fold(const char *s, size_t n, struct ed_bytes *ret);

#endif
