/* What every test includes: cmocka with its headers in order, and eddy's few helpers. */
#ifndef EDDY_TEST_H
#define EDDY_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/memory.h"

#define TEST(name) static void name(void **state __attribute__((unused)))

/* Under sanitizers each step costs many times as much: what is about numbers alone is done less. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_SANITIZED 1
#else
#define TEST_SANITIZED 0
#endif

/* assert_true that also prints the eddy_error. */
#define CHECK_OK(call, err)                                                                        \
    do {                                                                                           \
        eddy_status st_ = (call);                                                                  \
        if (st_ != EDDY_OK)                                                                        \
            fail_msg("%s: %s: %s", #call, eddy_status_name(st_), (err)->text);                     \
    } while (0)

/* Run the block for k = 0, 1, 2 ... with the k-th allocation refused, until a run meets no
 * failure:  EACH_ALLOC_FAILS(k) { ... } */
static long test_alloc_left_, test_alloc_hit_;
static inline int test_alloc_gate_(size_t n)
{
    (void)n;
    if (test_alloc_left_-- == 0) {
        test_alloc_hit_ = 1;
        return 0;
    }
    return 1;
}
static inline int test_alloc_next_(long k)
{
    int more = k == 0 || test_alloc_hit_;
    test_alloc_left_ = k;
    test_alloc_hit_ = 0;
    ed_alloc_gate = more ? test_alloc_gate_ : NULL;
    return more;
}
#define EACH_ALLOC_FAILS(k) for (long k = 0; test_alloc_next_(k); k++)

/* A seeded stream of numbers for properties. Print the seed: a failure must be repeatable. */
static inline uint64_t test_random(uint64_t *state)
{
    return ed_mix64((*state)++);
}
static inline uint64_t test_seed(void)
{
    const char *given = getenv("EDDY_TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : 20261123;
    printf("seed %llu (EDDY_TEST_SEED sets it)\n", (unsigned long long)seed);
    return seed;
}

#endif
