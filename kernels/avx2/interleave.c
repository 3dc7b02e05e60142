/* AVX2: input rows of a depthwise layer brought into units of two int16, a panel at once. */
#include "blocks.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

__attribute__((target("avx2"), always_inline))
static inline __m128i load(const uint8_t *place) { return _mm_loadu_si128((const __m128i *)place); }

__attribute__((target("avx2")))
void interleave_pairs_avx2(
    const uint8_t *const *rows, const int64_t *steps, int64_t cols, uint8_t flip, int32_t zero,
    int64_t used, int64_t apart, uint8_t *units)
{
    const __m128i flips = _mm_set1_epi8((char)flip);
    const __m256i zeros = _mm256_set1_epi16((int16_t)zero);
    const uint8_t *even = rows[0], *odd = rows[1];
    const int64_t step_even = steps[0], step_odd = steps[1];
    const int64_t whole = used / PANEL_CHANNELS * PANEL_CHANNELS;
    for (int64_t col = 0; col < cols; col++) {
        uint8_t *place = units + col * PANEL_BYTES;
        for (int64_t i = 0; i < whole; i += PANEL_CHANNELS, place += apart) {
            const __m128i a = _mm_xor_si128(load(even + i), flips);
            const __m128i b = _mm_xor_si128(load(odd + i), flips);
            const __m256i low = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(a, b));
            const __m256i high = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(a, b));
            _mm256_storeu_si256((__m256i *)place, _mm256_sub_epi16(low, zeros));
            _mm256_storeu_si256((__m256i *)place + 1, _mm256_sub_epi16(high, zeros));
        }
        even += step_even;
        odd += step_odd;
    }
    if (whole < used) {
        const uint8_t *const rest[PAIR] = {rows[0] + whole, rows[1] + whole};
        interleave_pairs_generic(rest, steps, cols, flip, zero, used - whole, apart,
                                 units + whole / PANEL_CHANNELS * apart);
    }
}
#endif
