/* One source, several CPUs.
 *
 * In front of a function with external linkage, MANY_CPUS makes the compiler build it for each of
 * these instruction sets and pick one at start. Sanitizers run before ifunc resolvers may, so they
 * take the plain version, and so does clang. */
#ifndef ED_BASE_CPUS_H
#define ED_BASE_CPUS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&      \
    !defined(__clang__)
#define MANY_CPUS __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define MANY_CPUS
#endif

/* A kernel reads runs of floats. Under sanitizers it would be asked about each of them, at several
 * times its own cost; so, as with memcpy, KERNEL is built without them and asks about each run as a
 * whole, by ED_RUN. */
#if defined(__SANITIZE_ADDRESS__)
#define KERNEL      __attribute__((no_sanitize("address", "undefined")))
#define KERNEL_PART KERNEL
void *__asan_region_is_poisoned(void *at, size_t size); /* the first byte that is */
static __attribute__((noinline, unused)) void ed_run_seen(const void *at, size_t size)
{
    const volatile char *bad = __asan_region_is_poisoned((void *)(uintptr_t)at, size);
    if (bad)
        (void)*bad; /* is reported as any other */
}
#define ED_RUN(at, n) ed_run_seen((at), (n) * sizeof *(at))
#elif defined(__SANITIZE_THREAD__)
#define KERNEL        __attribute__((no_sanitize("thread")))
#define KERNEL_PART   KERNEL
void __tsan_read_range(void *at, unsigned long size);
#define ED_RUN(at, n) __tsan_read_range((void *)(uintptr_t)(at), (n) * sizeof *(at))
#else
#define KERNEL        MANY_CPUS
#define KERNEL_PART   /* of a kernel, inline in it */
#define ED_RUN(at, n) (void)0
#endif

#endif
