/*
 * Sum of two quantized tensors by two fused multiply-adds, as ONNX Runtime computes it: with the
 * instruction for it, eight or sixteen elements at once. Without it a table of all cases is as fast
 * (see npusim/kernels/tables.py).
 */
#include <string.h>

#include "npusim_kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)

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

__attribute__((target("avx2,fma")))
static void add_row_avx2(
    const fused_sum *by, const uint8_t *a, const uint8_t *b, int64_t count, uint8_t *out)
{
    add_row(by, a, b, count, out);
}

__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,prefer-vector-width=512")))
static void add_row_avx512(
    const fused_sum *by, const uint8_t *a, const uint8_t *b, int64_t count, uint8_t *out)
{
    add_row(by, a, b, count, out);
}

static int has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
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
    if (has_avx512())
        add_row_avx512(&by, a, b, count, out);
    else
        add_row_avx2(&by, a, b, count, out);
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
