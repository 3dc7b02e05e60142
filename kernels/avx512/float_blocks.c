/*
 * AVX-512: instructions round down and up as asked, so that the exact sum lies between two results;
 * where they differ, the odd one of them is the sum rounded to odd.
 */
#include "floats.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define TARGET target("avx512f,fma")
#define AVX512 __attribute__((TARGET, always_inline)) static inline

typedef struct {
    __m512 greatest, least_normal;
} bounds;

/* a * b + c, rounded to odd. Sums that are exactly zero get their sign from rounding up. */
AVX512 __m512 odd_product_sum(__m512 a, __m512 b, __m512 c)
{
    const __m512 down = _mm512_fmadd_round_ps(a, b, c, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    const __m512 up = _mm512_fmadd_round_ps(a, b, c, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
    const __mmask16 inexact = _mm512_cmp_ps_mask(down, up, _CMP_NEQ_OQ);
    const __mmask16 even = _mm512_mask_testn_epi32_mask(
        inexact, _mm512_castps_si512(up), _mm512_set1_epi32(1));
    return _mm512_mask_mov_ps(up, even, down);
}

AVX512 __m512 to_fp16(__m512 value)
{
    return _mm512_cvtph_ps(_mm512_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

/* The upper half of the bits, rounded to even. NaNs have no payload that could carry. */
AVX512 __m512 to_bf16(__m512 value)
{
    const __m512i bits = _mm512_castps_si512(value);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    return _mm512_castsi512_ps(_mm512_and_si512(up, _mm512_set1_epi32((int)0xffff0000)));
}

/* Rounded to the format; `strict` also saturates and flushes, as far as the bounds do. */
AVX512 __m512 stored(const int kind, const int strict, __m512 value, const bounds *to)
{
    if (strict) { /* a NaN is the second operand, and stays */
        value = _mm512_min_ps(to->greatest, value);
        value = _mm512_max_ps(_mm512_sub_ps(_mm512_setzero_ps(), to->greatest), value);
    }
    if (kind == FUSED_FP16 || kind == ODD_FP16 || kind == TWICE_FP16)
        value = to_fp16(value);
    if (kind == FUSED_BF16 || kind == ODD_BF16 || kind == TWICE_BF16)
        value = to_bf16(value);
    if (strict) {
        const __m512i sign = _mm512_and_si512(
            _mm512_castps_si512(value), _mm512_set1_epi32(INT32_MIN));
        const __mmask16 tiny = _mm512_cmp_ps_mask(
            _mm512_abs_ps(value), to->least_normal, _CMP_LT_OQ);
        value = _mm512_mask_mov_ps(value, tiny, _mm512_castsi512_ps(sign));
    }
    return value;
}

AVX512 __m512 add_product(
    const int kind, const int strict, __m512 x, __m512 w, __m512 sum, const bounds *to)
{
    if (kind == TWICE_FP32 || kind == TWICE_FP16 || kind == TWICE_BF16)
        sum = _mm512_add_ps(sum, stored(kind, strict, _mm512_mul_ps(x, w), to));
    else if (kind == ODD_FP16 || kind == ODD_BF16)
        sum = odd_product_sum(x, w, sum);
    else
        sum = _mm512_fmadd_ps(x, w, sum);
    return stored(kind, strict, sum, to);
}

/* a + b, both numbers of the format. */
AVX512 __m512 add(const int kind, const int strict, __m512 a, __m512 b, const bounds *to)
{
    return stored(kind, strict, _mm512_add_ps(a, b), to);
}

/* The sum of two products that are float32. */
AVX512 __m512 add_products(
    const int kind, const int strict, __m512 x, __m512 w, __m512 next_x, __m512 next_w,
    const bounds *to)
{
    __m512 product = _mm512_mul_ps(next_x, next_w);
    if (kind == TWICE_FP32 || kind == TWICE_FP16 || kind == TWICE_BF16)
        product = stored(kind, strict, product, to);
    return add_product(kind, strict, x, w, product, to);
}

#define VECTOR __m512
#define INLINE AVX512
#define VECTORS 1
#define TOGETHER 12
#define LOAD _mm512_loadu_ps
#define STORE _mm512_storeu_ps
#define BROADCAST(place) _mm512_set1_ps(*(place))
#include "float_steps.h"

__attribute__((TARGET))
void float_block_avx512(
    const float_sums *how, int kind, const float_operands *from, float (*sums)[FLOAT_LANES])
{
    const bounds to = {
        _mm512_set1_ps(how->saturates ? (float)how->greatest : __builtin_inff()),
        _mm512_set1_ps(how->flushes ? (float)how->least_normal : 0.0f),
    };
    run_steps(kind, how->saturates || how->flushes, how->tree, from, &to, sums);
}

__attribute__((TARGET))
float float_registers_avx512(int kind, int64_t rounds)
{
    return run_registers_of(kind, rounds);
}
#endif
