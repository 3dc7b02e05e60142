/*
 * A function marked ON_EACH_PROCESSOR is compiled for AVX2 and for the oldest processor of the
 * architecture; the loader picks one. AVX2 here does not include FMA: results stay the same bits.
 */
#pragma once

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__)
#define ON_EACH_PROCESSOR __attribute__((target_clones("avx2", "default")))
#else
#define ON_EACH_PROCESSOR
#endif
