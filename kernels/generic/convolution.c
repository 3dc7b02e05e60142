/*
 * Convolution and matrix product, int32 sums: implicit, no copy of the image per tap.
 *
 * For each group the weights are packed into panels of 16 channels, [tap][c pair][16][2] as int16
 * minus their zero point. The output rows of the tile are then taken in bands: the input rows that
 * a band needs are widened to int16 minus x_zero, zeros outside the image, so that the inner block
 * walks plain pointers. With few pixels (a fully connected layer of batch 1) packing would cost as
 * much as the products, so dot products over the unpacked weights are used instead.
 */
#include <stdlib.h>
#include <string.h>

#include "mac_block.h"
#include "npusim_kernels.h"
#include "widen.h"

/* int16 values of one band: half of a 512 KiB second-level cache. */
enum { BAND_VALUES = 128 * 1024, FEW_PIXELS = 8 };

/* The call's arguments and the sizes that follow from them. */
typedef struct {
    const uint8_t *x, *w;
    const int64_t *x_shape, *x_strides, *w_strides;
    int x_signed, w_signed;
    int32_t x_zero;
    int64_t b0, g0, k0, c0, y0, x0;
    int64_t groups, filters, channels, out_rows, out_cols; /* of the tile; rows of one image */
    int64_t taps_y, taps_x, stride_y, stride_x, dilation_y, dilation_x, pad_top, pad_left;
    int64_t pixel_size; /* channels rounded up to whole pairs */
    int64_t row_size;   /* one widened input row */
    int64_t rows;       /* output rows of all images of the tile */
    int64_t rows_per_band;
} conv_call;

static int16_t *allocate(int64_t rows, int64_t size)
{
    const double bytes = (double)rows * (double)size * sizeof(int16_t);
    return bytes > (double)(INT64_C(1) << 40) ? NULL : malloc((size_t)(rows * size) * 2 + 1);
}

/* Widens the part of input row `in_y` of image `b`, group `g` that the tile reads. */
static void widen_row(const conv_call *call, int64_t b, int64_t g, int64_t in_y, int16_t *row)
{
    const int64_t *strides = call->x_strides;
    const int64_t cols = call->row_size / call->pixel_size;
    const int64_t first = call->x0 * call->stride_x - call->pad_left;
    const int64_t begin = first < 0 ? -first : 0;
    const int64_t end = first + cols > call->x_shape[2] ? call->x_shape[2] - first : cols;
    const int inside = in_y >= 0 && in_y < call->x_shape[1] && begin < end;
    if (!inside || begin > 0 || end < cols || call->pixel_size != call->channels)
        memset(row, 0, (size_t)call->row_size * sizeof *row);
    if (!inside)
        return;
    const uint8_t *source = call->x + b * strides[0] + in_y * strides[1] +
        (first + begin) * strides[2] + g * strides[3] + call->c0 * strides[4];
    int16_t *destination = row + begin * call->pixel_size;
    if (strides[4] == 1 && strides[2] == call->channels && call->pixel_size == call->channels) {
        widen(source, 1, call->x_signed, call->x_zero, (end - begin) * call->channels, destination);
        return;
    }
    for (int64_t i = begin; i < end; i++) {
        widen(source, strides[4], call->x_signed, call->x_zero, call->channels, destination);
        source += strides[2];
        destination += call->pixel_size;
    }
}

/* Widens the input rows of output rows first..last (over all images): [row][fy][col][c]. */
static void widen_band(
    const conv_call *call, int64_t g, int64_t first, int64_t last, int16_t *band)
{
    for (int64_t r = first; r < last; r++) {
        const int64_t y = call->y0 + r % call->out_rows;
        for (int64_t fy = 0; fy < call->taps_y; fy++, band += call->row_size) {
            const int64_t in_y = y * call->stride_y + fy * call->dilation_y - call->pad_top;
            widen_row(call, call->b0 + r / call->out_rows, g, in_y, band);
        }
    }
}

static const uint8_t *weights_of(
    const conv_call *call, int64_t g, int64_t k, int64_t fy, int64_t fx)
{
    const int64_t *strides = call->w_strides;
    return call->w + g * strides[0] + (call->k0 + k) * strides[1] + fy * strides[2] +
        fx * strides[3] + call->c0 * strides[4];
}

