/*
 * Softmax over rows of 8-bit values. The exponential of each difference to the row's maximum comes
 * as a table; npusim/kernels/reference/softmax_*.py define both arithmetics.
 */
#include <math.h>

#include "npusim_kernels.h"

static inline int32_t value_at(const uint8_t *x, int64_t stride, int is_signed, int64_t i)
{
    return is_signed ? (int8_t)x[i * stride] : x[i * stride];
}

static int32_t largest_value(const uint8_t *x, int64_t stride, int is_signed, int64_t count)
{
    int32_t largest = value_at(x, stride, is_signed, 0);
    for (int64_t i = 1; i < count; i++) {
        const int32_t value = value_at(x, stride, is_signed, i);
        largest = value > largest ? value : largest;
    }
    return largest;
}

/* Sum of the exponentials in order; `at` is the table, shifted so that a value is its index. */
static float sum_of(
    const uint8_t *x, int64_t stride, int is_signed, int64_t count, const float *at)
{
    float total = 0.0f;
    for (int64_t i = 0; i < count; i++)
        total += at[value_at(x, stride, is_signed, i)];
    return total;
}

static inline uint8_t clamp_byte(int64_t value, int32_t low, int32_t high)
{
    return (uint8_t)(value < low ? low : value > high ? high : value);
}

void npusim_softmax_table(
    const uint8_t *x, const int64_t *shape, const int64_t *strides, int x_signed,
    const float *table, float y_scale, int half_up, int32_t y_zero, int32_t low, int32_t high,
    uint8_t *out, const int64_t *out_strides)
{
    for (int64_t r = 0; r < shape[0]; r++, x += strides[0], out += out_strides[0]) {
        const float *at = table + 255 - largest_value(x, strides[1], x_signed, shape[1]);
        const float total = sum_of(x, strides[1], x_signed, shape[1], at);
        const float factor = 1.0f / (total * y_scale);
        for (int64_t i = 0; i < shape[1]; i++) {
            const float share = at[value_at(x, strides[1], x_signed, i)] * factor;
            const float rounded = half_up ? floorf(share + 0.5f) : rintf(share);
            out[i * out_strides[1]] = clamp_byte((int64_t)rounded + y_zero, low, high);
        }
    }
}

void npusim_softmax_onnx(
    const uint8_t *x, const int64_t *shape, const int64_t *strides, int x_signed,
    const float *table, float factor, int32_t y_zero, int32_t low, int32_t high,
    uint8_t *out, const int64_t *out_strides)
{
    for (int64_t r = 0; r < shape[0]; r++, x += strides[0], out += out_strides[0]) {
        const float *at = table + 255 - largest_value(x, strides[1], x_signed, shape[1]);
        const float total = sum_of(x, strides[1], x_signed, shape[1], at);
        for (int64_t i = 0; i < shape[1]; i++) {
            const float share = at[value_at(x, strides[1], x_signed, i)] * factor / total;
            out[i * out_strides[1]] = clamp_byte((int64_t)rintf(share) + y_zero, low, high);
        }
    }
}

/* floor(a * b / 2^31 + 1/2) of values near the int32 range, never both the lowest. */
static inline int64_t doubling_high_mul(int64_t a, int64_t b)
{
    return (a * b + (INT64_C(1) << 30)) >> 31;
}

/* value / 2^exponent, ties away from zero. */
static inline int64_t rounding_shift(int64_t value, int64_t exponent)
{
    const int64_t mask = (INT64_C(1) << exponent) - 1;
    return (value >> exponent) + ((value & mask) > (mask >> 1) + (value < 0));
}

static inline int64_t saturate(int64_t value)
{
    return value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : value;
}

/* 1 / (1 + a) in Q0.31 for a (Q0.31) in [0, 1), by three Newton steps in Q2.29. */
static int64_t one_over_one_plus(int64_t a, int64_t start, int64_t slope)
{
    const int64_t half_denominator = (a + INT32_MAX + 1) >> 1;
    int64_t x = start + doubling_high_mul(half_denominator, slope);
    for (int step = 0; step < 3; step++) {
        const int64_t error = (INT64_C(1) << 29) - doubling_high_mul(half_denominator, x);
        x += saturate(doubling_high_mul(x, error) * 4);
    }
    return saturate(x * 2);
}

void npusim_softmax_fixed_point(
    const uint8_t *x, const int64_t *shape, const int64_t *strides, int x_signed,
    const int32_t *table, int32_t lowest_difference, int32_t sum_integer_bits,
    int64_t newton_start, int64_t newton_slope, int32_t low, int32_t high,
    uint8_t *out, const int64_t *out_strides)
{
    enum { UNIT_BITS = 8 };
    for (int64_t r = 0; r < shape[0]; r++, x += strides[0], out += out_strides[0]) {
        const int32_t largest = largest_value(x, strides[1], x_signed, shape[1]);
        int64_t total = 0;
        for (int64_t i = 0; i < shape[1]; i++)
            total += rounding_shift(
                table[255 + value_at(x, strides[1], x_signed, i) - largest], sum_integer_bits);
        int64_t headroom = 31;
        while (total >> (32 - headroom))
            headroom--;
        const int64_t fraction = total * (INT64_C(1) << headroom) - (INT64_C(1) << 31);
        const int64_t reciprocal = one_over_one_plus(fraction, newton_start, newton_slope);
        const int64_t exponent = sum_integer_bits - headroom + 31 - UNIT_BITS;
        for (int64_t i = 0; i < shape[1]; i++) {
            const int32_t difference = value_at(x, strides[1], x_signed, i) - largest;
            const int64_t product = doubling_high_mul(table[255 + difference], reciprocal);
            const int64_t share = rounding_shift(product, exponent) + low;
            out[i * out_strides[1]] =
                difference < lowest_difference ? (uint8_t)low : clamp_byte(share, low, high);
        }
    }
}
