/* Floats: points and sums of points as bytes.
 *
 * A byte says how they are written, the shortest way that there is; every bit comes back:
 *
 *   0  all of them, four bytes each
 *   1  varint of how many are not 0; for each of those the varint of the zeros before it, and four
 *      bytes
 *   2  how many bits each takes; then all of them as whole numbers of POINT_STEP, 0, -1, 1, -2 ...
 *      as 0, 1, 2, 3 ..., so many bits each, low ones first
 *   3  as 1, but each as a signed whole number of POINT_STEP
 *
 * Coordinates of points are such multiples, and so are sums of them (but under a half-life, where
 * documents have broken weights). A coordinate of a group of a hundred documents is a number of 16
 * to 18 bits: half of what a float takes, and half of the state is sums. */
#include "engine/state.h"
#include "engine/wire.h"

enum { PLAIN, SOME, STEPS, SOME_STEPS };

#define STEPS_MAX (1 << 24) /* a float has all whole numbers up to there */
#define BITS_MAX  26
/* Larger ones are no sum of points: weights stay below 2^61 (HEAVY, HALVES_MAX). */
#define FLOAT_MOST 0x1p62f

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* 0, -1, 1, -2 ... as 0, 1, 2, 3 ... */
static uint32_t folded(float x)
{
    int32_t steps = (int32_t)(x * (float)(1 / POINT_STEP));
    return (uint32_t)steps << 1 ^ (steps < 0 ? UINT32_MAX : 0);
}

static float unfolded(uint32_t folded)
{
    return (float)(int32_t)(folded >> 1 ^ (folded & 1 ? UINT32_MAX : 0)) * (float)POINT_STEP;
}

/* -0 is none: it would come back as 0. */
static int is_steps(float x)
{
    float steps = x * (float)(1 / POINT_STEP);
    return fabsf(steps) <= STEPS_MAX && !(steps < (float)(int32_t)steps) &&
           !(steps > (float)(int32_t)steps) && bits_of(x) != UINT32_C(1) << 31;
}

static size_t varint_size(uint64_t x)
{
    size_t n = 1;
    for (; x >= 0x80; x >>= 7)
        n++;
    return n;
}

/* ---- writing ---- */

struct kind {
    int steps; /* 1: all are multiples of POINT_STEP */
    size_t some;
    unsigned bits; /* of the largest of them, folded */
};

static struct kind kind_of(const float *x, size_t n)
{
    struct kind k = {.steps = 1};
    uint32_t all = 0;
    for (size_t i = 0; i < n; i++)
        k.some += bits_of(x[i]) != 0;
    for (size_t i = 0; i < n && k.steps; i++) {
        k.steps = is_steps(x[i]);
        all |= k.steps ? folded(x[i]) : 0;
    }
    for (; all; all >>= 1)
        k.bits++;
    return k;
}

/* Of those that are not 0, one by one. */
static size_t some_size(const float *x, size_t n, const struct kind *k)
{
    size_t size = varint_size(k->some);
    size_t next = 0;
    for (size_t i = 0; i < n; i++)
        if (bits_of(x[i])) {
            size += varint_size(i - next) + (k->steps ? varint_size(folded(x[i])) : 4);
            next = i + 1;
        }
    return size;
}

static ed_out some_put(ed_out at, const float *x, size_t n, const struct kind *k)
{
    size_t next = 0;
    at = ed_put_varint(at, k->some);
    for (size_t i = 0; i < n; i++)
        if (bits_of(x[i])) {
            at = ed_put_varint(at, i - next);
            at = k->steps ? ed_put_varint(at, folded(x[i])) : ed_put_u32(at, bits_of(x[i]));
            next = i + 1;
        }
    return at;
}

static ed_out steps_put(ed_out at, const float *x, size_t n, unsigned bits)
{
    uint64_t held = 0;
    unsigned n_held = 0;
    *at++ = (unsigned char)bits;
    for (size_t i = 0; i < n; i++) {
        held |= (uint64_t)folded(x[i]) << n_held;
        n_held += bits;
        if (n_held >= 32) {
            at = ed_put_u32(at, (uint32_t)held);
            held >>= 32;
            n_held -= 32;
        }
    }
    for (; n_held; n_held = n_held > 8 ? n_held - 8 : 0) {
        *at++ = (unsigned char)held;
        held >>= 8;
    }
    return at;
}

ed_out ed_put_floats(ed_out at, const float *x, size_t n)
{
    struct kind k = kind_of(x, n);
    size_t whole = k.steps ? 1 + (n * k.bits + 7) / 8 : 4 * n;
    if (k.some < n && some_size(x, n, &k) < whole) {
        *at++ = k.steps ? SOME_STEPS : SOME;
        return some_put(at, x, n, &k);
    }
    *at++ = k.steps ? STEPS : PLAIN;
    if (k.steps)
        return steps_put(at, x, n, k.bits);
    if (ED_WIRE_COPIES)
        return ed_put_bytes(at, x, n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        at = ed_put_f32(at, x[i]);
    return at;
}

/* ---- reading ---- */

static void plain_get(struct ed_unpack *u, float *x, size_t n)
{
    const char *at = ed_unpack_bytes(u, n * 4);
    if (at && ED_WIRE_COPIES)
        ed_put_bytes((ed_out)x, at, n * sizeof *x);
    struct ed_unpack bytes = {at, at ? at + n * 4 : at, !at};
    for (size_t i = 0; i < n && !ED_WIRE_COPIES; i++)
        x[i] = ed_unpack_f32(&bytes);
}

static float step_get(struct ed_unpack *u)
{
    return unfolded((uint32_t)ed_get_count(u, 2 * STEPS_MAX));
}

static void some_get(struct ed_unpack *u, float *x, size_t n, int steps)
{
    size_t next = 0;
    memset(x, 0, n * sizeof *x);
    for (uint64_t some = ed_get_count(u, n); some && !u->failed; some--) {
        next += ed_get_count(u, n);
        u->failed |= next >= n;
        float value = steps ? step_get(u) : ed_unpack_f32(u);
        if (!u->failed)
            x[next++] = value;
    }
}

static void steps_get(struct ed_unpack *u, float *x, size_t n)
{
    unsigned bits = ed_unpack_u8(u);
    u->failed |= bits > BITS_MAX;
    const unsigned char *at =
        (const unsigned char *)ed_unpack_bytes(u, u->failed ? 0 : (n * bits + 7) / 8);
    uint64_t held = 0;
    unsigned n_held = 0;
    for (size_t i = 0; i < n && !u->failed; i++) {
        for (; n_held < bits; n_held += 8)
            held |= (uint64_t)*at++ << n_held;
        uint32_t step = (uint32_t)(held & ((UINT64_C(1) << bits) - 1));
        u->failed |= step > 2 * STEPS_MAX;
        x[i] = unfolded(step);
        held >>= bits;
        n_held -= bits;
    }
}

void ed_get_floats(struct ed_unpack *u, float *x, size_t n)
{
    uint8_t how = ed_unpack_u8(u);
    if (u->failed || how > SOME_STEPS) {
        u->failed = 1;
        return;
    }
    if (how == PLAIN)
        plain_get(u, x, n);
    else if (how == STEPS)
        steps_get(u, x, n);
    else
        some_get(u, x, n, how == SOME_STEPS);
    float most = 0; /* NaN makes it NaN or is caught by ed_finite */
    for (size_t i = 0; i < n && !u->failed; i++)
        most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    u->failed |= !u->failed && (!ed_finite(x, n) || most > FLOAT_MOST);
}
