/*
 * AVX2 with FMA and F16C. Rounding to odd takes the error of the sum of a product, which has to be
 * a float32, and the accumulator (TwoSum).
 */
#include "floats.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define TARGET target("avx2,fma,f16c")
#define AVX2 __attribute__((TARGET, always_inline)) static inline

typedef struct {
    __m256 greatest, least_normal;
} bounds;

/* a * b + c, rounded to odd: inexact sums lose what was rounded up, and their last bit is set. */
AVX2 __m256 odd_product_sum(__m256 a, __m256 b, __m256 c)
{
    const __m256 product = _mm256_mul_ps(a, b), total = _mm256_fmadd_ps(a, b, c);
    const __m256 back = _mm256_sub_ps(total, product);
    const __m256 error = _mm256_add_ps(
        _mm256_sub_ps(product, _mm256_sub_ps(total, back)), _mm256_sub_ps(c, back));
    const __m256i inexact = _mm256_castps_si256(
        _mm256_cmp_ps(error, _mm256_setzero_ps(), _CMP_NEQ_OQ));
    const __m256i beyond = _mm256_srai_epi32(
        _mm256_castps_si256(_mm256_xor_ps(error, total)), 31);
    const __m256i bits = _mm256_add_epi32(
        _mm256_castps_si256(total), _mm256_and_si256(inexact, beyond));
    return _mm256_castsi256_ps(_mm256_or_si256(bits, _mm256_srli_epi32(inexact, 31)));
}

AVX2 __m256 to_fp16(__m256 value)
{
    return _mm256_cvtph_ps(_mm256_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

/* The upper half of the bits, rounded to even. NaNs have no payload that could carry. */
AVX2 __m256 to_bf16(__m256 value)
{
    const __m256i bits = _mm256_castps_si256(value);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i up = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    return _mm256_castsi256_ps(_mm256_and_si256(up, _mm256_set1_epi32((int)0xffff0000)));
}

/* Rounded to the format; `strict` also saturates and flushes, as far as the bounds do. */
AVX2 __m256 stored(const int kind, const int strict, __m256 value, const bounds *to)
{
    const __m256 signs = _mm256_set1_ps(-0.0f);
    if (strict) { /* a NaN is the second operand, and stays */
        value = _mm256_min_ps(to->greatest, value);
        value = _mm256_max_ps(_mm256_xor_ps(signs, to->greatest), value);
    }
    if (kind == FUSED_FP16 || kind == ODD_FP16 || kind == TWICE_FP16)
        value = to_fp16(value);
    if (kind == FUSED_BF16 || kind == ODD_BF16 || kind == TWICE_BF16)
        value = to_bf16(value);
    if (strict) {
        const __m256 size = _mm256_andnot_ps(signs, value);
        const __m256 tiny = _mm256_cmp_ps(size, to->least_normal, _CMP_LT_OQ);
        value = _mm256_andnot_ps(_mm256_andnot_ps(signs, tiny), value);
    }
    return value;
}

AVX2 __m256 add_product(
    const int kind, const int strict, __m256 x, __m256 w, __m256 sum, const bounds *to)
{
    if (kind == TWICE_FP32 || kind == TWICE_FP16 || kind == TWICE_BF16)
        sum = _mm256_add_ps(sum, stored(kind, strict, _mm256_mul_ps(x, w), to));
    else if (kind == ODD_FP16 || kind == ODD_BF16)
        sum = odd_product_sum(x, w, sum);
    else
        sum = _mm256_fmadd_ps(x, w, sum);
    return stored(kind, strict, sum, to);
}

/* a + b, both numbers of the format. */
AVX2 __m256 add(const int kind, const int strict, __m256 a, __m256 b, const bounds *to)
{
    return stored(kind, strict, _mm256_add_ps(a, b), to);
}

/* The sum of two products that are float32. */
AVX2 __m256 add_products(
    const int kind, const int strict, __m256 x, __m256 w, __m256 next_x, __m256 next_w,
    const bounds *to)
{
    __m256 product = _mm256_mul_ps(next_x, next_w);
    if (kind == TWICE_FP32 || kind == TWICE_FP16 || kind == TWICE_BF16)
        product = stored(kind, strict, product, to);
    return add_product(kind, strict, x, w, product, to);
}

#define VECTOR __m256
#define INLINE AVX2
#define VECTORS 2
#define TOGETHER 6
#define LOAD _mm256_loadu_ps
#define STORE _mm256_storeu_ps
#define BROADCAST _mm256_broadcast_ss
#include "float_steps.h"

__attribute__((TARGET))
void float_block_avx2(
    const float_sums *how, int kind, const float_operands *from, float (*sums)[FLOAT_LANES])
{
    const bounds to = {
        _mm256_set1_ps(how->saturates ? (float)how->greatest : __builtin_inff()),
        _mm256_set1_ps(how->flushes ? (float)how->least_normal : 0.0f),
    };
    run_steps(kind, how->saturates || how->flushes, how->tree, from, &to, sums);
}

__attribute__((TARGET))
float float_registers_avx2(int kind, int64_t rounds)
{
    return run_registers_of(kind, rounds);
}
#endif
