/*
 * The input rows that a band of output rows reads, in units: int16 minus x_zero (zeros outside the
 * image), or unsigned bytes (outside, the one that stands for zero). So the inner blocks walk plain
 * pointers, whatever the strides, padding and channels of the tile.
 */
#include <string.h>

#include "convolve.h"
#include "widen.h"

/* Bytes of one band: a quarter of a second-level cache of 1 MiB. */
enum { BAND_BYTES = 256 * 1024 };

void band_sizes(const convolution *call, band *to)
{
    to->shared = call->taps_y > 1 && call->dilation_y == 1 && call->stride_y <= call->taps_y;
    to->row_step = to->shared ? call->stride_y : call->taps_y;
    to->tap_step = 1;
    to->rows = BAND_BYTES / (to->row_step * call->row_bytes);
    if (to->rows > call->out_rows * (to->shared ? 1 : call->images))
        to->rows = call->out_rows * (to->shared ? 1 : call->images);
    if (to->rows < 1)
        to->rows = 1;
}

int64_t band_lines(const convolution *call, const band *to)
{
    return (to->rows - 1) * to->row_step + call->taps_y;
}

/* `count` bytes as they are, or those of int8 stored + 128. */
static void copy_bytes(const uint8_t *source, int64_t stride, uint8_t flip, int64_t count,
                       uint8_t *destination)
{
    if (stride == 1 && flip == 0)
        memcpy(destination, source, (size_t)count);
    else if (stride == 1)
        for (int64_t i = 0; i < count; i++)
            destination[i] = source[i] ^ flip;
    else
        for (int64_t i = 0; i < count; i++)
            destination[i] = source[i * stride] ^ flip;
}

/* `pixels` pixels of `channels` values each into units. */
static void fill_pixels(
    const convolution *call, const uint8_t *source, int64_t pixels, int64_t channels,
    uint8_t *destination)
{
    const int64_t stride = call->x_strides[4], step = call->x_strides[2];
    const uint8_t flip = call->x_signed ? 0x80 : 0;
    for (int64_t i = 0; i < pixels; i++, source += step, destination += call->pixel_bytes) {
        if (call->unit_values == PAIR)
            widen(source, stride, call->x_signed, call->x_zero, channels, (int16_t *)destination);
        else
            copy_bytes(source, stride, flip, channels, destination);
    }
}

/* The part of input row `in_y` of image `b`, group `g` that the tile reads. */
static void fill_line(
    const convolution *call, int64_t b, int64_t g, int64_t in_y, uint8_t *line)
{
    const int64_t *strides = call->x_strides;
    const int64_t first = call->x0 * call->stride_x - call->pad_left;
    const int64_t begin = first < 0 ? -first : 0;
    const int64_t end = first + call->cols > call->x_shape[2] ? call->x_shape[2] - first
                                                              : call->cols;
    const int inside = in_y >= 0 && in_y < call->x_shape[1] && begin < end;
    if (!inside || begin > 0 || end < call->cols) {
        const int outside = call->x_zero + (call->x_signed ? 128 : 0);
        memset(line, call->unit_values == PAIR ? 0 : outside, (size_t)call->row_bytes);
    }
    if (!inside)
        return;
    const uint8_t *source = call->x + b * strides[0] + in_y * strides[1] +
        (first + begin) * strides[2] + g * strides[3] + call->c0 * strides[4];
    const int joined = strides[4] == 1 && strides[2] == call->channels;
    uint8_t *destination = line + begin * call->pixel_bytes;
    if (joined)
        fill_pixels(call, source, 1, (end - begin) * call->channels, destination);
    else
        fill_pixels(call, source, end - begin, call->channels, destination);
}

void fill_band(
    const convolution *call, const band *to, int64_t b, int64_t g, int64_t first, int64_t rows)
{
    const int64_t lines = to->shared ? (rows - 1) * to->row_step + call->taps_y
                                     : rows * call->taps_y;
    for (int64_t i = 0; i < lines; i++) {
        const int64_t row = first + (to->shared ? 0 : i / call->taps_y);
        const int64_t tap = to->shared ? i : i % call->taps_y * call->dilation_y;
        const int64_t y = call->y0 + row % call->out_rows;
        const int64_t image = call->b0 + b + row / call->out_rows;
        fill_line(call, image, call->g0 + g, y * call->stride_y + tap - call->pad_top,
                  to->lines + i * call->row_bytes);
    }
    /* The last unit of the last run may reach here, multiplied by zeros. */
    memset(to->lines + lines * call->row_bytes, 0, UNIT_BYTES);
}
