/*
 * The drain: bias, requantization, clamp; int32 accumulators to 8-bit outputs. The arithmetics are
 * defined in npusim/numerics/requantize.py.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "blocks.h"
#include "npusim_kernels.h"
#include "processors.h"

#if FLT_EVAL_METHOD != 0
#error "float32_rint needs float arithmetic in float precision"
#endif

/* What an output may be, and what is added to it before. */
typedef struct {
    int32_t zero_point, low, high;
} output_range;

static inline int32_t clamp_output(int64_t value, const output_range *range)
{
    const int64_t low = range->low - range->zero_point, high = range->high - range->zero_point;
    return (int32_t)(value < low ? low : value > high ? high : value) + range->zero_point;
}

/*
 * Nearest integer, ties to even, of |value| < 2^22: adding 1.5 * 2^23 leaves no fraction bits, and
 * the sum is rounded as IEEE 754 says.
 */
static inline int32_t round_to_even(float value)
{
    const float shifted = value + 12582912.0f;
    int32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    return bits - 0x4B400000;
}

ON_EACH_PROCESSOR
static void row_float32_rint(
    const int32_t *restrict acc, const int32_t *restrict bias, const float *restrict scale,
    const output_range *range, int64_t count, uint8_t *restrict out)
{
    const float low = (float)(range->low - range->zero_point);
    const float high = (float)(range->high - range->zero_point);
    const int32_t zero_point = range->zero_point;
    for (int64_t k = 0; k < count; k++) {
        float value = (float)(acc[k] + bias[k]) * scale[k];
        value = value > low ? value : low;
        value = value < high ? value : high;
        out[k] = (uint8_t)(round_to_even(value) + zero_point);
    }
}

ON_EACH_PROCESSOR
static void row_float64_half_away(
    const int32_t *restrict acc, const int32_t *restrict bias, const double *restrict scale,
    const output_range *range, int64_t count, uint8_t *restrict out)
{
    const double low = range->low - range->zero_point, high = range->high - range->zero_point;
    for (int64_t k = 0; k < count; k++) {
        double value = (double)(acc[k] + bias[k]) * scale[k];
        value = value > low ? value : low;
        value = value < high ? value : high;
        out[k] = (uint8_t)((int32_t)(value + copysign(0.5, value)) + range->zero_point);
    }
}

/* floor(a * b / 2^31 + 1/2) for b >= 0; it fits in 32 bits, so a shift without sign will do. */
static inline int32_t doubling_high_mul(int32_t a, int32_t b)
{
    const int64_t product = (int64_t)a * b;
    return (int32_t)(uint32_t)((uint64_t)(product + (INT64_C(1) << 30)) >> 31);
}

/* value / 2^exponent, ties away from zero, exponent 0..31. */
static inline int32_t rounding_shift(int32_t value, int32_t exponent)
{
    const int32_t mask = (int32_t)((UINT32_C(1) << exponent) - 1);
    return (value >> exponent) + ((value & mask) > (mask >> 1) + (value < 0));
}

ON_EACH_PROCESSOR
static void row_double_rounding(
    const int32_t *restrict acc, const int32_t *restrict bias, const int32_t *restrict multiplier,
    const int32_t *restrict shift, const output_range *range, int64_t count, uint8_t *restrict out)
{
    const int32_t low = range->low - range->zero_point, high = range->high - range->zero_point;
    for (int64_t k = 0; k < count; k++) {
        const int32_t left = shift[k] > 0 ? shift[k] : 0, right = left - shift[k];
        const int32_t shifted = (int32_t)((uint32_t)(acc[k] + bias[k]) << left);
        const int32_t product = doubling_high_mul(shifted, multiplier[k]);
        int32_t value = rounding_shift(product, right);
        value = value > low ? value : low;
        value = value < high ? value : high;
        out[k] = (uint8_t)(value + range->zero_point);
    }
}

ON_EACH_PROCESSOR
static void row_single_rounding(
    const int32_t *restrict acc, const int32_t *restrict bias, const int32_t *restrict multiplier,
    const int32_t *restrict shift, const output_range *range, int64_t count, uint8_t *restrict out)
{
    for (int64_t k = 0; k < count; k++) {
        const int32_t right = 31 - shift[k];
        const int64_t product = (int64_t)(acc[k] + bias[k]) * multiplier[k];
        const int64_t value = (product + (INT64_C(1) << (right - 1))) >> right;
        out[k] = (uint8_t)clamp_output(value, range);
    }
}

enum { PIECE = 512 };

