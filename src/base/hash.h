/* Hashes and the one mixer that stands in for randomness. All are pure and portable. */
#ifndef ED_BASE_HASH_H
#define ED_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a, 64 bit (Fowler, Noll, Vo). The offset basis is the one of ALGORITHM 5.3's figures. */
#define ED_FNV_BASIS UINT64_C(1469598103934665603)
static inline uint64_t ed_fnv1a(uint64_t h, const void *p, size_t n)
{
    const unsigned char *b = p;
    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * UINT64_C(1099511628211);
    return h;
}

/* The output function of splitmix64 (Steele, Lea, Flood 2014) at state x. */
static inline uint64_t ed_mix64(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

#endif