/* Packs filters first..first+16 of group `g`; missing filters and the odd channel are zeros. */
static void pack_panel(
    const conv_call *call, int64_t g, int64_t first, const int32_t *zeros, int16_t *panel)
{
    const int64_t stride = call->w_strides[4];
    const int64_t left = call->filters - first;
    const int64_t count = left < PANEL_CHANNELS ? left : PANEL_CHANNELS;
    const int64_t tap_size = call->pixel_size * PANEL_CHANNELS;
    if (count < PANEL_CHANNELS || call->pixel_size != call->channels)
        memset(panel, 0, (size_t)(call->taps_y * call->taps_x * tap_size) * sizeof *panel);
    for (int64_t k = 0; k < count; k++) {
        for (int64_t tap = 0; tap < call->taps_y * call->taps_x; tap++) {
            const uint8_t *source =
                weights_of(call, g, first + k, tap / call->taps_x, tap % call->taps_x);
            int16_t *packed = panel + tap * tap_size + 2 * k;
            for (int64_t c = 0; c < call->channels; c++) {
                const uint8_t raw = source[c * stride];
                const int32_t value = call->w_signed ? (int8_t)raw : raw;
                packed[(c / 2) * 2 * PANEL_CHANNELS + c % 2] = (int16_t)(value - zeros[first + k]);
            }
        }
    }
}

/* Where each run of consecutive values begins, relative to a pixel's first tap. */
static int64_t find_runs(const conv_call *call, int64_t *offset)
{
    const int64_t per_row = call->dilation_x == 1 ? 1 : call->taps_x;
    for (int64_t fy = 0; fy < call->taps_y; fy++)
        for (int64_t fx = 0; fx < per_row; fx++)
            offset[fy * per_row + fx] =
                fy * call->row_size + fx * call->dilation_x * call->pixel_size;
    return call->taps_y * per_row;
}

static const int16_t *pixel_of(const conv_call *call, const int16_t *band, int64_t pixel)
{
    const int64_t row = pixel / call->out_cols, col = pixel % call->out_cols;
    return band + row * call->taps_y * call->row_size + col * call->stride_x * call->pixel_size;
}

/* Adds one panel's products for all pixels of a band; acc points at the band and the filter. */
static void accumulate_panel(
    const conv_call *call, const int16_t *band, int64_t pixels, const int64_t *offset,
    int64_t runs, const int16_t *panel, int64_t count, mac_block *block, int32_t *acc)
{
    const int64_t step = call->groups * call->filters;
    const int64_t pairs = call->taps_y * call->taps_x * call->pixel_size / 2 / runs;
    for (int64_t first = 0; first < pixels; first += BLOCK_PIXELS) {
        const int64_t left = pixels - first;
        const int64_t used = left < BLOCK_PIXELS ? left : BLOCK_PIXELS;
        const int16_t *sources[BLOCK_PIXELS];
        int32_t sums[BLOCK_PIXELS][PANEL_CHANNELS];
        for (int64_t p = 0; p < BLOCK_PIXELS; p++)
            sources[p] = pixel_of(call, band, first + (p < used ? p : used - 1));
        block(sources, offset, runs, pairs, panel, sums);
        for (int64_t p = 0; p < used; p++)
            for (int64_t k = 0; k < count; k++)
                acc[(first + p) * step + k] += sums[p][k];
    }
}

