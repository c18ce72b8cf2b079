/* Writing JSON, by hand and fast: what is added is always valid UTF-8 and always valid JSON, as
 * long as brackets are closed as they were opened.
 *
 * Commas put themselves: each value and key looks at the last byte before it. So a run of bytes
 * that is empty, or ends in a newline, starts a new document. Failure is sticky in the bytes. */
#ifndef ED_BASE_JSON_H
#define ED_BASE_JSON_H

#include "base/bytes.h"

void ed_json_open(struct ed_bytes *b, char bracket);  /* '{' or '[' */
void ed_json_close(struct ed_bytes *b, char bracket); /* '}' or ']' */
/* name: plain ASCII that needs no escape. */
void ed_json_key(struct ed_bytes *b, const char *name);

/* The decimal digits of x, not terminated; returns how many. */
size_t ed_json_digits(uint64_t x, char ret[20]);
/* What is not UTF-8 becomes U+FFFD, a byte at a time. */
void ed_json_text(struct ed_bytes *b, const char *s, size_t n);
/* n bytes in base64 (RFC 4648). */
void ed_json_base64(struct ed_bytes *b, const void *p, size_t n);
/* Letters and a number: "E12". */
void ed_json_id(struct ed_bytes *b, const char *letters, uint64_t number);
void ed_json_integer(struct ed_bytes *b, int64_t x);
void ed_json_unsigned(struct ed_bytes *b, uint64_t x);
/* At most six decimals, no trailing zeros; what is smaller than 0.001 or larger than 1e9 as "%.6g"
 * writes it; null when not finite. */
void ed_json_number(struct ed_bytes *b, double x);
void ed_json_bool(struct ed_bytes *b, int x);
void ed_json_null(struct ed_bytes *b);

#endif
