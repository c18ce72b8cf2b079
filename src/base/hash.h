/* Hashes and the one mixer that stands in for randomness. All are pure and portable. */
#ifndef ED_BASE_HASH_H
#define ED_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

/* Two numbers as one: both halves of the 128-bit product, folded (Wang Yi's wyhash). The order
 * counts. */
__extension__ typedef unsigned __int128 ed_wide;
static inline uint64_t ed_mix_pair(uint64_t a, uint64_t b)
{
    ed_wide product =
        (ed_wide)(a ^ UINT64_C(0x9E3779B97F4A7C15)) * (b ^ UINT64_C(0xD6E8FEB86659FD93));
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* A hash of very many bytes at memory speed, for fingerprints of files: four lanes, each of which
 * can undo every step, so a change of one word always changes its lane. Words are read
 * little-endian, so that every machine finds the same. */
static inline uint64_t ed_hash_bulk(uint64_t seed, const void *p, size_t n)
{
    const unsigned char *b = p;
    unsigned char last[32] = {0};
    uint64_t lane[4] = {seed, seed + 1, seed + 2, seed + 3};
    size_t i = 0;
    while (i < n || !i) {
        const unsigned char *block = b + i;
        if (n - i < sizeof last) { /* the tail, filled up with zeros; n tells it from real zeros */
            if (n > i)
                memcpy(last, b + i, n - i);
            block = last;
        }
        for (size_t j = 0; j < 4; j++) {
            uint64_t word;
            memcpy(&word, block + 8 * j, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
            word = __builtin_bswap64(word);
#endif
            lane[j] = (lane[j] ^ word) * UINT64_C(0x9FB21C651E98DF25);
            lane[j] = lane[j] << 29 | lane[j] >> 35;
        }
        i += sizeof last;
    }
    uint64_t h = n;
    for (size_t j = 0; j < 4; j++)
        h = ed_mix64(h ^ lane[j]);
    return h;
}

#endif
