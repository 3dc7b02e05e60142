/*
 * What the multiply-add instructions of the convolutions reach at best: registers only, twelve
 * independent sums. The benchmark compares the kernels with it.
 */
#include "blocks.h"
#include "npusim_kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

enum { SUMS = 12, AVX2_MACS = 16, AVX512_MACS = 64 };

/* The empty assembly makes each sum depend on a round, so that no round is dropped. */
__attribute__((target("avx2")))
static int64_t multiply_avx2(int64_t rounds)
{
    __m256i sums[SUMS], values = _mm256_set1_epi16(3), weights = _mm256_set1_epi16(5);
    for (int i = 0; i < SUMS; i++)
        sums[i] = _mm256_setzero_si256();
    for (int64_t r = 0; r < rounds; r++) {
#pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++) {
            __asm__ volatile("" : "+x"(values));
            sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(values, weights));
        }
    }
#pragma GCC unroll 12
    for (int i = 0; i < SUMS; i++)
        __asm__ volatile("" : : "x"(sums[i]));
    return rounds * SUMS * AVX2_MACS;
}

__attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
static int64_t multiply_avx512(int64_t rounds)
{
    __m512i sums[SUMS], values = _mm512_set1_epi8(3), weights = _mm512_set1_epi8(5);
    for (int i = 0; i < SUMS; i++)
        sums[i] = _mm512_setzero_si512();
    for (int64_t r = 0; r < rounds; r++) {
#pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++) {
            __asm__ volatile("" : "+v"(values));
            sums[i] = _mm512_dpbusd_epi32(sums[i], values, weights);
        }
    }
#pragma GCC unroll 12
    for (int i = 0; i < SUMS; i++)
        __asm__ volatile("" : : "v"(sums[i]));
    return rounds * SUMS * AVX512_MACS;
}

int64_t npusim_multiply_registers(int64_t rounds)
{
    if (npusim_unit_values(1) == QUAD)
        return multiply_avx512(rounds);
    return __builtin_cpu_supports("avx2") ? multiply_avx2(rounds) : 0;
}
#else
int64_t npusim_multiply_registers(int64_t rounds) { return 0 * rounds; }
#endif
