/* Windows over an image, and sums over an axis. Taps outside the image take no part. */
#include <math.h>

#include "npusim_kernels.h"
#include "processors.h"

/* Half-open range of the taps of one output position that lie in 0..extent. */
typedef struct {
    int64_t first, last;
} tap_range;

static tap_range taps_inside(int64_t origin, int64_t taps, int64_t dilation, int64_t extent)
{
    tap_range range = {origin < 0 ? (-origin + dilation - 1) / dilation : 0, taps};
    const int64_t reach = extent > origin ? (extent - origin + dilation - 1) / dilation : 0;
    if (range.last > reach)
        range.last = reach;
    if (range.first > range.last)
        range.first = range.last;
    return range;
}

ON_EACH_PROCESSOR
static void add_row(
    const uint8_t *restrict x, int64_t stride, int is_signed, int64_t count, int64_t *restrict sums)
{
    const int8_t *restrict x_signed = (const int8_t *)x;
    if (stride != 1)
        for (int64_t k = 0; k < count; k++)
            sums[k] += is_signed ? x_signed[k * stride] : x[k * stride];
    else if (is_signed)
        for (int64_t k = 0; k < count; k++)
            sums[k] += x_signed[k];
    else
        for (int64_t k = 0; k < count; k++)
            sums[k] += x[k];
}

/* largest[k] = max(largest[k], x[k * stride]), in int16 so that both signs fit. */
ON_EACH_PROCESSOR
static void max_row(
    const uint8_t *restrict x, int64_t stride, int is_signed, int64_t count,
    int16_t *restrict largest)
{
    const int16_t flip = is_signed ? 128 : 0;
    for (int64_t k = 0; k < count; k++) {
        const int16_t value = (int16_t)((uint8_t)(x[k * stride] + flip) - flip);
        largest[k] = value > largest[k] ? value : largest[k];
    }
}

/* Begins a loop over the output pixels of `tile`, with their taps inside the image. */
#define FOR_EACH_PIXEL                                                                             \
    for (int64_t b = tile[0]; b < tile[1]; b++)                                                    \
        for (int64_t y = tile[8]; y < tile[9]; y++)                                                \
            for (int64_t col = tile[10]; col < tile[11]; col++)

#define TAPS_OF_PIXEL                                                                              \
    const int64_t top = y * geometry[2] - geometry[6], left = col * geometry[3] - geometry[7];     \
    const tap_range rows = taps_inside(top, geometry[0], geometry[4], x_shape[1]);                 \
    const tap_range cols = taps_inside(left, geometry[1], geometry[5], x_shape[2]);

#define FOR_EACH_TAP                                                                               \
    for (int64_t fy = rows.first; fy < rows.last; fy++)                                            \
        for (int64_t fx = cols.first; fx < cols.last; fx++)

#define TAP                                                                                        \
    (x + b * x_strides[0] + (top + fy * geometry[4]) * x_strides[1] +                              \
     (left + fx * geometry[5]) * x_strides[2] + tile[4] * x_strides[3])

void npusim_window_sum(
    const uint8_t *x, const int64_t *x_shape, const int64_t *x_strides, int x_signed,
    const int64_t *tile, const int64_t *geometry, int64_t *sums)
{
    const int64_t channels = tile[5] - tile[4];
    FOR_EACH_PIXEL {
        TAPS_OF_PIXEL
        for (int64_t k = 0; k < channels; k++)
            sums[k] = 0;
        FOR_EACH_TAP
            add_row(TAP, x_strides[3], x_signed, channels, sums);
        sums += channels;
    }
}

enum { PIECE = 256 };

void npusim_window_max(
    const uint8_t *x, const int64_t *x_shape, const int64_t *x_strides, int x_signed,
    const int64_t *tile, const int64_t *geometry, int32_t low, int32_t high,
    uint8_t *out, const int64_t *out_strides)
{
    const int64_t channels = tile[5] - tile[4];
    FOR_EACH_PIXEL {
        TAPS_OF_PIXEL
        uint8_t *pixel = out + (b - tile[0]) * out_strides[0] + (y - tile[8]) * out_strides[1] +
            (col - tile[10]) * out_strides[2];
        for (int64_t first = 0; first < channels; first += PIECE) {
            const int64_t left_over = channels - first;
            const int64_t count = left_over < PIECE ? left_over : PIECE;
            int16_t largest[PIECE];
            for (int64_t k = 0; k < count; k++)
                largest[k] = (int16_t)low;
            FOR_EACH_TAP
                max_row(TAP + first * x_strides[3], x_strides[3], x_signed, count, largest);
            for (int64_t k = 0; k < count; k++)
                pixel[(first + k) * out_strides[3]] =
                    (uint8_t)(largest[k] < high ? largest[k] : high);
        }
    }
}

void npusim_average_pool_onnx(
    const uint8_t *x, const int64_t *x_shape, const int64_t *x_strides, int x_signed,
    const int64_t *tile, const int64_t *geometry, const int64_t *divisors, int32_t x_zero,
    float x_scale, float y_scale, int32_t y_zero, int32_t low, int32_t high,
    uint8_t *out, const int64_t *out_strides)
{
    const int64_t channels = tile[5] - tile[4], out_cols = tile[11] - tile[10];
    FOR_EACH_PIXEL {
        TAPS_OF_PIXEL
        uint8_t *pixel = out + (b - tile[0]) * out_strides[0] + (y - tile[8]) * out_strides[1] +
            (col - tile[10]) * out_strides[2];
        const float divisor = (float)divisors[(y - tile[8]) * out_cols + col - tile[10]];
        for (int64_t k = 0; k < channels; k++) {
            float total = 0.0f;
            FOR_EACH_TAP {
                const uint8_t raw = TAP[k * x_strides[3]];
                total += (float)((x_signed ? (int8_t)raw : raw) - x_zero) * x_scale;
            }
            float value = rintf(total / divisor / y_scale + (float)y_zero);
            value = value > (float)low ? value : (float)low;
            pixel[k * out_strides[3]] = (uint8_t)(int32_t)(value < (float)high ? value : (float)high);
        }
    }
}

void npusim_row_sum(
    const uint8_t *x, const int64_t *shape, const int64_t *strides, int x_signed, int64_t *sums)
{
    for (int64_t i = 0; i < shape[0]; i++, sums += shape[1]) {
        const uint8_t *row = x + i * strides[0];
        for (int64_t j = 0; j < shape[1]; j++)
            sums[j] = 0;
        for (int64_t tap = 0; tap < shape[2]; tap++)
            add_row(row + tap * strides[2], strides[1], x_signed, shape[1], sums);
    }
}
