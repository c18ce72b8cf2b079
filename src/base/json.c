/* The JSON writer. Numbers are written without printf where they can be: an assignment has five
 * of them, and printf would be half of its cost. */
#include "base/json.h"

#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void separate(struct ed_bytes *b)
{
    if (!b->n || b->failed)
        return;
    char last = b->at[b->n - 1];
    if (last != '{' && last != '[' && last != ':' && last != '\n')
        ed_bytes_add(b, ",", 1);
}

void ed_json_open(struct ed_bytes *b, char bracket)
{
    separate(b);
    ed_bytes_add(b, &bracket, 1);
}

void ed_json_close(struct ed_bytes *b, char bracket)
{
    ed_bytes_add(b, &bracket, 1);
}

void ed_json_key(struct ed_bytes *b, const char *name)
{
    separate(b);
    ed_bytes_add(b, "\"", 1);
    ed_bytes_add_str(b, name);
    ed_bytes_add(b, "\":", 2);
}

/* ---- text ---- */

static void escape(struct ed_bytes *b, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', 0};
    switch (c) {
    case '"': text[1] = '"'; break;
    case '\\': text[1] = '\\'; break;
    case '\n': text[1] = 'n'; break;
    case '\r': text[1] = 'r'; break;
    case '\t': text[1] = 't'; break;
    default: memcpy(text, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
    }
    ed_bytes_add(b, text, text[1] == 'u' ? 6 : 2);
}

static int is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void ed_json_text(struct ed_bytes *b, const char *s, size_t n)
{
    separate(b);
    ed_bytes_add(b, "\"", 1);
    for (size_t i = 0; i < n;) {
        size_t end = i;
        while (end < n && is_plain((unsigned char)s[end]))
            end++;
        ed_bytes_add(b, s + i, end - i);
        i = end;
        if (i == n)
            break;
        int32_t c;
        size_t wide = ed_utf8_next(s + i, n - i, &c);
        if (c < 0)
            ed_bytes_add_str(b, "\xEF\xBF\xBD");
        else if (c < 0x80)
            escape(b, (unsigned char)c);
        else
            ed_bytes_add(b, s + i, wide);
        i += wide;
    }
    ed_bytes_add(b, "\"", 1);
}

void ed_json_base64(struct ed_bytes *b, const void *p, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = p;
    separate(b);
    ed_bytes_add(b, "\"", 1);
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i < 3 ? n - i : 3;
        uint32_t bits = (uint32_t)in[i] << 16;
        if (left > 1)
            bits |= (uint32_t)in[i + 1] << 8;
        if (left > 2)
            bits |= in[i + 2];
        char four[4] = {digits[bits >> 18], digits[bits >> 12 & 63], digits[bits >> 6 & 63],
                        digits[bits & 63]};
        for (size_t k = left + 1; k < 4; k++)
            four[k] = '=';
        ed_bytes_add(b, four, 4);
    }
    ed_bytes_add(b, "\"", 1);
}

/* ---- numbers ---- */

size_t ed_json_digits(uint64_t x, char ret[20])
{
    char back[20];
    size_t n = 0;
    do {
        back[n++] = (char)('0' + x % 10);
        x /= 10;
    } while (x);
    for (size_t i = 0; i < n; i++)
        ret[i] = back[n - 1 - i];
    return n;
}

void ed_json_unsigned(struct ed_bytes *b, uint64_t x)
{
    char text[20];
    separate(b);
    ed_bytes_add(b, text, ed_json_digits(x, text));
}

void ed_json_integer(struct ed_bytes *b, int64_t x)
{
    char text[21] = "-";
    size_t sign = x < 0;
    separate(b);
    ed_bytes_add(b, text,
                 sign + ed_json_digits(x < 0 ? 0 - (uint64_t)x : (uint64_t)x, text + sign));
}

void ed_json_id(struct ed_bytes *b, const char *letters, uint64_t number)
{
    char text[20];
    separate(b);
    ed_bytes_add(b, "\"", 1);
    ed_bytes_add_str(b, letters);
    ed_bytes_add(b, text, ed_json_digits(number, text));
    ed_bytes_add(b, "\"", 1);
}

__extension__ typedef unsigned __int128 wide;

#define SMALL 1e-16 /* from here on 53 bits and the power of ten fit 128 */

/* "%.6g" of x, SMALL <= x < 0.001: six significant digits, of what is exactly half way the even
 * one, as printf rounds. x 10^k is an integer m 10^k over a power of two. */
static size_t small_number(double x, char *ret)
{
    int e, k = 8; /* 0.001 has its six digits with 10^8 */
    wide scaled = (wide)(uint64_t)ldexp(frexp(x, &e), 53) * 100000000, half, rest, digits;
    for (e = 53 - e; scaled >> e < 100000; k++)
        scaled *= 10;
    digits = scaled >> e;
    half = (wide)1 << (e - 1);
    rest = scaled - (digits << e);
    digits += rest > half || (rest == half && (digits & 1));
    if (digits == 1000000) {
        digits = 100000;
        k--;
    }
    char text[20];
    size_t n = ed_json_digits((uint64_t)digits, text), at = 0;
    int place = k - 5; /* of the first digit behind the point */
    while (n > 1 && text[n - 1] == '0')
        n--;
    if (place <= 4) { /* 0.000123 */
        memcpy(ret, "0.0000", 6);
        at = (size_t)place + 1;
    }
    ret[at++] = text[0];
    if (place > 4 && n > 1)
        ret[at++] = '.';
    memcpy(ret + at, text + 1, n - 1);
    at += n - 1;
    if (place > 4) { /* 1.23e-05 */
        memcpy(ret + at, "e-", 2);
        ret[at + 2] = (char)('0' + place / 10);
        ret[at + 3] = (char)('0' + place % 10);
        at += 4;
    }
    return at;
}

void ed_json_number(struct ed_bytes *b, double x)
{
    char text[40];
    size_t n = 0;
    if (!isfinite(x)) {
        ed_json_null(b);
        return;
    }
    separate(b);
    double size = fabs(x);
    if (size >= SMALL && size < 1e-3) {
        text[n++] = '-';
        n += small_number(size, text + 1);
        ed_bytes_add(b, text + (x > 0), n - (x > 0));
        return;
    }
    if (size != 0 && (size < 1e-3 || size >= 1e9)) {
        ed_bytes_printf(b, "%.6g", x);
        return;
    }
    uint64_t millionths = (uint64_t)(size * 1e6 + 0.5);
    if (x < 0 && millionths)
        text[n++] = '-';
    n += ed_json_digits(millionths / 1000000, text + n);
    uint64_t rest = millionths % 1000000;
    if (rest) {
        text[n++] = '.';
        for (uint64_t place = 100000; rest; place /= 10) {
            text[n++] = (char)('0' + rest / place);
            rest %= place;
        }
    }
    ed_bytes_add(b, text, n);
}

void ed_json_bool(struct ed_bytes *b, int x)
{
    separate(b);
    ed_bytes_add_str(b, x ? "true" : "false");
}

void ed_json_null(struct ed_bytes *b)
{
    separate(b);
    ed_bytes_add_str(b, "null");
}