/* Copies `count` channels of one group to their strided places. */
static void scatter(const uint8_t *values, int64_t count, int64_t stride, uint8_t *out)
{
    for (int64_t k = 0; k < count; k++)
        out[k * stride] = values[k];
}

/*
 * Calls ROW(first channel, count, destination) for pieces of channels of each pixel and group.
 * Pieces go straight to `out` where k is contiguous there, else through a small buffer.
 */
#define FOR_EACH_PIECE(ROW)                                                                        \
    const int merged = strides[4] == 1 && (shape[3] == 1 || strides[3] == shape[4]);               \
    const int64_t groups = merged ? 1 : shape[3];                                                  \
    const int64_t per_group = merged ? shape[3] * shape[4] : shape[4];                             \
    for (int64_t b = 0; b < shape[0]; b++)                                                         \
        for (int64_t y = 0; y < shape[1]; y++)                                                     \
            for (int64_t x = 0; x < shape[2]; x++, acc += groups * per_group)                      \
                for (int64_t g = 0; g < groups; g++)                                               \
                    for (int64_t k = 0; k < per_group; k += PIECE) {                               \
                        uint8_t *const place = out + b * strides[0] + y * strides[1] +             \
                            x * strides[2] + g * strides[3] + k * strides[4];                      \
                        uint8_t piece[PIECE];                                                      \
                        uint8_t *const target = strides[4] == 1 ? place : piece;                   \
                        const int64_t first = g * per_group + k;                                   \
                        const int64_t left = per_group - k;                                        \
                        const int64_t count = left < PIECE ? left : PIECE;                         \
                        ROW;                                                                       \
                        if (target == piece)                                                       \
                            scatter(piece, count, strides[4], place);                              \
                    }

void npusim_requantize_float32_rint(
    const int32_t *acc, const int32_t *bias, const float *scale,
    int32_t zero_point, int32_t low, int32_t high,
    const int64_t *shape, const int64_t *strides, uint8_t *out)
{
    const output_range range = {zero_point, low, high};
    FOR_EACH_PIECE(row_float32_rint(acc + first, bias + first, scale + first, &range, count, target))
}

void npusim_requantize_float64_half_away(
    const int32_t *acc, const int32_t *bias, const double *scale,
    int32_t zero_point, int32_t low, int32_t high,
    const int64_t *shape, const int64_t *strides, uint8_t *out)
{
    const output_range range = {zero_point, low, high};
    FOR_EACH_PIECE(
        row_float64_half_away(acc + first, bias + first, scale + first, &range, count, target))
}

void npusim_requantize_double_rounding(
    const int32_t *acc, const int32_t *bias, const int32_t *multiplier, const int32_t *shift,
    int32_t zero_point, int32_t low, int32_t high,
    const int64_t *shape, const int64_t *strides, uint8_t *out)
{
    const output_range range = {zero_point, low, high};
    FOR_EACH_PIECE(row_double_rounding(
        acc + first, bias + first, multiplier + first, shift + first, &range, count, target))
}

void npusim_requantize_single_rounding(
    const int32_t *acc, const int32_t *bias, const int32_t *multiplier, const int32_t *shift,
    int32_t zero_point, int32_t low, int32_t high,
    const int64_t *shape, const int64_t *strides, uint8_t *out)
{
    const output_range range = {zero_point, low, high};
    FOR_EACH_PIECE(row_single_rounding(
        acc + first, bias + first, multiplier + first, shift + first, &range, count, target))
}

static void drain_pixel(
    const drain *to, int64_t k, int64_t count, const int32_t *sums, const output_range *range,
    uint8_t *out)
{
    const int32_t *bias = to->bias + k;
    switch (to->arithmetic) {
    case NPUSIM_FLOAT32_RINT:
        row_float32_rint(sums, bias, to->scale + k, range, count, out);
        break;
    case NPUSIM_FLOAT64_HALF_AWAY:
        row_float64_half_away(sums, bias, to->real_scale + k, range, count, out);
        break;
    case NPUSIM_DOUBLE_ROUNDING:
        row_double_rounding(sums, bias, to->multiplier + k, to->shift + k, range, count, out);
        break;
    default:
        row_single_rounding(sums, bias, to->multiplier + k, to->shift + k, range, count, out);
    }
}

void drain_block_generic(
    const drain *to, int64_t first, int64_t used, int32_t (*sums)[PANEL_CHANNELS], int64_t pixels,
    uint8_t *const *out, int64_t offset)
{
    const output_range range = {to->zero_point, to->low, to->high};
    for (int64_t p = 0; p < pixels; p++)
        drain_pixel(to, first, used, sums[p], &range, out[p] + offset);
}
