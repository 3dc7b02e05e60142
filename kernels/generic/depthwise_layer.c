/*
 * A whole depthwise layer at once, sums and drain together.
 *
 * Two output rows are made at a time. The input rows that both need stand interleaved, so that a
 * unit holds the values of one column and channel in consecutive rows: [panel][plane][col][16]
 * units, plane v with the rows v * U .. v * U + U - 1. A tap of a block is then one unit a channel,
 * with weights that are zero for the rows that an output row does not see. Some panels are filled
 * together, so that an input's cache lines are read once.
 */
#include <stdlib.h>
#include <string.h>

#include "blocks.h"
#include "npusim_kernels.h"
#include "threads.h"

enum { STRIP_PIXELS = 32, PANELS_TOGETHER = 8 };

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
    uint8_t flip; /* turns int8 into value + 128 */
    int32_t zero; /* of the unsigned values */
    int64_t unit_values, channels, cols, planes, plane_bytes;
    int64_t advance; /* planes from two output rows to the next two; all of them if none is kept */
    interleave_block *interleave;
    int64_t stride_y, pad_top, pad_left;
    uint8_t blanks[PANELS_TOGETHER * PANEL_CHANNELS]; /* a pixel outside the image */
    uint8_t *units;
} source;

static int64_t channels_of(int64_t panel, int64_t channels)
{
    const int64_t rest = channels - panel * PANEL_CHANNELS;
    return rest < PANEL_CHANNELS ? rest : PANEL_CHANNELS;
}

/* Panels from `panel` on of the lines first .. first + U - 1 of image `b`, padding included. */
static void fill_plane(
    const source *from, int64_t b, int64_t panel, int64_t first, uint8_t *plane)
{
    const int64_t inside = from->pad_left + from->x_shape[2];
    const int64_t begin = from->pad_left < from->cols ? from->pad_left : from->cols;
    const int64_t end = inside < from->cols ? inside > begin ? inside : begin : from->cols;
    const int64_t rest = from->channels - panel * PANEL_CHANNELS;
    const int64_t most = PANELS_TOGETHER * PANEL_CHANNELS;
    const int64_t used = rest < most ? rest : most, apart = from->planes * from->plane_bytes;
    const uint8_t *rows[QUAD], *blank[QUAD];
    int64_t steps[QUAD], still[QUAD] = {0};
    for (int64_t i = 0; i < from->unit_values; i++) {
        const int64_t in_y = first + i - from->pad_top;
        const int here = in_y >= 0 && in_y < from->x_shape[1];
        blank[i] = from->blanks;
        rows[i] = !here ? from->blanks
                        : from->x + b * from->x_strides[0] + in_y * from->x_strides[1] +
                              (begin - from->pad_left) * from->x_strides[2] +
                              panel * PANEL_CHANNELS;
        steps[i] = here ? from->x_strides[2] : 0;
    }
    from->interleave(blank, still, begin, from->flip, from->zero, used, apart, plane);
    from->interleave(rows, steps, end - begin, from->flip, from->zero, used,
                     apart, plane + begin * PANEL_BYTES);
    from->interleave(blank, still, from->cols - end, from->flip, from->zero, used,
                     apart, plane + end * PANEL_BYTES);
}

/*
 * Panels of the input rows of output rows y and y + 1 of image `b`, from `panel` on. The planes lie
 * in a ring: if these rows follow those before, what both read is there already.
 */
static void fill_units(
    const source *from, int64_t b, int64_t y, int64_t panel, int follows, uint8_t *units)
{
    const int64_t first = y / 2 * from->advance;
    const int64_t kept =
        follows && from->advance < from->planes ? from->planes - from->advance : 0;
    for (int64_t v = kept; v < from->planes; v++)
        fill_plane(from, b, panel, y * from->stride_y + v * from->unit_values,
                   units + (first + v) % from->planes * from->plane_bytes);
}

/* What becomes of two output rows. */
typedef struct {
    const instructions *with;
    const drain *by;
    int64_t *offset; /* of each tap, for the planes as they lie in the ring */
    int64_t taps, taps_x, dilation_x, step, cols, channels, row_stride, col_stride;
} target;

static void find_taps(const source *from, const target *to, int64_t y)
{
    const int64_t slot = y / 2 * from->advance;
    for (int64_t t = 0; t < to->taps; t++)
        to->offset[t] = (slot + t / to->taps_x) % from->planes * from->plane_bytes +
            t % to->taps_x * to->dilation_x * PANEL_BYTES;
}

/* One panel of channels of two output rows, or of one. */
static void run_panel(
    const target *to, const uint8_t *units, const uint8_t *weights, int64_t panel, int two,
    uint8_t *out)
{
    const int64_t channel = panel * PANEL_CHANNELS;
    for (int64_t first = 0; first < to->cols; first += STRIP_PIXELS) {
        const int64_t left = to->cols - first;
        const int64_t count = left < STRIP_PIXELS ? left : STRIP_PIXELS;
        int32_t sums[2 * STRIP_PIXELS][PANEL_CHANNELS];
        uint8_t *place[2 * STRIP_PIXELS];
        to->with->multiply_taps(units + first * to->step, count, to->step, to->offset, to->taps,
                                weights, sums, sums + count);
        for (int64_t p = 0; p < count; p++) {
            place[p] = out + (first + p) * to->col_stride + channel;
            place[count + p] = place[p] + (two ? to->row_stride : 0);
        }
        to->with->drain(to->by, channel, channels_of(panel, to->channels), sums,
                        two ? 2 * count : count, place, 0);
    }
}

