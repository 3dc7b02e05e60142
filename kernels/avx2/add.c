/*
 * Sum of two quantized tensors by two fused multiply-adds, as ONNX Runtime computes it: with the
 * instruction for it, eight elements at once. Without it a table of all cases is as fast
 * (see npusim/kernels/tables.py).
 */
#include <string.h>

#include "npusim_kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

/* What one call shares: stored bytes are flipped to unsigned, then lowered again. */
typedef struct {
    uint8_t a_flip, b_flip;
    int32_t a_low, b_low;
    float a_ratio, b_ratio, constant, low, high;
} fused_sum;

/* Nearest, ties to even, of |value| <= 255: 1.5 * 2^23 leaves no fraction bits. */
__attribute__((always_inline)) static inline uint8_t round_to_byte(float value)
{
    const float shifted = value + 12582912.0f;
    int32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    return (uint8_t)(bits - 0x4B400000);
}

__attribute__((always_inline)) static inline void add_row(
    const fused_sum *by, const uint8_t *restrict a, const uint8_t *restrict b, int64_t count,
    uint8_t *restrict out)
{
    const fused_sum with = *by;
    for (int64_t i = 0; i < count; i++) {
        const float left = (float)((a[i] ^ with.a_flip) - with.a_low);
        const float right = (float)((b[i] ^ with.b_flip) - with.b_low);
        const float inner = __builtin_fmaf(right, with.b_ratio, with.constant);
        float total = __builtin_fmaf(left, with.a_ratio, inner);
        total = total > with.low ? total : with.low;
        total = total < with.high ? total : with.high;
        out[i] = round_to_byte(total);
    }
}

#define AVX2 __attribute__((target("avx2,fma"), always_inline)) static inline

AVX2 __m256 load_eight(const uint8_t *place, int is_signed)
{
    const __m128i bytes = _mm_loadl_epi64((const __m128i *)place);
    return _mm256_cvtepi32_ps(is_signed ? _mm256_cvtepi8_epi32(bytes)
                                        : _mm256_cvtepu8_epi32(bytes));
}

/* Bounded above only: what is below int32, or no number, becomes its least value. */
AVX2 __m256i add_eight(
    const fused_sum *by, const uint8_t *a, int a_signed, const uint8_t *b, int b_signed)
{
    const __m256 inner = _mm256_fmadd_ps(load_eight(b, b_signed), _mm256_set1_ps(by->b_ratio),
                                         _mm256_set1_ps(by->constant));
    const __m256 total =
        _mm256_fmadd_ps(load_eight(a, a_signed), _mm256_set1_ps(by->a_ratio), inner);
    return _mm256_cvtps_epi32(_mm256_min_ps(_mm256_set1_ps(by->high), total));
}

enum { TOGETHER = 32 };

/* Narrowed with saturation as signed bytes; unsigned ones are lowered by 128 meanwhile. */
AVX2 void add_bytes(
    const fused_sum *by, const uint8_t *a, int a_signed, const uint8_t *b, int b_signed,
    int64_t count, uint8_t *out)
{
    const int lowered = by->high > INT8_MAX ? 128 : 0;
    const __m256i offset = _mm256_set1_epi16((int16_t)-lowered);
    const __m256i low = _mm256_set1_epi8((char)((int)by->low - lowered));
    const __m256i flip = _mm256_set1_epi8((char)lowered);
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    int64_t i = 0;
    for (; i + TOGETHER <= count; i += TOGETHER) {
        __m256i sums[4];
        for (int64_t j = 0; j < 4; j++)
            sums[j] = add_eight(by, a + i + 8 * j, a_signed, b + i + 8 * j, b_signed);
        const __m256i first = _mm256_adds_epi16(_mm256_packs_epi32(sums[0], sums[1]), offset);
        const __m256i second = _mm256_adds_epi16(_mm256_packs_epi32(sums[2], sums[3]), offset);
        const __m256i bytes = _mm256_max_epi8(_mm256_packs_epi16(first, second), low);
        _mm256_storeu_si256((__m256i *)(out + i), _mm256_permutevar8x32_epi32(
            _mm256_xor_si256(bytes, flip), order));
    }
    add_row(by, a + i, b + i, count - i, out + i);
}

__attribute__((target("avx2,fma")))
static void add_avx2(
    const fused_sum *by, const uint8_t *a, const uint8_t *b, int64_t count, uint8_t *out)
{
    if (by->a_low && by->b_low)
        add_bytes(by, a, 1, b, 1, count, out);
    else if (by->a_low)
        add_bytes(by, a, 1, b, 0, count, out);
    else if (by->b_low)
        add_bytes(by, a, 0, b, 1, count, out);
    else
        add_bytes(by, a, 0, b, 0, count, out);
}

int npusim_has_fused_add(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

void npusim_add_fused(
    const uint8_t *a, int a_signed, const uint8_t *b, int b_signed, int64_t count, float a_ratio,
    float b_ratio, float constant, int32_t low, int32_t high, uint8_t *out)
{
    const fused_sum by = {
        a_signed ? 0x80 : 0, b_signed ? 0x80 : 0, a_signed ? 128 : 0, b_signed ? 128 : 0,
        a_ratio, b_ratio, constant, (float)low, (float)high,
    };
    add_avx2(&by, a, b, count, out);
}
#else
int npusim_has_fused_add(void) { return 0; }

void npusim_add_fused(
    const uint8_t *a, int a_signed, const uint8_t *b, int b_signed, int64_t count, float a_ratio,
    float b_ratio, float constant, int32_t low, int32_t high, uint8_t *out)
{
    (void)a, (void)a_signed, (void)b, (void)b_signed, (void)count, (void)a_ratio, (void)b_ratio;
    (void)constant, (void)low, (void)high, (void)out;
}
#endif
