/* AVX2: the drain of a panel, 16 channels at once; the same bits as generic/requantize.c. */
#include "blocks.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#include <string.h>

#include "npusim_kernels.h"

#define AVX2 __attribute__((target("avx2"), always_inline)) static inline

AVX2 __m256i load(const int32_t *place) { return _mm256_loadu_si256((const __m256i *)place); }

/* The range of the outputs as signed bytes: unsigned ones are lowered by 128 until stored. */
typedef struct {
    __m256i zero_point, low, high, flip;
} byte_range;

AVX2 byte_range range_of(const drain *to)
{
    const int lowered = to->high > INT8_MAX ? 128 : 0;
    return (byte_range){
        _mm256_set1_epi16((int16_t)(to->zero_point - lowered)),
        _mm256_set1_epi8((char)(to->low - lowered)), _mm256_set1_epi8((char)(to->high - lowered)),
        _mm256_set1_epi8((char)lowered)};
}

AVX2 void put_pixel(__m128i bytes, int64_t used, uint8_t *out)
{
    if (used == PANEL_CHANNELS) {
        _mm_storeu_si128((__m128i *)out, bytes);
    } else if (used == PANEL_CHANNELS / 2) {
        _mm_storel_epi64((__m128i *)out, bytes);
    } else {
        uint8_t all[PANEL_CHANNELS];
        _mm_storeu_si128((__m128i *)all, bytes);
        memcpy(out, all, (size_t)used);
    }
}

/*
 * Stores the first `used` of 16 values of two pixels, as two halves each. That narrowing saturates
 * does not matter: the bounds are near the zero point.
 */
AVX2 void put_two(
    const __m256i *first, const __m256i *second, const byte_range *range, int64_t used,
    uint8_t *out_first, uint8_t *out_second)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const __m256i words_0 =
        _mm256_adds_epi16(_mm256_packs_epi32(first[0], first[1]), range->zero_point);
    const __m256i words_1 =
        _mm256_adds_epi16(_mm256_packs_epi32(second[0], second[1]), range->zero_point);
    __m256i bytes = _mm256_packs_epi16(words_0, words_1);
    bytes = _mm256_min_epi8(_mm256_max_epi8(bytes, range->low), range->high);
    bytes = _mm256_permutevar8x32_epi32(_mm256_xor_si256(bytes, range->flip), order);
    put_pixel(_mm256_castsi256_si128(bytes), used, out_first);
    put_pixel(_mm256_extracti128_si256(bytes, 1), used, out_second);
}

/*
 * The nearest integers. Those below int32 become its least value, as the conversion gives it; too
 * large ones would as well, so they are bounded before.
 */
AVX2 __m256i float32_rint(__m256i total, __m256 scale, __m256 high)
{
    const __m256 value = _mm256_mul_ps(_mm256_cvtepi32_ps(total), scale);
    return _mm256_cvtps_epi32(_mm256_min_ps(value, high));
}

__attribute__((target("avx2")))
static void drain_float32_rint(
    const drain *to, int64_t first, int64_t used, int32_t (*sums)[PANEL_CHANNELS], int64_t pixels,
    uint8_t *const *out, int64_t offset)
{
    const byte_range range = range_of(to);
    const __m256 high = _mm256_set1_ps((float)(to->high - to->zero_point));
    __m256i bias[2], values[2][2];
    __m256 scale[2];
    for (int half = 0; half < 2; half++) {
        bias[half] = load(to->bias + first + 8 * half);
        scale[half] = _mm256_loadu_ps(to->scale + first + 8 * half);
    }
    for (int64_t p = 0; p < pixels; p += 2) {
        const int64_t pair[2] = {p, p + 1 < pixels ? p + 1 : p};
        for (int i = 0; i < 2; i++)
            for (int half = 0; half < 2; half++)
                values[i][half] = float32_rint(
                    _mm256_add_epi32(load(sums[pair[i]] + 8 * half), bias[half]), scale[half],
                    high);
        put_two(values[0], values[1], &range, used, out[pair[0]] + offset, out[pair[1]] + offset);
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

__attribute__((target("avx2")))
static void drain_double_rounding(
    const drain *to, int64_t first, int64_t used, int32_t (*sums)[PANEL_CHANNELS], int64_t pixels,
    uint8_t *const *out, int64_t offset)
{
    const byte_range range = range_of(to);
    __m256i bias[2], factor[2], shift[2], values[2][2];
    for (int half = 0; half < 2; half++) {
        bias[half] = load(to->bias + first + 8 * half);
        factor[half] = load(to->multiplier + first + 8 * half);
        shift[half] = load(to->shift + first + 8 * half);
    }
    for (int64_t p = 0; p < pixels; p += 2) {
        const int64_t pair[2] = {p, p + 1 < pixels ? p + 1 : p};
        for (int i = 0; i < 2; i++)
            for (int half = 0; half < 2; half++)
                values[i][half] = double_rounding(
                    _mm256_add_epi32(load(sums[pair[i]] + 8 * half), bias[half]), factor[half],
                    shift[half]);
        put_two(values[0], values[1], &range, used, out[pair[0]] + offset, out[pair[1]] + offset);
    }
}

/* The bounds are values of a byte; others are wrapped, which narrowing here does not do. */
static int within_bytes(const drain *to)
{
    const int fits = to->low >= 0 ? to->high <= UINT8_MAX
                                  : to->low >= INT8_MIN && to->high <= INT8_MAX;
    return fits && to->zero_point >= INT8_MIN && to->zero_point <= UINT8_MAX;
}

void drain_block_avx2(
    const drain *to, int64_t first, int64_t used, int32_t (*sums)[PANEL_CHANNELS], int64_t pixels,
    uint8_t *const *out, int64_t offset)
{
    if (!within_bytes(to))
        drain_block_generic(to, first, used, sums, pixels, out, offset);
    else if (to->arithmetic == NPUSIM_FLOAT32_RINT)
        drain_float32_rint(to, first, used, sums, pixels, out, offset);
    else if (to->arithmetic == NPUSIM_DOUBLE_ROUNDING)
        drain_double_rounding(to, first, used, sums, pixels, out, offset);
    else
        drain_block_generic(to, first, used, sums, pixels, out, offset);
}
#endif
