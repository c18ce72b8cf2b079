/* Wire: how the values of the engine's records are written.
 *
 *   varint   seven bits a byte, low ones first, the high bit says that more follow
 *   signed   varint of 0, -1, 1, -2 ... as 0, 1, 2, 3 ...
 *   number   a double: varint of 1 + its value where it is a whole number up to 2^53, else 0 and
 * its eight bytes. Counts and weights are whole without a half-life. floats   varint 0 and all of
 * them, four bytes each; or varint of 1 + how many are not 0, and for each of those the varint of
 * the zeros before it and four bytes; what is shorter
 *
 * All else is little-endian. What is equal is written as equal bytes, whatever its history: the
 * hash of a state is made of them. Writing is to memory that is known to be large enough; reading
 * trusts nothing. */
#ifndef ED_ENGINE_WIRE_H
#define ED_ENGINE_WIRE_H

#include "base/pack.h"
#include "base/vector.h"

#include <math.h>

typedef unsigned char *ed_out;

#define ED_VARINT_MAX 10
#define ED_NUMBER_MAX 9
/* Of (n) floats, at most. */
#define ED_FLOATS_MAX(n) (ED_VARINT_MAX + (n) * (size_t)7)

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ED_WIRE_COPIES 1 /* memory is as on the wire */
#else
#define ED_WIRE_COPIES 0
#endif

/* ---- writing: each returns where the next byte goes ---- */

static inline ed_out ed_put_bytes(ed_out at, const void *p, size_t n)
{
    if (n)
        memcpy(at, p, n);
    return at + n;
}

static inline ed_out ed_put_varint(ed_out at, uint64_t x)
{
    for (; x >= 0x80; x >>= 7)
        *at++ = (unsigned char)(x | 0x80);
    *at++ = (unsigned char)x;
    return at;
}

static inline ed_out ed_put_signed(ed_out at, int64_t x)
{
    return ed_put_varint(at, (uint64_t)x << 1 ^ (x < 0 ? UINT64_MAX : 0));
}

static inline ed_out ed_put_u32(ed_out at, uint32_t x)
{
    for (size_t i = 0; i < 4; i++)
        at[i] = (unsigned char)(x >> 8 * i);
    return at + 4;
}

static inline ed_out ed_put_u64(ed_out at, uint64_t x)
{
    return ed_put_u32(ed_put_u32(at, (uint32_t)x), (uint32_t)(x >> 32));
}

static inline ed_out ed_put_f32(ed_out at, float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return ed_put_u32(at, bits);
}

static inline ed_out ed_put_f64(ed_out at, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return ed_put_u64(at, bits);
}

static inline ed_out ed_put_number(ed_out at, double x)
{
    if (x >= 0 && x <= 0x1p53 && !signbit(x) && x == (double)(uint64_t)x)
        return ed_put_varint(at, (uint64_t)x + 1);
    *at++ = 0;
    return ed_put_f64(at, x);
}

static inline ed_out ed_put_doubles(ed_out at, const double *x, size_t n)
{
    if (ED_WIRE_COPIES)
        return ed_put_bytes(at, x, n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        at = ed_put_f64(at, x[i]);
    return at;
}

/* -0 counts as something: every bit comes back. */
static inline ed_out ed_put_floats(ed_out at, const float *x, size_t n)
{
    size_t some = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        some += bits != 0;
    }
    if (some * 5 >= n * 4) {
        at = ed_put_varint(at, 0);
        if (ED_WIRE_COPIES)
            return ed_put_bytes(at, x, n * sizeof *x);
        for (size_t i = 0; i < n; i++)
            at = ed_put_f32(at, x[i]);
        return at;
    }
    at = ed_put_varint(at, 1 + some);
    size_t next = 0;
    for (size_t i = 0; i < n && some; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        if (!bits)
            continue;
        at = ed_put_u32(ed_put_varint(at, i - next), bits);
        next = i + 1;
        some--;
    }
    return at;
}

/* ---- reading: as ed_unpack_...; 0 and `failed` where the bytes end or cannot be ---- */

static inline uint64_t ed_get_varint(struct ed_unpack *u)
{
    uint64_t x = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = ed_unpack_u8(u);
        x |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return x;
    }
    u->failed = 1;
    return 0;
}

/* At most `most`. */
static inline uint64_t ed_get_count(struct ed_unpack *u, uint64_t most)
{
    uint64_t x = ed_get_varint(u);
    u->failed |= x > most;
    return u->failed ? 0 : x;
}

static inline int64_t ed_get_signed(struct ed_unpack *u)
{
    uint64_t x = ed_get_varint(u);
    return (int64_t)(x >> 1 ^ (x & 1 ? UINT64_MAX : 0));
}

/* From `least` to `most`, hence finite. */
static inline double ed_get_number(struct ed_unpack *u, double least, double most)
{
    uint64_t whole = ed_get_varint(u);
    double x = whole ? (double)(whole - 1) : ed_unpack_f64(u);
    u->failed |= !(x >= least && x <= most);
    return u->failed ? least : x;
}

static inline void ed_get_doubles(struct ed_unpack *u, double *x, size_t n)
{
    for (size_t i = 0; i < n && !u->failed; i++) {
        x[i] = ed_unpack_f64(u);
        u->failed |= !isfinite(x[i]);
    }
}

/* Larger ones are no sum of points: weights stay below 2^61 (HEAVY, HALVES_MAX). */
#define ED_FLOAT_MOST 0x1p62f

static inline void ed_get_floats(struct ed_unpack *u, float *x, size_t n)
{
    uint64_t some = ed_get_count(u, n + 1);
    if (!some) {
        const char *at = ed_unpack_bytes(u, n * 4);
        if (at && ED_WIRE_COPIES)
            ed_put_bytes((ed_out)x, at, n * sizeof *x);
        struct ed_unpack bytes = {at, at ? at + n * 4 : at, !at};
        for (size_t i = 0; i < n && !ED_WIRE_COPIES; i++)
            x[i] = ed_unpack_f32(&bytes);
    } else {
        memset(x, 0, n * sizeof *x);
        for (size_t i = 0; some > 1 && !u->failed; some--) {
            i += ed_get_count(u, n - 1 - i);
            float value = ed_unpack_f32(u);
            if (u->failed)
                break;
            x[i++] = value;
            u->failed |= i == n && some > 2;
        }
    }
    float most = 0; /* NaN makes it NaN or is caught by ed_finite */
    for (size_t i = 0; i < n && !u->failed; i++)
        most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    u->failed |= !u->failed && (!ed_finite(x, n) || most > ED_FLOAT_MOST);
}

#endif