static int accumulate_group(
    const conv_call *call, int64_t g, const int32_t *zeros, int16_t *band, int32_t *acc)
{
    const int64_t panels = (call->filters + PANEL_CHANNELS - 1) / PANEL_CHANNELS;
    const int64_t taps = call->taps_y * call->taps_x;
    const int64_t panel_size = taps * call->pixel_size * PANEL_CHANNELS;
    int16_t *packed = allocate(panels, panel_size);
    int64_t *offset = malloc((size_t)taps * sizeof *offset);
    const int failed = !packed || !offset;
    if (!failed) {
        mac_block *block = choose_mac_block();
        const int64_t runs = find_runs(call, offset);
        for (int64_t i = 0; i < panels; i++)
            pack_panel(call, g, i * PANEL_CHANNELS, zeros, packed + i * panel_size);
        for (int64_t r = 0; r < call->rows; r += call->rows_per_band) {
            const int64_t left = call->rows - r;
            const int64_t rows = left < call->rows_per_band ? left : call->rows_per_band;
            int32_t *target = acc + r * call->out_cols * call->groups * call->filters;
            widen_band(call, g, r, r + rows, band);
            for (int64_t i = 0; i < panels; i++) {
                const int64_t k = i * PANEL_CHANNELS, rest = call->filters - k;
                accumulate_panel(
                    call, band, rows * call->out_cols, offset, runs, packed + i * panel_size,
                    rest < PANEL_CHANNELS ? rest : PANEL_CHANNELS, block, target + k);
            }
        }
    }
    free(packed);
    free(offset);
    return failed ? NPUSIM_NO_MEMORY : 0;
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

/* Few pixels: dot products, sum x * (w - zero) = sum x * w - zero * sum x. One band. */
static void accumulate_dots(
    const conv_call *call, int64_t g, const int32_t *zeros, int16_t *band, int32_t *acc)
{
    widen_band(call, g, 0, call->rows, band);
    for (int64_t pixel = 0; pixel < call->rows * call->out_cols; pixel++) {
        const int16_t *source = pixel_of(call, band, pixel);
        int32_t *target = acc + pixel * call->groups * call->filters;
        for (int64_t fy = 0; fy < call->taps_y; fy++) {
            for (int64_t fx = 0; fx < call->taps_x; fx++) {
                const int16_t *values =
                    source + fy * call->row_size + fx * call->dilation_x * call->pixel_size;
                int32_t sum = 0;
                for (int64_t c = 0; c < call->channels; c++)
                    sum += values[c];
                for (int64_t k = 0; k < call->filters; k++)
                    target[k] += dot(values, weights_of(call, g, k, fy, fx), call->w_signed,
                                     call->channels) - zeros[k] * sum;
            }
        }
    }
}

static void set_sizes(conv_call *call)
{
    const int64_t span = (call->out_cols - 1) * call->stride_x;
    call->pixel_size = (call->channels + 1) / 2 * 2;
    call->row_size = (span + (call->taps_x - 1) * call->dilation_x + 1) * call->pixel_size;
    call->rows_per_band = BAND_VALUES / (call->taps_y * call->row_size);
    if (call->rows_per_band < 1)
        call->rows_per_band = 1;
    if (call->rows_per_band > call->rows)
        call->rows_per_band = call->rows;
}

int npusim_conv_accumulate(
    const uint8_t *x, const int64_t *x_shape, const int64_t *x_strides, int x_signed,
    const uint8_t *w, const int64_t *w_shape, const int64_t *w_strides, int w_signed,
    const int32_t *w_zero, int32_t x_zero, const int64_t *tile, const int64_t *geometry,
    int32_t *acc)
{
    conv_call call = {
        .x = x, .w = w, .x_shape = x_shape, .x_strides = x_strides, .w_strides = w_strides,
        .x_signed = x_signed, .w_signed = w_signed, .x_zero = x_zero,
        .b0 = tile[0], .g0 = tile[2], .k0 = tile[4], .c0 = tile[6], .y0 = tile[8], .x0 = tile[10],
        .groups = tile[3] - tile[2], .filters = tile[5] - tile[4], .channels = tile[7] - tile[6],
        .out_rows = tile[9] - tile[8], .out_cols = tile[11] - tile[10],
        .taps_y = w_shape[2], .taps_x = w_shape[3],
        .stride_y = geometry[0], .stride_x = geometry[1], .dilation_y = geometry[2],
        .dilation_x = geometry[3], .pad_top = geometry[4], .pad_left = geometry[5],
        .rows = (tile[1] - tile[0]) * (tile[9] - tile[8]),
    };
    const int64_t outputs = call.rows * call.out_cols * call.groups * call.filters;
    if (outputs == 0 || call.channels == 0 || call.taps_y == 0 || call.taps_x == 0)
        return 0;
    set_sizes(&call);
    const int few = call.rows * call.out_cols < FEW_PIXELS && w_strides[4] == 1;
    if (few)
        call.rows_per_band = call.rows;
    int16_t *band = allocate(call.rows_per_band * call.taps_y, call.row_size);
    int status = band ? 0 : NPUSIM_NO_MEMORY;
    for (int64_t g = 0; g < call.groups && status == 0; g++) {
        const int32_t *zeros = w_zero + (call.g0 + g) * w_shape[1] + call.k0;
        if (few)
            accumulate_dots(&call, call.g0 + g, zeros, band, acc + g * call.filters);
        else
            status = accumulate_group(&call, call.g0 + g, zeros, band, acc + g * call.filters);
    }
    free(band);
    return status;
}
