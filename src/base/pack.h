/* Pack: numbers and strings as bytes, little-endian, the same on every machine; and back.
 *
 * A writer may check once at the end (ed_bytes.failed). So may a reader: beyond the end, or after a
 * length that cannot be, every value is 0 and `failed` stays set. */
#ifndef ED_BASE_PACK_H
#define ED_BASE_PACK_H

#include "base/bytes.h"

#include <string.h>

static inline void ed_pack_u8(struct ed_bytes *b, uint8_t x)
{
    ed_bytes_add(b, &x, 1);
}

static inline void ed_pack_u32(struct ed_bytes *b, uint32_t x)
{
    const uint8_t le[4] = {(uint8_t)x, (uint8_t)(x >> 8), (uint8_t)(x >> 16), (uint8_t)(x >> 24)};
    ed_bytes_add(b, le, sizeof le);
}

static inline void ed_pack_u64(struct ed_bytes *b, uint64_t x)
{
    ed_pack_u32(b, (uint32_t)x);
    ed_pack_u32(b, (uint32_t)(x >> 32));
}

static inline void ed_pack_i64(struct ed_bytes *b, int64_t x)
{
    ed_pack_u64(b, (uint64_t)x);
}

/* A length and the bytes. at NULL comes back as an empty string. */
static inline void ed_pack_str(struct ed_bytes *b, const char *at, size_t n)
{
    ed_pack_u32(b, (uint32_t)n);
    if (n)
        ed_bytes_add(b, at, n);
}

struct ed_unpack {
    const char *at, *end; /* what is not read yet */
    int failed;
};

static inline struct ed_unpack ed_unpack_of(eddy_str s)
{
    return (struct ed_unpack){s.at, s.at + s.n, 0};
}

/* n bytes where they lie; NULL: there are no more. */
static inline const char *ed_unpack_bytes(struct ed_unpack *u, size_t n)
{
    if (u->failed || (size_t)(u->end - u->at) < n) {
        u->failed = 1;
        return NULL;
    }
    const char *at = u->at;
    u->at += n;
    return at;
}

static inline uint8_t ed_unpack_u8(struct ed_unpack *u)
{
    const char *at = ed_unpack_bytes(u, 1);
    return at ? (uint8_t)*at : 0;
}

static inline uint32_t ed_unpack_u32(struct ed_unpack *u)
{
    const unsigned char *at = (const unsigned char *)ed_unpack_bytes(u, 4);
    return at ? (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
                    (uint32_t)at[3] << 24
              : 0;
}

static inline uint64_t ed_unpack_u64(struct ed_unpack *u)
{
    uint64_t low = ed_unpack_u32(u);
    return low | (uint64_t)ed_unpack_u32(u) << 32;
}

static inline int64_t ed_unpack_i64(struct ed_unpack *u)
{
    return (int64_t)ed_unpack_u64(u);
}

static inline float ed_unpack_f32(struct ed_unpack *u)
{
    uint32_t bits = ed_unpack_u32(u);
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline double ed_unpack_f64(struct ed_unpack *u)
{
    uint64_t bits = ed_unpack_u64(u);
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Points into what is read; not followed by a 0. */
static inline eddy_str ed_unpack_str(struct ed_unpack *u)
{
    size_t n = ed_unpack_u32(u);
    const char *at = ed_unpack_bytes(u, n);
    return at ? (eddy_str){at, n} : (eddy_str){NULL, 0};
}

/* 1: all was read, and nothing failed. */
static inline int ed_unpack_done(const struct ed_unpack *u)
{
    return !u->failed && u->at == u->end;
}

#endif
