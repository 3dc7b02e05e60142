/*
 * Convolution into int32 accumulators: one tile of a reduction. The weights are packed at each
 * call, since tiles differ. With few pixels (a fully connected layer of batch 1) packing would cost
 * as much as the products, so dot products over the unpacked weights are used instead.
 */
#include <stdlib.h>

#include "convolve.h"
#include "npusim_kernels.h"

enum { FEW_PIXELS = 8 };

/* acc [pixel][group][filter] of the tile. */
typedef struct {
    int64_t groups, filters;
    int32_t *acc;
} accumulators;

static void add_sums(
    void *to, int64_t g, int64_t panel, int64_t used, int64_t first, int64_t count,
    int32_t (*sums)[PANEL_CHANNELS])
{
    const accumulators *into = to;
    for (int64_t p = 0; p < count; p++) {
        int32_t *target = into->acc + ((first + p) * into->groups + g) * into->filters +
            panel * PANEL_CHANNELS;
        for (int64_t k = 0; k < used; k++)
            target[k] += sums[p][k];
    }
}

static int32_t dot(const int16_t *values, const uint8_t *weights, int is_signed, int64_t count)
{
    const int8_t *weights_signed = (const int8_t *)weights;
    int32_t sum = 0;
    if (is_signed)
        for (int64_t i = 0; i < count; i++)
            sum += values[i] * (int16_t)weights_signed[i];
    else
        for (int64_t i = 0; i < count; i++)
            sum += values[i] * (int16_t)weights[i];
    return sum;
}

/* The tile's weights, as the entry point got them. */
typedef struct {
    const uint8_t *first; /* the tile's first weight */
    const int64_t *strides;
    int is_signed;
    const int32_t *zeros;
    int64_t zero_step;
} weights;

/* acc += products of one tap of a pixel: sum x * (w - zero) = sum x * w - zero * sum x. */
static void dot_tap(
    const convolution *call, const weights *w, const int16_t *values, const uint8_t *tap,
    const int32_t *zeros, int32_t *acc)
{
    int32_t sum = 0;
    for (int64_t c = 0; c < call->channels; c++)
        sum += values[c];
    for (int64_t k = 0; k < call->filters; k++)
        acc[k] += dot(values, tap + k * w->strides[1], w->is_signed, call->channels) -
            zeros[k] * sum;
}

static void accumulate_dots(
    const convolution *call, const band *from, const weights *w, int64_t g, int32_t *acc)
{
    fill_band(call, from, 0, g, 0, from->rows);
    for (int64_t pixel = 0; pixel < from->rows * call->out_cols; pixel++) {
        const int64_t row = pixel / call->out_cols, col = pixel % call->out_cols;
        for (int64_t fy = 0; fy < call->taps_y; fy++) {
            const int64_t line = row * from->row_step + fy * from->tap_step;
            for (int64_t fx = 0; fx < call->taps_x; fx++) {
                const int64_t at = (col * call->stride_x + fx * call->dilation_x) *
                    call->pixel_bytes;
                dot_tap(call, w, (const int16_t *)(from->lines + line * call->row_bytes + at),
                        w->first + g * w->strides[0] + fy * w->strides[2] + fx * w->strides[3],
                        w->zeros + g * w->zero_step,
                        acc + (pixel * call->groups + g) * call->filters);
            }
        }
    }
}

static int accumulate_few(const convolution *call, const weights *w, int32_t *acc)
{
    band from = {.shared = 0, .row_step = call->taps_y, .tap_step = 1,
                 .rows = call->images * call->out_rows};
    const double bytes = (double)(from.rows * call->taps_y) * (double)call->row_bytes;
    from.lines = bytes > (double)(INT64_C(1) << 40)
        ? NULL : malloc((size_t)(from.rows * call->taps_y * call->row_bytes) + UNIT_BYTES);
    if (!from.lines)
        return NPUSIM_NO_MEMORY;
    for (int64_t g = 0; g < call->groups; g++)
        accumulate_dots(call, &from, w, g, acc);
    free(from.lines);
    return 0;
}

int npusim_conv_accumulate(
    const uint8_t *x, const int64_t *x_shape, const int64_t *x_strides, int x_signed,
    const uint8_t *w, const int64_t *w_shape, const int64_t *w_strides, int w_signed,
    const int32_t *w_zero, int32_t x_zero, const int64_t *tile, const int64_t *geometry,
    int32_t *acc)
{
    convolution call = {
        .x = x, .x_shape = x_shape, .x_strides = x_strides,
        .x_signed = x_signed, .x_zero = x_zero, .unit_values = PAIR,
        .b0 = tile[0], .g0 = tile[2], .c0 = tile[6], .y0 = tile[8], .x0 = tile[10],
        .images = tile[1] - tile[0], .groups = tile[3] - tile[2], .filters = tile[5] - tile[4],
        .channels = tile[7] - tile[6], .out_rows = tile[9] - tile[8],
        .out_cols = tile[11] - tile[10], .taps_y = w_shape[2], .taps_x = w_shape[3],
        .stride_y = geometry[0], .stride_x = geometry[1], .dilation_y = geometry[2],
        .dilation_x = geometry[3], .pad_top = geometry[4], .pad_left = geometry[5],
    };
    const int64_t pixels = call.images * call.out_rows * call.out_cols;
    const int64_t taps = call.taps_y * call.taps_x;
    if (pixels * call.groups * call.filters * call.channels * taps == 0)
        return 0;
    convolution_sizes(&call);
    const weights from = {
        .first = w + call.g0 * w_strides[0] + tile[4] * w_strides[1] + call.c0 * w_strides[4],
        .strides = w_strides, .is_signed = w_signed,
        .zeros = w_zero + call.g0 * w_shape[1] + tile[4], .zero_step = w_shape[1],
    };
    if (pixels < FEW_PIXELS && w_strides[4] == 1)
        return accumulate_few(&call, &from, acc);
    const int64_t shape[5] = {
        call.groups, call.filters, call.taps_y, call.taps_x, call.channels};
    uint8_t *packed = malloc((size_t)npusim_packed_bytes(shape, call.dilation_x, PAIR));
    int32_t *sums = malloc((size_t)(call.groups * call.filters) * sizeof *sums);
    int status = NPUSIM_NO_MEMORY;
    if (packed && sums) {
        accumulators into = {call.groups, call.filters, acc};
        npusim_pack_weights(from.first, shape, w_strides, w_signed, from.zeros, from.zero_step,
                            call.dilation_x, PAIR, packed, sums);
        status = convolve(&call, packed, add_sums, &into);
    }
    free(packed);
    free(sums);
    return status;
}
