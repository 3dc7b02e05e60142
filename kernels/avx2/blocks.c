/*
 * AVX2, units of two int16: each vpmaddwd multiplies and adds eight pairs, exact for any 8-bit
 * values and zero points. Six pixels times 16 channels fill 12 of the 16 registers.
 */
#include "blocks.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2"), always_inline)) static inline

AVX2 __m256i broadcast_unit(const uint8_t *unit)
{
    int32_t pair;
    memcpy(&pair, unit, sizeof pair);
    return _mm256_set1_epi32(pair);
}

AVX2 __m256i load(const uint8_t *place) { return _mm256_loadu_si256((const __m256i *)place); }

AVX2 void store(int32_t *place, __m256i value) { _mm256_storeu_si256((__m256i *)place, value); }

/* `count` is a constant where this is inlined, so that the sums live in registers. */
AVX2 void multiply(
    const int count, const uint8_t *const *pixels, const int64_t *offset, int64_t runs,
    int64_t units, const uint8_t *panel, int32_t (*out)[PANEL_CHANNELS])
{
    __m256i low[6], high[6];
#pragma GCC unroll 6  /* registers, not a loop that clears memory */
    for (int p = 0; p < count; p++)
        low[p] = high[p] = _mm256_setzero_si256();
    for (int64_t r = 0; r < runs; r++) {
        const uint8_t *values[6];
        for (int p = 0; p < count; p++)
            values[p] = pixels[p] + offset[r];
        for (int64_t j = 0; j < units; j++, panel += PANEL_BYTES) {
            const __m256i weights_low = load(panel), weights_high = load(panel + 32);
            for (int p = 0; p < count; p++) {
                const __m256i pair = broadcast_unit(values[p] + UNIT_BYTES * j);
                low[p] = _mm256_add_epi32(low[p], _mm256_madd_epi16(pair, weights_low));
                high[p] = _mm256_add_epi32(high[p], _mm256_madd_epi16(pair, weights_high));
            }
        }
    }
    for (int p = 0; p < count; p++) {
        store(out[p], low[p]);
        store(out[p] + 8, high[p]);
    }
}

#define COUNT(N) case N: multiply(N, pixels, offset, runs, units, panel, out); break;

__attribute__((target("avx2")))
void mac_block_avx2(
    const uint8_t *const *pixels, int64_t count, const int64_t *offset, int64_t runs, int64_t units,
    const uint8_t *panel, int32_t (*out)[PANEL_CHANNELS])
{
    switch (count) {
        COUNT(1) COUNT(2) COUNT(3) COUNT(4) COUNT(5) COUNT(6)
    }
}

/* Eight channels of both rows for `count` pixels. */
AVX2 void multiply_taps(
    const int count, const uint8_t *pixels, int64_t step, const int64_t *offset, int64_t taps,
    const uint8_t *weights, int32_t (*row_0)[PANEL_CHANNELS], int32_t (*row_1)[PANEL_CHANNELS])
{
    __m256i first[4], second[4];
    for (int p = 0; p < count; p++)
        first[p] = second[p] = _mm256_setzero_si256();
    for (int64_t t = 0; t < taps; t++, weights += 2 * PANEL_BYTES) {
        const __m256i weights_0 = load(weights), weights_1 = load(weights + PANEL_BYTES);
        const uint8_t *place = pixels + offset[t];
        for (int p = 0; p < count; p++, place += step) {
            const __m256i values = load(place);
            first[p] = _mm256_add_epi32(first[p], _mm256_madd_epi16(values, weights_0));
            second[p] = _mm256_add_epi32(second[p], _mm256_madd_epi16(values, weights_1));
        }
    }
    for (int p = 0; p < count; p++) {
        store(row_0[p], first[p]);
        store(row_1[p], second[p]);
    }
}

__attribute__((target("avx2")))
void tap_block_avx2(
    const uint8_t *pixels, int64_t count, int64_t step, const int64_t *offset, int64_t taps,
    const uint8_t *weights, int32_t (*row_0)[PANEL_CHANNELS], int32_t (*row_1)[PANEL_CHANNELS])
{
    for (int half = 0; half < 2; half++) {
        const uint8_t *place = pixels + 32 * half, *factors = weights + 32 * half;
        int32_t (*to_0)[PANEL_CHANNELS] = (int32_t (*)[PANEL_CHANNELS])(row_0[0] + 8 * half);
        int32_t (*to_1)[PANEL_CHANNELS] = (int32_t (*)[PANEL_CHANNELS])(row_1[0] + 8 * half);
        int64_t p = 0;
        for (; p + 4 <= count; p += 4)
            multiply_taps(4, place + p * step, step, offset, taps, factors, to_0 + p, to_1 + p);
        for (; p < count; p++)
            multiply_taps(1, place + p * step, step, offset, taps, factors, to_0 + p, to_1 + p);
    }
}
#endif
