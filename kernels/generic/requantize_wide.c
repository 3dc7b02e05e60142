/*
 * The drain of int64 sums: bias, requantization, clamp, to outputs of 8 or 16 bits. The arithmetics
 * are defined in npusim/numerics/requantize.py.
 */
#include <math.h>

#include "npusim_kernels.h"
#include "processors.h"
#include "wide_drain.h"

enum { PIECE = 256 };

ON_EACH_PROCESSOR
static void row_float32(
    const wide_drain *by, const int64_t *restrict acc, int64_t count, int32_t *restrict out)
{
    const int64_t *restrict bias = by->bias;
    const float *restrict scale = by->scale;
    const int32_t zero_point = by->zero_point;
    const float low = (float)(by->low - by->zero_point), high = (float)(by->high - by->zero_point);
    for (int64_t k = 0; k < count; k++) {
        float value = (float)(acc[k] + bias[k]) * scale[k];
        value = value > low ? value : low;
        value = value < high ? value : high;
        out[k] = (int32_t)rintf(value) + zero_point;
    }
}

ON_EACH_PROCESSOR
static void row_float64(
    const wide_drain *by, const int64_t *restrict acc, int64_t count, int32_t *restrict out)
{
    const int64_t *restrict bias = by->bias;
    const double *restrict scale = by->real_scale;
    const int32_t zero_point = by->zero_point;
    const double low = by->low - by->zero_point, high = by->high - by->zero_point;
    for (int64_t k = 0; k < count; k++) {
        double value = (double)(acc[k] + bias[k]) * scale[k];
        value = value > low ? value : low;
        value = value < high ? value : high;
        out[k] = (int32_t)(value + copysign(0.5, value)) + zero_point;
    }
}

static void row_reduced(
    const wide_drain *by, const int64_t *restrict acc, int64_t count, int32_t *restrict out)
{
    const int64_t *restrict bias = by->bias;
    const int64_t *restrict factor = by->factor, *restrict right = by->right;
    const int64_t zero_point = by->zero_point, one = 1;
    const int64_t low = by->low - zero_point, high = by->high - zero_point;
    for (int64_t k = 0; k < count; k++) {
        const int64_t product = (acc[k] + bias[k]) * factor[k] + (one << (right[k] - 1));
        int64_t value = (int64_t)((uint64_t)(product >> right[k]) << 32) >> 32;
        value = value > low ? value : low;
        value = value < high ? value : high;
        out[k] = (int32_t)(value + zero_point);
    }
}

static void store(const int32_t *values, int64_t count, int64_t stride, int64_t bytes, uint8_t *out)
{
    if (bytes == 2 && stride == 1)
        for (int64_t k = 0; k < count; k++)
            ((uint16_t *)out)[k] = (uint16_t)values[k];
    else if (bytes == 1)
        for (int64_t k = 0; k < count; k++)
            out[k * stride] = (uint8_t)values[k];
    else
        for (int64_t k = 0; k < count; k++)
            ((uint16_t *)out)[k * stride] = (uint16_t)values[k];
}

static void drain_piece(const wide_drain *by, const int64_t *acc, int64_t count, int32_t *values)
{
    switch (by->arithmetic) {
    case NPUSIM_FLOAT32_RINT:
        row_float32(by, acc, count, values);
        break;
    case NPUSIM_FLOAT64_HALF_AWAY:
        row_float64(by, acc, count, values);
        break;
    default:
        if (has_reduced_avx512())
            row_reduced_avx512(by, acc, count, values);
        else
            row_reduced(by, acc, count, values);
    }
}

void npusim_requantize_wide(
    const int64_t *acc, const int64_t *bias, int arithmetic, const float *scale,
    const double *real_scale, const int64_t *factor, const int64_t *right,
    int32_t zero_point, int32_t low, int32_t high,
    const int64_t *shape, const int64_t *strides, int64_t out_bytes, uint8_t *out)
{
    int32_t values[PIECE];
    const int merged = shape[4] == 1 || strides[3] == shape[4] * strides[4];
    const int64_t groups = merged ? 1 : shape[3], filters = merged ? shape[3] * shape[4] : shape[4];
    const int64_t step = shape[4] == 1 ? strides[3] : strides[4];
    for (int64_t i = 0; i < shape[0] * shape[1] * shape[2]; i++) {
        const int64_t x = i % shape[2], y = i / shape[2] % shape[1], b = i / shape[2] / shape[1];
        for (int64_t g = 0; g < groups; g++)
            for (int64_t k = 0; k < filters; k += PIECE) {
                const int64_t at = g * filters + k, left = filters - k;
                const int64_t count = left < PIECE ? left : PIECE;
                const int64_t place = b * strides[0] + y * strides[1] + x * strides[2] +
                    g * strides[3] + k * step;
                const wide_drain by = {arithmetic, bias + at, scale + at, real_scale + at,
                                       factor + at, right + at, zero_point, low, high};
                drain_piece(&by, acc + i * groups * filters + at, count, values);
                store(values, count, step, out_bytes, out + place * out_bytes);
            }
    }
}
