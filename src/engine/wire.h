/* Wire: how the values of the engine's records are written.
 *
 *   varint   seven bits a byte, low ones first, the high bit says that more follow
 *   signed   varint of 0, -1, 1, -2 ... as 0, 1, 2, 3 ...
 *   number   a double: varint of 1 + its value where it is a whole number up to 2^53, else 0 and
 *            its eight bytes. Counts and weights are whole without a half-life
 *   floats   see floats.c
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
#define ED_FLOATS_MAX(n) (2 + (n) * (size_t)4)

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

/* floats.c: floats, every bit of which comes back; at most ED_FLOATS_MAX(n) bytes. */
ed_out ed_put_floats(ed_out at, const float *x, size_t n);
void ed_get_floats(struct ed_unpack *u, float *x, size_t n);

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

#endif
