/* AVX-512: the drain of a panel, 16 channels at once; the same bits as generic/requantize.c. */
#include "blocks.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#include "npusim_kernels.h"

#define TARGET target("avx512f,avx512bw,avx512vl,avx512vnni")
#define AVX512 __attribute__((TARGET, always_inline)) static inline

/* Stores the lanes of `used`. Narrowed in a register: a masked narrowing store is slow. */
AVX512 void put(__m512i value, int32_t zero_point, __mmask16 used, uint8_t *out)
{
    const __m512i stored = _mm512_add_epi32(value, _mm512_set1_epi32(zero_point));
    const __m128i bytes = _mm512_cvtepi32_epi8(stored);
    if (used == 0xFFFF)
        _mm_storeu_si128((__m128i *)out, bytes);
    else
        _mm_mask_storeu_epi8(out, used, bytes);
}

__attribute__((TARGET))
static void drain_float32_rint(
    const drain *to, int64_t first, __mmask16 used, int32_t (*sums)[PANEL_CHANNELS], int64_t pixels,
    uint8_t *const *out, int64_t offset)
{
    const __m512i bias = _mm512_loadu_si512(to->bias + first);
    const __m512 scale = _mm512_loadu_ps(to->scale + first);
    const __m512 low = _mm512_set1_ps((float)(to->low - to->zero_point));
    const __m512 high = _mm512_set1_ps((float)(to->high - to->zero_point));
    for (int64_t p = 0; p < pixels; p++) {
        const __m512i total = _mm512_add_epi32(_mm512_loadu_si512(sums[p]), bias);
        const __m512 value = _mm512_mul_ps(_mm512_cvtepi32_ps(total), scale);
        const __m512 bounded = _mm512_min_ps(_mm512_max_ps(value, low), high);
        const __m512i rounded = _mm512_cvt_roundps_epi32(
            bounded, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        put(rounded, to->zero_point, used, out[p] + offset);
    }
}

/* floor(a * b / 2^31 + 1/2) of 16 lanes for b >= 0. */
AVX512 __m512i doubling_high_mul(__m512i a, __m512i b)
{
    const __m512i half = _mm512_set1_epi64(INT64_C(1) << 30);
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(a, b), half);
    const __m512i odd = _mm512_add_epi64(
        _mm512_mul_epi32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32)), half);
    return _mm512_mask_blend_epi32(
        0xAAAA, _mm512_srli_epi64(even, 31), _mm512_slli_epi64(odd, 1));
}

__attribute__((TARGET))
static void drain_double_rounding(
    const drain *to, int64_t first, __mmask16 used, int32_t (*sums)[PANEL_CHANNELS], int64_t pixels,
    uint8_t *const *out, int64_t offset)
{
    const __m512i zero = _mm512_setzero_si512(), one = _mm512_set1_epi32(1);
    const __m512i bias = _mm512_loadu_si512(to->bias + first);
    const __m512i factor = _mm512_loadu_si512(to->multiplier + first);
    const __m512i shift = _mm512_loadu_si512(to->shift + first);
    const __m512i left = _mm512_max_epi32(shift, zero), right = _mm512_sub_epi32(left, shift);
    const __m512i mask = _mm512_sub_epi32(_mm512_sllv_epi32(one, right), one);
    const __m512i half = _mm512_srli_epi32(mask, 1);
    const __m512i low = _mm512_set1_epi32(to->low - to->zero_point);
    const __m512i high = _mm512_set1_epi32(to->high - to->zero_point);
    for (int64_t p = 0; p < pixels; p++) {
        const __m512i total = _mm512_add_epi32(_mm512_loadu_si512(sums[p]), bias);
        const __m512i product = doubling_high_mul(_mm512_sllv_epi32(total, left), factor);
        const __m512i below = _mm512_srli_epi32(product, 31);
        const __mmask16 up = _mm512_cmpgt_epi32_mask(
            _mm512_and_si512(product, mask), _mm512_add_epi32(half, below));
        const __m512i floor = _mm512_srav_epi32(product, right);
        const __m512i value = _mm512_mask_add_epi32(floor, up, floor, one);
        put(_mm512_min_epi32(_mm512_max_epi32(value, low), high), to->zero_point, used,
            out[p] + offset);
    }
}

void drain_block_avx512(
    const drain *to, int64_t first, int64_t used, int32_t (*sums)[PANEL_CHANNELS], int64_t pixels,
    uint8_t *const *out, int64_t offset)
{
    const __mmask16 mask = (__mmask16)((UINT32_C(1) << used) - 1);
    if (to->arithmetic == NPUSIM_FLOAT32_RINT)
        drain_float32_rint(to, first, mask, sums, pixels, out, offset);
    else if (to->arithmetic == NPUSIM_DOUBLE_ROUNDING)
        drain_double_rounding(to, first, mask, sums, pixels, out, offset);
    else
        drain_block_generic(to, first, used, sums, pixels, out, offset);
}
#endif
