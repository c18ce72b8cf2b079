/* One source, several CPUs.
 *
 * In front of a function with external linkage, MANY_CPUS makes the compiler build it for each of
 * these instruction sets and pick one at start. Sanitizers run before ifunc resolvers may, so they
 * take the plain version, and so does clang. */
#ifndef ED_BASE_CPUS_H
#define ED_BASE_CPUS_H

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&      \
    !defined(__clang__)
#define MANY_CPUS __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define MANY_CPUS
#endif

#endif
