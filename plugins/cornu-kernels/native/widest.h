/* One binary serves all processors: the loader takes the widest form of a function that the processor has. */
#ifndef CORNU_WIDEST_H
#define CORNU_WIDEST_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__linux__)
#define WIDEST __attribute__((target_clones("arch=skylake-avx512", "arch=haswell", "default")))
#else
#define WIDEST
#endif

#endif
