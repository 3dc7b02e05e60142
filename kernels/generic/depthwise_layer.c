/*
 * A whole depthwise layer at once, sums and drain together.
 *
 * Two output rows are made at a time. The input rows that both need stand interleaved, so that a
 * unit holds the values of one column and channel in consecutive rows: [plane][col][channel] units,
 * plane v with the rows v * U .. v * U + U - 1. A tap of a block is then one unit a channel, with
 * weights that are zero for the rows that an output row does not see.
 */
#include <stdlib.h>
#include <string.h>

#include "blocks.h"
#include "npusim_kernels.h"
#include "processors.h"

enum { STRIP_PIXELS = 32 };

static int64_t whole_panels(int64_t channels)
{
    return (channels + PANEL_CHANNELS - 1) / PANEL_CHANNELS;
}

/* Input rows that two output rows span. */
static int64_t span_of(const int64_t *w_shape, const int64_t *geometry)
{
    return geometry[0] + (w_shape[2] - 1) * geometry[2] + 1;
}

static int64_t planes_of(const int64_t *w_shape, const int64_t *geometry, int64_t unit_values)
{
    return (span_of(w_shape, geometry) + unit_values - 1) / unit_values;
}

int64_t npusim_depthwise_packed_bytes(
    const int64_t *w_shape, const int64_t *geometry, int64_t unit_values)
{
    return whole_panels(w_shape[0]) * planes_of(w_shape, geometry, unit_values) * w_shape[3] * 2 *
        PANEL_BYTES;
}

/* [panel][plane][fx][output row][16] units. */
void npusim_pack_depthwise(
    const uint8_t *w, const int64_t *w_shape, const int64_t *strides, int w_signed,
    const int32_t *zeros, const int64_t *geometry, int64_t unit_values, uint8_t *packed,
    int32_t *sums)
{
    const int64_t taps_x = w_shape[3];
    const int64_t planes = planes_of(w_shape, geometry, unit_values);
    memset(packed, 0, (size_t)npusim_depthwise_packed_bytes(w_shape, geometry, unit_values));
    for (int64_t g = 0; g < w_shape[0]; g++) {
        sums[g] = 0;
        for (int64_t tap = 0; tap < 2 * w_shape[2] * taps_x; tap++) {
            const int64_t row = tap / (w_shape[2] * taps_x), fy = tap / taps_x % w_shape[2];
            const int64_t fx = tap % taps_x, line = row * geometry[0] + fy * geometry[2];
            const uint8_t raw = w[g * strides[0] + fy * strides[2] + fx * strides[3]];
            const int32_t value = (w_signed ? (int8_t)raw : raw) - zeros[g];
            const int64_t place = g / PANEL_CHANNELS * planes + line / unit_values;
            uint8_t *unit = packed + ((place * taps_x + fx) * 2 + row) * PANEL_BYTES +
                g % PANEL_CHANNELS * UNIT_BYTES;
            sums[g] += row == 0 ? value : 0;
            if (unit_values == PAIR)
                ((int16_t *)unit)[line % PAIR] = (int16_t)value;
            else
                unit[line % QUAD] = (uint8_t)value;
        }
    }
}

typedef struct {
    const uint8_t *x;
    const int64_t *x_shape, *x_strides;
    uint8_t flip, blank; /* turns int8 into value + 128; the stored byte that stands for zero */
    int32_t zero;        /* of the unsigned values */
    int64_t unit_values, channels, cols, lines, planes, pixel_bytes;
    int64_t stride_y, pad_top, pad_left;
    const uint8_t *blanks; /* a pixel outside the image */
    uint8_t *units;
} source;

ON_EACH_PROCESSOR
static void interleave_pairs(
    const uint8_t *restrict a, const uint8_t *restrict b, uint8_t flip, int32_t zero, int64_t count,
    int16_t *restrict units)
{
    for (int64_t i = 0; i < count; i++) {
        units[2 * i] = (int16_t)((a[i] ^ flip) - zero);
        units[2 * i + 1] = (int16_t)((b[i] ^ flip) - zero);
    }
}

