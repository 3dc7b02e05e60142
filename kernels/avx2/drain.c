/* AVX2: the drain of a panel, 16 channels at once; the same bits as generic/requantize.c. */
#include "blocks.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#include <string.h>

#include "npusim_kernels.h"

#define AVX2 __attribute__((target("avx2"), always_inline)) static inline

AVX2 __m256i load(const int32_t *place) { return _mm256_loadu_si256((const __m256i *)place); }

/* Stores the low bytes of the first `used` of 16 values. */
AVX2 void put(__m256i low, __m256i high, int32_t zero_point, int64_t used, uint8_t *out)
{
    const __m256i zero = _mm256_set1_epi32(zero_point), byte = _mm256_set1_epi32(0xFF);
    low = _mm256_and_si256(_mm256_add_epi32(low, zero), byte);
    high = _mm256_and_si256(_mm256_add_epi32(high, zero), byte);
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packus_epi32(low, high), 0xD8);
    const __m128i bytes =
        _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    if (used == PANEL_CHANNELS) {
        _mm_storeu_si128((__m128i *)out, bytes);
    } else {
        uint8_t all[PANEL_CHANNELS];
        _mm_storeu_si128((__m128i *)all, bytes);
        memcpy(out, all, (size_t)used);
    }
}

AVX2 __m256i float32_rint(__m256i total, __m256 scale, __m256 low, __m256 high)
{
    const __m256 value = _mm256_mul_ps(_mm256_cvtepi32_ps(total), scale);
    const __m256 bounded = _mm256_min_ps(_mm256_max_ps(value, low), high);
    return _mm256_cvtps_epi32(
        _mm256_round_ps(bounded, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

__attribute__((target("avx2")))
static void drain_float32_rint(
    const drain *to, int64_t first, int64_t used, int32_t (*sums)[PANEL_CHANNELS], int64_t pixels,
    uint8_t *const *out, int64_t offset)
{
    const __m256i bias_0 = load(to->bias + first), bias_1 = load(to->bias + first + 8);
    const __m256 scale_0 = _mm256_loadu_ps(to->scale + first);
    const __m256 scale_1 = _mm256_loadu_ps(to->scale + first + 8);
    const __m256 low = _mm256_set1_ps((float)(to->low - to->zero_point));
    const __m256 high = _mm256_set1_ps((float)(to->high - to->zero_point));
    for (int64_t p = 0; p < pixels; p++) {
        const __m256i total_0 = _mm256_add_epi32(load(sums[p]), bias_0);
        const __m256i total_1 = _mm256_add_epi32(load(sums[p] + 8), bias_1);
        put(float32_rint(total_0, scale_0, low, high), float32_rint(total_1, scale_1, low, high),
            to->zero_point, used, out[p] + offset);
    }
}

/* floor(a * b / 2^31 + 1/2) of eight lanes for b >= 0. */
AVX2 __m256i doubling_high_mul(__m256i a, __m256i b)
{
    const __m256i half = _mm256_set1_epi64x(INT64_C(1) << 30);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(a, b), half);
    const __m256i odd = _mm256_add_epi64(
        _mm256_mul_epi32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32)), half);
    return _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xAA);
}

AVX2 __m256i double_rounding(__m256i total, __m256i factor, __m256i shift)
{
    const __m256i one = _mm256_set1_epi32(1);
    const __m256i left = _mm256_max_epi32(shift, _mm256_setzero_si256());
    const __m256i right = _mm256_sub_epi32(left, shift);
    const __m256i mask = _mm256_sub_epi32(_mm256_sllv_epi32(one, right), one);
    const __m256i product = doubling_high_mul(_mm256_sllv_epi32(total, left), factor);
    const __m256i half =
        _mm256_add_epi32(_mm256_srli_epi32(mask, 1), _mm256_srli_epi32(product, 31));
    const __m256i up = _mm256_cmpgt_epi32(_mm256_and_si256(product, mask), half);
    return _mm256_sub_epi32(_mm256_srav_epi32(product, right), up);
}

AVX2 __m256i clamp(__m256i value, __m256i low, __m256i high)
{
    return _mm256_min_epi32(_mm256_max_epi32(value, low), high);
}

__attribute__((target("avx2")))
static void drain_double_rounding(
    const drain *to, int64_t first, int64_t used, int32_t (*sums)[PANEL_CHANNELS], int64_t pixels,
    uint8_t *const *out, int64_t offset)
{
    const __m256i bias_0 = load(to->bias + first), bias_1 = load(to->bias + first + 8);
    const __m256i factor_0 = load(to->multiplier + first);
    const __m256i factor_1 = load(to->multiplier + first + 8);
    const __m256i shift_0 = load(to->shift + first), shift_1 = load(to->shift + first + 8);
    const __m256i low = _mm256_set1_epi32(to->low - to->zero_point);
    const __m256i high = _mm256_set1_epi32(to->high - to->zero_point);
    for (int64_t p = 0; p < pixels; p++) {
        const __m256i total_0 = _mm256_add_epi32(load(sums[p]), bias_0);
        const __m256i total_1 = _mm256_add_epi32(load(sums[p] + 8), bias_1);
        put(clamp(double_rounding(total_0, factor_0, shift_0), low, high),
            clamp(double_rounding(total_1, factor_1, shift_1), low, high),
            to->zero_point, used, out[p] + offset);
    }
}

void drain_block_avx2(
    const drain *to, int64_t first, int64_t used, int32_t (*sums)[PANEL_CHANNELS], int64_t pixels,
    uint8_t *const *out, int64_t offset)
{
    if (to->arithmetic == NPUSIM_FLOAT32_RINT)
        drain_float32_rint(to, first, used, sums, pixels, out, offset);
    else if (to->arithmetic == NPUSIM_DOUBLE_ROUNDING)
        drain_double_rounding(to, first, used, sums, pixels, out, offset);
    else
        drain_block_generic(to, first, used, sums, pixels, out, offset);
}
#endif
