/*
 * Depthwise convolution, int32 sums, vector instructions over the channels.
 *
 * One output row at a time: its FY input rows are widened to int16 [fy][col][channel] minus x_zero,
 * zeros outside the image; the weights lie as [tap][channel].
 */
#include <stdlib.h>
#include <string.h>

#include "npusim_kernels.h"
#include "processors.h"
#include "widen.h"

/* One input row of one image as [col][channel]; cols outside the image become zeros. */
typedef struct {
    const uint8_t *source; /* column 0, first channel of the tile; NULL if the row is outside */
    int64_t width, first, cols, channels, col_stride, channel_stride;
    int is_signed;
    int32_t zero;
} row_view;

static void widen_row(const row_view *row, int16_t *destination)
{
    for (int64_t i = 0; i < row->cols; i++, destination += row->channels) {
        const int64_t col = row->first + i;
        if (row->source && col >= 0 && col < row->width)
            widen(row->source + col * row->col_stride, row->channel_stride, row->is_signed,
                  row->zero, row->channels, destination);
        else
            memset(destination, 0, (size_t)row->channels * sizeof *destination);
    }
}

/* sums[c] += values[c] * weights[c]; int16 differences of 8-bit values, so no product overflows. */
ON_EACH_PROCESSOR
static void multiply_add(
    const int16_t *restrict values, const int16_t *restrict weights, int64_t count,
    int32_t *restrict sums)
{
    for (int64_t c = 0; c < count; c++)
        sums[c] += (int32_t)values[c] * weights[c];
}

static void pack_weights(
    const uint8_t *w, const int64_t *shape, const int64_t *strides, int is_signed,
    const int32_t *zeros, int64_t groups, int16_t *packed)
{
    for (int64_t fy = 0; fy < shape[2]; fy++)
        for (int64_t fx = 0; fx < shape[3]; fx++)
            for (int64_t g = 0; g < groups; g++) {
                const uint8_t raw = w[g * strides[0] + fy * strides[2] + fx * strides[3]];
                *packed++ = (int16_t)((is_signed ? (int8_t)raw : raw) - zeros[g]);
            }
}

int npusim_depthwise_accumulate(
    const uint8_t *x, const int64_t *x_shape, const int64_t *x_strides, int x_signed,
    const uint8_t *w, const int64_t *w_shape, const int64_t *w_strides, int w_signed,
    const int32_t *w_zero, int32_t x_zero, const int64_t *tile, const int64_t *geometry,
    int32_t *acc)
{
    const int64_t channels = tile[3] - tile[2], out_cols = tile[11] - tile[10];
    const int64_t taps_y = w_shape[2], taps_x = w_shape[3];
    const int64_t stride_x = geometry[1], dilation_x = geometry[3];
    const int64_t filters = tile[5] - tile[4], depth = tile[7] - tile[6];
    if (channels == 0 || out_cols == 0 || filters == 0 || depth == 0 || taps_x == 0)
        return 0;
    row_view row = {
        .width = x_shape[2], .first = tile[10] * stride_x - geometry[5],
        .cols = (out_cols - 1) * stride_x + (taps_x - 1) * dilation_x + 1, .channels = channels,
        .col_stride = x_strides[2], .channel_stride = x_strides[3],
        .is_signed = x_signed, .zero = x_zero,
    };
    const double row_values = (double)taps_y * (double)row.cols * (double)channels;
    if (row_values > (double)(INT64_C(1) << 40))
        return NPUSIM_NO_MEMORY;
    const int64_t row_size = row.cols * channels;
    int16_t *rows = malloc((size_t)(taps_y * row_size) * sizeof *rows + 1);
    int16_t *weights = malloc((size_t)(taps_y * taps_x * channels) * sizeof *weights + 1);
    const int failed = !rows || !weights;
    if (!failed)
        pack_weights(w + tile[2] * w_strides[0], w_shape, w_strides, w_signed, w_zero + tile[2],
                     channels, weights);
    for (int64_t b = tile[0]; b < tile[1] && !failed; b++) {
        for (int64_t y = tile[8]; y < tile[9]; y++) {
            for (int64_t fy = 0; fy < taps_y; fy++) {
                const int64_t in_y = y * geometry[0] + fy * geometry[2] - geometry[4];
                const int inside = in_y >= 0 && in_y < x_shape[1];
                row.source = inside ? x + b * x_strides[0] + in_y * x_strides[1] +
                                          tile[2] * x_strides[3]
                                    : NULL;
                widen_row(&row, rows + fy * row_size);
            }
            for (int64_t i = 0; i < out_cols; i++, acc += channels)
                for (int64_t tap = 0; tap < taps_y * taps_x; tap++)
                    multiply_add(
                        rows + tap / taps_x * row_size +
                            (i * stride_x + tap % taps_x * dilation_x) * channels,
                        weights + tap * channels, channels, acc);
        }
    }
    free(rows);
    free(weights);
    return failed ? NPUSIM_NO_MEMORY : 0;
}