ON_EACH_PROCESSOR
static void interleave_quads(
    const uint8_t *restrict a, const uint8_t *restrict b, const uint8_t *restrict c,
    const uint8_t *restrict d, uint8_t flip, int64_t count, uint8_t *restrict units)
{
    for (int64_t i = 0; i < count; i++) {
        units[4 * i] = a[i] ^ flip;
        units[4 * i + 1] = b[i] ^ flip;
        units[4 * i + 2] = c[i] ^ flip;
        units[4 * i + 3] = d[i] ^ flip;
    }
}

static void interleave(const source *from, const uint8_t *const *rows, int64_t count, uint8_t *to)
{
    if (from->unit_values == PAIR)
        interleave_pairs(rows[0], rows[1], from->flip, from->zero, count, (int16_t *)to);
    else
        interleave_quads(rows[0], rows[1], rows[2], rows[3], from->flip, count, to);
}

/* Columns begin .. end of one plane; rows that are NULL are blank. */
static void fill_columns(
    const source *from, const uint8_t *const *rows, int64_t begin, int64_t end, uint8_t *plane)
{
    int blank = 0;
    for (int64_t i = 0; i < from->unit_values; i++)
        blank |= !rows[i];
    const int joined = !blank && from->x_strides[2] == from->channels &&
        from->pixel_bytes == from->channels * UNIT_BYTES;
    const int64_t step = joined ? end - begin : 1;
    for (int64_t col = begin; col < end; col += step) {
        const uint8_t *places[QUAD];
        for (int64_t i = 0; i < from->unit_values; i++)
            places[i] = rows[i] ? rows[i] + (col - from->pad_left) * from->x_strides[2]
                                : from->blanks;
        interleave(from, places, step * from->channels, plane + col * from->pixel_bytes);
    }
}

/* The input rows of output rows y and y + 1 of image `b`. */
static void fill_units(const source *from, int64_t b, int64_t y)
{
    const uint8_t *const blanks[QUAD] = {from->blanks, from->blanks, from->blanks, from->blanks};
    const int64_t inside = from->pad_left + from->x_shape[2];
    const int64_t begin = from->pad_left < from->cols ? from->pad_left : from->cols;
    const int64_t end = inside < from->cols ? inside : from->cols;
    for (int64_t v = 0; v < from->planes; v++) {
        uint8_t *plane = from->units + v * from->cols * from->pixel_bytes;
        const uint8_t *rows[QUAD] = {0};
        for (int64_t i = 0; i < from->unit_values; i++) {
            const int64_t line = v * from->unit_values + i;
            const int64_t in_y = y * from->stride_y + line - from->pad_top;
            if (line < from->lines && in_y >= 0 && in_y < from->x_shape[1])
                rows[i] = from->x + b * from->x_strides[0] + in_y * from->x_strides[1];
        }
        for (int64_t col = 0; col < begin; col++)
            interleave(from, blanks, from->channels, plane + col * from->pixel_bytes);
        fill_columns(from, rows, begin, end, plane);
        for (int64_t col = end > begin ? end : begin; col < from->cols; col++)
            interleave(from, blanks, from->channels, plane + col * from->pixel_bytes);
    }
}

/* What becomes of two output rows. */
typedef struct {
    const instructions *with;
    const drain *by;
    const int64_t *offset;
    int64_t taps, step, cols, channels, row_stride, col_stride;
} target;

/* One panel of channels of two output rows, or of one. */
static void run_panel(
    const target *to, const uint8_t *units, const uint8_t *weights, int64_t panel, int two,
    uint8_t *out)
{
    const int64_t channel = panel * PANEL_CHANNELS, rest = to->channels - channel;
    const int64_t used = rest < PANEL_CHANNELS ? rest : PANEL_CHANNELS;
    for (int64_t first = 0; first < to->cols; first += STRIP_PIXELS) {
        const int64_t left = to->cols - first;
        const int64_t count = left < STRIP_PIXELS ? left : STRIP_PIXELS;
        int32_t sums[2 * STRIP_PIXELS][PANEL_CHANNELS];
        uint8_t *place[2 * STRIP_PIXELS];
        to->with->multiply_taps(units + first * to->step + panel * PANEL_BYTES, count, to->step,
                                to->offset, to->taps, weights, sums, sums + count);
        for (int64_t p = 0; p < count; p++) {
            place[p] = out + (first + p) * to->col_stride + channel;
            place[count + p] = place[p] + (two ? to->row_stride : 0);
        }
        to->with->drain(to->by, channel, used, sums, two ? 2 * count : count, place, 0);
    }
}

