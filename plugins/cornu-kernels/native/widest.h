/* One binary serves all processors: the loader takes the widest form of a function that the processor has. */
#ifndef CORNU_WIDEST_H
#define CORNU_WIDEST_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__linux__)
#if __GNUC__ >= 12
#define WIDEST __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define WIDEST __attribute__((target_clones("avx512f", "avx2", "default")))
#endif
#else
#define WIDEST
#endif

/* What such a function calls must become a part of it, to be compiled for that processor, too. */
#ifdef __GNUC__
#define INSIDE static inline __attribute__((always_inline))
#else
#define INSIDE static inline
#endif

#endif
