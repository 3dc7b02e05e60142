/*
 * AVX2: 6 pixels times 16 channels in 12 registers; each pair of int16 products is one vpmaddwd,
 * exact for any 8-bit inputs and zero points.
 */
#include "mac_block.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#include <string.h>

__attribute__((target("avx2")))
static inline __m256i broadcast_pair(const int16_t *values)
{
    int32_t pair;
    memcpy(&pair, values, sizeof pair);
    return _mm256_set1_epi32(pair);
}

__attribute__((target("avx2")))
void mac_block_avx2(
    const int16_t *const *pixels, const int64_t *offset, int64_t runs, int64_t pairs,
    const int16_t *panel, int32_t (*out)[PANEL_CHANNELS])
{
    __m256i low[BLOCK_PIXELS], high[BLOCK_PIXELS];
    for (int p = 0; p < BLOCK_PIXELS; p++)
        low[p] = high[p] = _mm256_setzero_si256();
    for (int64_t r = 0; r < runs; r++) {
        const int16_t *values[BLOCK_PIXELS];
        for (int p = 0; p < BLOCK_PIXELS; p++)
            values[p] = pixels[p] + offset[r];
        for (int64_t j = 0; j < pairs; j++, panel += 2 * PANEL_CHANNELS) {
            const __m256i weights_low = _mm256_loadu_si256((const __m256i *)panel);
            const __m256i weights_high = _mm256_loadu_si256((const __m256i *)(panel + 16));
            for (int p = 0; p < BLOCK_PIXELS; p++) {
                const __m256i pair = broadcast_pair(values[p] + 2 * j);
                low[p] = _mm256_add_epi32(low[p], _mm256_madd_epi16(pair, weights_low));
                high[p] = _mm256_add_epi32(high[p], _mm256_madd_epi16(pair, weights_high));
            }
        }
    }
    for (int p = 0; p < BLOCK_PIXELS; p++) {
        _mm256_storeu_si256((__m256i *)out[p], low[p]);
        _mm256_storeu_si256((__m256i *)(out[p] + 8), high[p]);
    }
}
#endif