static void run_layer(
    const source *from, const target *to, const uint8_t *packed, const int64_t *out_shape,
    int64_t image_stride, uint8_t *out)
{
    const int64_t panels = whole_panels(from->channels);
    for (int64_t b = 0; b < out_shape[0]; b++) {
        for (int64_t y = 0; y < out_shape[1]; y += 2) {
            fill_units(from, b, y);
            for (int64_t i = 0; i < panels; i++)
                run_panel(to, from->units, packed + i * to->taps * 2 * PANEL_BYTES, i,
                          y + 1 < out_shape[1], out + b * image_stride + y * to->row_stride);
        }
    }
}

int npusim_depthwise_layer(
    const uint8_t *x, const int64_t *x_shape, const int64_t *x_strides, int x_signed,
    int32_t x_zero, const uint8_t *packed, const int64_t *w_shape, int64_t unit_values,
    const int64_t *geometry, int arithmetic, const int32_t *bias, const float *scale,
    const double *real_scale, const int32_t *multiplier, const int32_t *shift,
    int32_t zero_point, int32_t low, int32_t high,
    const int64_t *out_shape, const int64_t *out_strides, uint8_t *out)
{
    const drain by = {arithmetic, bias, scale, real_scale, multiplier, shift,
                      zero_point, low, high};
    const int64_t pixel_bytes = whole_panels(w_shape[0]) * PANEL_BYTES;
    source from = {
        .x = x, .x_shape = x_shape, .x_strides = x_strides, .flip = x_signed ? 0x80 : 0,
        .blank = (uint8_t)x_zero, .zero = x_zero + (x_signed ? 128 : 0),
        .unit_values = unit_values, .channels = w_shape[0],
        .cols = (out_shape[2] - 1) * geometry[1] + (w_shape[3] - 1) * geometry[3] + 1,
        .lines = span_of(w_shape, geometry), .planes = planes_of(w_shape, geometry, unit_values),
        .pixel_bytes = pixel_bytes,
        .stride_y = geometry[0], .pad_top = geometry[4], .pad_left = geometry[5],
    };
    const double plane_bytes = (double)from.cols * (double)pixel_bytes;
    if (plane_bytes * (double)from.planes > (double)(INT64_C(1) << 40))
        return NPUSIM_NO_MEMORY;
    target to = {
        .with = choose_instructions(unit_values), .by = &by, .taps = from.planes * w_shape[3],
        .step = geometry[1] * pixel_bytes, .cols = out_shape[2], .channels = w_shape[0],
        .row_stride = out_strides[1], .col_stride = out_strides[2],
    };
    /* Cleared once: lanes past the last channel are multiplied, by weights that are zero. */
    uint8_t *units = calloc((size_t)(from.planes * from.cols), (size_t)pixel_bytes);
    uint8_t *blanks = malloc((size_t)from.channels);
    int64_t *offset = malloc((size_t)to.taps * sizeof *offset);
    const int failed = !units || !blanks || !offset;
    if (!failed) {
        memset(blanks, from.blank, (size_t)from.channels);
        for (int64_t t = 0; t < to.taps; t++)
            offset[t] = (t / w_shape[3] * from.cols + t % w_shape[3] * geometry[3]) * pixel_bytes;
        from.units = units;
        from.blanks = blanks;
        to.offset = offset;
        run_layer(&from, &to, packed, out_shape, out_strides[0], out);
    }
    free(units);
    free(blanks);
    free(offset);
    return failed ? NPUSIM_NO_MEMORY : 0;
}