/* What one thread computes: pairs of output rows, counted over all images. */
typedef struct {
    source from;
    target to;
    const uint8_t *packed;
    const int64_t *out_shape, *out_strides;
    uint8_t *out;
    int64_t first, end;
    int status;
} part;

static int64_t row_pairs(const int64_t *out_shape) { return (out_shape[1] + 1) / 2; }

static void run_rows(const part *own)
{
    const source *from = &own->from;
    const target *to = &own->to;
    const int64_t pairs = row_pairs(own->out_shape), panels = whole_panels(from->channels);
    for (int64_t at = own->first; at < own->end; at++) {
        const int64_t b = at / pairs, y = at % pairs * 2;
        uint8_t *out = own->out + b * own->out_strides[0] + y * own->out_strides[1];
        find_taps(from, to, y);
        for (int64_t i = 0; i < panels; i++) {
            uint8_t *units = from->units + i * from->planes * from->plane_bytes;
            if (i % PANELS_TOGETHER == 0)
                fill_units(from, b, y, i, at > own->first && y > 0, units);
            run_panel(to, units, own->packed + i * to->taps * 2 * PANEL_BYTES, i,
                      y + 1 < own->out_shape[1], out);
        }
    }
}

static void run_part(void *given)
{
    part *own = given;
    const size_t pixels = (size_t)(own->from.planes * own->from.cols);
    /* Cleared once: lanes past the last channel are multiplied, by weights that are zero. */
    uint8_t *units = calloc((size_t)whole_panels(own->from.channels) * pixels + 1, PANEL_BYTES);
    int64_t *offset = malloc((size_t)own->to.taps * sizeof *offset);
    own->status = units && offset ? 0 : NPUSIM_NO_MEMORY;
    if (own->status == 0) {
        own->from.units = units + (-(uintptr_t)units) % PANEL_BYTES;
        own->to.offset = offset;
        run_rows(own);
    }
    free(units);
    free(offset);
}

static int run_parts_of(const part *whole, int64_t threads)
{
    const int64_t *shape = whole->out_shape;
    const int64_t pairs = shape[0] * row_pairs(shape);
    const double units = (double)(pairs * 2 * shape[2]) * (double)whole->to.taps;
    const double values = (double)(whole->from.channels * whole->from.unit_values);
    const int64_t worth = parts_of(units * values, threads);
    const int64_t count = worth < pairs ? worth : pairs;
    part parts[MOST_PARTS];
    int status = 0;
    for (int64_t i = 0; i < count; i++) {
        parts[i] = *whole;
        parts[i].first = pairs * i / count;
        parts[i].end = pairs * (i + 1) / count;
    }
    run_parts(run_part, parts, sizeof *parts, count);
    for (int64_t i = 0; i < count; i++)
        status |= parts[i].status;
    return status;
}

int npusim_depthwise_layer(
    const uint8_t *x, const int64_t *x_shape, const int64_t *x_strides, int x_signed,
    int32_t x_zero, const uint8_t *packed, const int64_t *w_shape, int64_t unit_values,
    const int64_t *geometry, int arithmetic, const int32_t *bias, const float *scale,
    const double *real_scale, const int32_t *multiplier, const int32_t *shift,
    int32_t zero_point, int32_t low, int32_t high,
    const int64_t *out_shape, const int64_t *out_strides, uint8_t *out, int64_t threads)
{
    const drain by = {arithmetic, bias, scale, real_scale, multiplier, shift,
                      zero_point, low, high};
    const int64_t panels = whole_panels(w_shape[0]);
    source from = {
        .x = x, .x_shape = x_shape, .x_strides = x_strides, .flip = x_signed ? 0x80 : 0,
        .zero = x_zero + (x_signed ? 128 : 0), .unit_values = unit_values, .channels = w_shape[0],
        .cols = (out_shape[2] - 1) * geometry[1] + (w_shape[3] - 1) * geometry[3] + 1,
        .planes = planes_of(w_shape, geometry, unit_values),
        .stride_y = geometry[0], .pad_top = geometry[4], .pad_left = geometry[5],
    };
    const double units_bytes = (double)from.cols * (double)(from.planes * panels * PANEL_BYTES);
    if (units_bytes > (double)(INT64_C(1) << 40))
        return NPUSIM_NO_MEMORY;
    target to = {
        .with = choose_instructions(unit_values), .by = &by, .taps = from.planes * w_shape[3],
        .taps_x = w_shape[3], .dilation_x = geometry[3], .step = geometry[1] * PANEL_BYTES,
        .cols = out_shape[2], .channels = w_shape[0], .row_stride = out_strides[1],
        .col_stride = out_strides[2],
    };
    memset(from.blanks, (uint8_t)x_zero, sizeof from.blanks);
    from.interleave = to.with->interleave;
    from.advance = 2 * geometry[0] % unit_values == 0 ? 2 * geometry[0] / unit_values : from.planes;
    from.plane_bytes = from.cols * PANEL_BYTES;
    const part whole = {.from = from, .to = to, .packed = packed, .out_shape = out_shape,
                        .out_strides = out_strides, .out = out};
    return run_parts_of(&whole, threads);
}
