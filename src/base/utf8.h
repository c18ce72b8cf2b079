/* UTF-8, strictly: no overlong form, no surrogate, nothing above U+10FFFF. Pure functions. */
#ifndef ED_BASE_UTF8_H
#define ED_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* How many bytes from the start are UTF-8: n when all are, else the place of the first wrong one.
 */
size_t ed_utf8_valid(const char *s, size_t n);

/* The code point at s, of which n > 0 bytes are left, into *ret; gives its length in bytes. A byte
 * that starts no character gives 1, and -1 in *ret. */
size_t ed_utf8_next(const char *s, size_t n, int32_t *ret);

/* Write code point c (not a surrogate, at most U+10FFFF) to (4) ret; gives its length in bytes. */
size_t ed_utf8_put(int32_t c, char *ret);

/* The longest cut of valid s at a character border, at most max bytes. */
size_t ed_utf8_cut(const char *s, size_t n, size_t max);

#endif
