/*
 * Floating-point convolution and matrix product: values and weights are brought into blocks, each
 * pixel's window in the order of the reduction; what the values have in common decides which
 * arithmetic is exact for a block (see float_choice.c).
 *
 * One filter a channel (depthwise): sixteen groups lie side by side instead of sixteen filters.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "floats.h"
#include "npusim_kernels.h"
#include "processors.h"

/* The call's arguments and the tile's extents; `axis` is what the lanes of a panel run over. */
typedef struct {
    const float *x, *w;
    const int64_t *x_shape, *x_strides, *w_strides, *geometry;
    int64_t b0, g0, k0, c0, y0, x0;
    int64_t groups, filters, channels, rows, cols, pixels;
    int64_t taps_y, taps_x, steps, panels;
    int each_lane;
    float_sums how;
    float *acc;
} convolution;

/* What is allocated for a call: the panels of a group, and the windows of a block of pixels. */
typedef struct {
    float *panels, *values;
    const float **places; /* [tap][pixel] of the first group; NULL outside the image */
    double *scratch;
    float_range weights;
} buffers;

/* Properties of `count` values. */
ON_EACH_PROCESSOR
static float_range find_range(const float *values, int64_t count)
{
    uint32_t any = 0, least = UINT32_MAX, greatest = 0;
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, values + i, sizeof bits);
        const uint32_t size = bits & 0x7fffffff;
        any |= bits & 0x7fffff;
        least = size - 1 < least ? size - 1 : least; /* a zero is the greatest here */
        greatest = size > greatest ? size : greatest;
    }
    float_range range = {1, (int)(least >> 23) - 127, (int)(greatest >> 23) - 127};
    for (int bit = 0; bit < 23; bit++)
        if (any >> bit & 1) {
            range.significant_bits = 24 - bit;
            break;
        }
    if (greatest == 0)
        range.least_exponent = range.greatest_exponent = 0;
    return range;
}

/* NaNs without a payload: the roundings by bits take no other ones. */
ON_EACH_PROCESSOR
static void quiet(float *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        values[i] = isnan(values[i]) ? NAN : values[i];
}

/* The panels of group `g`, or of all groups: [panel][step][lane], zeros beside the last lane. */
static void pack_weights(const convolution *call, int64_t g, buffers *to)
{
    const int64_t *strides = call->w_strides, lanes = call->each_lane ? call->groups : call->filters;
    const int64_t lane_stride = call->each_lane ? strides[0] : strides[1];
    const float *first = call->w + (call->g0 + g) * strides[0] + call->k0 * strides[1] +
        call->c0 * strides[4];
    float *next = to->panels;
    for (int64_t panel = 0; panel < call->panels; panel++)
        for (int64_t fy = 0; fy < call->taps_y; fy++)
            for (int64_t fx = 0; fx < call->taps_x; fx++)
                for (int64_t c = 0; c < call->channels; c++, next += FLOAT_LANES) {
                    const float *from = first + fy * strides[2] + fx * strides[3] + c * strides[4];
                    for (int64_t k = 0; k < FLOAT_LANES; k++) {
                        const int64_t lane = panel * FLOAT_LANES + k;
                        next[k] = lane < lanes ? from[lane * lane_stride] : 0.0f;
                    }
                }
    quiet(to->panels, next - to->panels);
    to->weights = find_range(to->panels, next - to->panels);
}

/* Where the input of a pixel under a tap is, of the first group; NULL outside the image. */
static const float *input(const convolution *call, int64_t pixel, int64_t fy, int64_t fx)
{
    const int64_t *geometry = call->geometry, *strides = call->x_strides;
    const int64_t b = pixel / (call->rows * call->cols), place = pixel % (call->rows * call->cols);
    const int64_t row = (call->y0 + place / call->cols) * geometry[0] + fy * geometry[2] -
        geometry[4];
    const int64_t col = (call->x0 + place % call->cols) * geometry[1] + fx * geometry[3] -
        geometry[5];
    if (row < 0 || row >= call->x_shape[1] || col < 0 || col >= call->x_shape[2])
        return NULL;
    return call->x + (call->b0 + b) * strides[0] + row * strides[1] + col * strides[2] +
        call->g0 * strides[3] + call->c0 * strides[4];
}

/* Where the windows of `count` pixels begin, tap by tap. */
static void find_places(
    const convolution *call, int64_t first, int64_t count, const float **places)
{
    for (int64_t fy = 0; fy < call->taps_y; fy++)
        for (int64_t fx = 0; fx < call->taps_x; fx++, places += MOST_FLOAT_PIXELS)
            for (int64_t p = 0; p < count; p++)
                places[p] = input(call, first + p, fy, fx);
}

/* Windows of `count` pixels of group g: [tap][channel][pixel], zeros outside the image. */
static void fill_windows(const convolution *call, const buffers *with, int64_t g, int64_t count)
{
    const int64_t stride = call->x_strides[4], begin = g * call->x_strides[3];
    for (int64_t t = 0; t < call->taps_y * call->taps_x; t++)
        for (int64_t p = 0; p < count; p++) {
            const float *from = with->places[t * MOST_FLOAT_PIXELS + p];
            float *to = with->values + t * call->channels * MOST_FLOAT_PIXELS + p;
            for (int64_t c = 0; c < call->channels; c++)
                to[c * MOST_FLOAT_PIXELS] = from ? from[begin + c * stride] : 0.0f;
        }
}

/* Windows of `count` pixels of sixteen groups: [tap][pixel][group]. */
static void fill_lanes(const convolution *call, const buffers *with, int64_t panel, int64_t count)
{
    const int64_t left = call->groups - panel * FLOAT_LANES, stride = call->x_strides[3];
    const int64_t used = left < FLOAT_LANES ? left : FLOAT_LANES;
    for (int64_t t = 0; t < call->taps_y * call->taps_x; t++)
        for (int64_t p = 0; p < count; p++) {
            const float *from = with->places[t * MOST_FLOAT_PIXELS + p];
            float *to = with->values + (t * MOST_FLOAT_PIXELS + p) * FLOAT_LANES;
            if (from)
                from += panel * FLOAT_LANES * stride;
            if (from && stride == 1 && used == FLOAT_LANES)
                memcpy(to, from, FLOAT_LANES * sizeof *to);
            else
                for (int64_t k = 0; k < FLOAT_LANES; k++)
                    to[k] = from && k < used ? from[k * stride] : 0.0f;
        }
}

/* Adds the products of one panel to the accumulators of `count` pixels. */
static void run_panel(
    const convolution *call, const buffers *with, const float_range *range, int64_t g,
    int64_t panel, int64_t first, int64_t count)
{
    const int64_t width = call->groups * call->filters;
    const int64_t lanes = call->each_lane ? call->groups : call->filters;
    const int64_t left = lanes - panel * FLOAT_LANES;
    const int64_t used = left < FLOAT_LANES ? left : FLOAT_LANES;
    float *acc = call->acc + first * width + g * call->filters + panel * FLOAT_LANES;
    float sums[MOST_FLOAT_PIXELS][FLOAT_LANES] = {{0}};
    for (int64_t p = 0; p < count; p++)
        memcpy(sums[p], acc + p * width, (size_t)used * sizeof *acc);
    quiet(sums[0], MOST_FLOAT_PIXELS * FLOAT_LANES);
    const float_operands from = {
        with->values, with->panels + panel * call->steps * FLOAT_LANES, count,
        call->taps_y * call->taps_x, call->channels, call->each_lane, with->scratch,
    };
    int kind;
    choose_floats(&call->how, call->channels, range, &with->weights, &kind)(
        &call->how, kind, &from, sums);
    for (int64_t p = 0; p < count; p++)
        memcpy(acc + p * width, sums[p], (size_t)used * sizeof *acc);
}

/* All panels of group `g` (or of all groups) for all pixels. */
static void run_group(const convolution *call, int64_t g, buffers *with)
{
    const int64_t size = call->steps * MOST_FLOAT_PIXELS * (call->each_lane ? FLOAT_LANES : 1);
    pack_weights(call, g, with);
    for (int64_t first = 0; first < call->pixels; first += MOST_FLOAT_PIXELS) {
        const int64_t left = call->pixels - first;
        const int64_t count = left < MOST_FLOAT_PIXELS ? left : MOST_FLOAT_PIXELS;
        float_range range = {0, 0, 0};
        find_places(call, first, count, with->places);
        if (count < MOST_FLOAT_PIXELS)
            memset(with->values, 0, (size_t)size * sizeof *with->values);
        for (int64_t panel = 0; panel < call->panels; panel++) {
            if (call->each_lane)
                fill_lanes(call, with, panel, count);
            else if (panel == 0)
                fill_windows(call, with, g, count);
            if (call->each_lane || panel == 0) {
                quiet(with->values, size);
                range = find_range(with->values, size);
            }
            run_panel(call, with, &range, g, panel, first, count);
        }
    }
}

/* Memory for rows * size bytes; none for what no machine has. */
static void *allocate(int64_t rows, int64_t size)
{
    const double bytes = (double)rows * (double)size;
    return bytes > (double)(INT64_C(1) << 40) ? NULL : malloc((size_t)(rows * size) + 1);
}

static int convolve(const convolution *call)
{
    const int64_t width = call->each_lane ? FLOAT_LANES : 1;
    const int64_t tree = call->how.tree < call->channels ? call->how.tree : call->channels;
    buffers with = {
        .panels = allocate(call->panels * call->steps, FLOAT_LANES * sizeof(float)),
        .values = allocate(call->steps, MOST_FLOAT_PIXELS * width * (int64_t)sizeof(float)),
        .places = allocate(
            call->taps_y * call->taps_x, MOST_FLOAT_PIXELS * (int64_t)sizeof(float *)),
        .scratch = allocate(tree, FLOAT_LANES * sizeof(double)),
    };
    const int failed = !with.panels || !with.values || !with.places || !with.scratch;
    for (int64_t g = 0; !failed && g < (call->each_lane ? 1 : call->groups); g++)
        run_group(call, g, &with);
    free(with.panels);
    free(with.values);
    free(with.places);
    free(with.scratch);
    return failed ? NPUSIM_NO_MEMORY : 0;
}

int npusim_conv_accumulate_float(
    const float *x, const int64_t *x_shape, const int64_t *x_strides,
    const float *w, const int64_t *w_shape, const int64_t *w_strides,
    const int64_t *tile, const int64_t *geometry,
    int mantissa_bits, double least_normal, double greatest,
    int saturates, int flushes, int rounds_products, int64_t tree, float *acc)
{
    convolution call = {
        .x = x, .w = w, .x_shape = x_shape, .x_strides = x_strides, .w_strides = w_strides,
        .geometry = geometry, .b0 = tile[0], .g0 = tile[2], .k0 = tile[4], .c0 = tile[6],
        .y0 = tile[8], .x0 = tile[10], .groups = tile[3] - tile[2], .filters = tile[5] - tile[4],
        .channels = tile[7] - tile[6], .rows = tile[9] - tile[8], .cols = tile[11] - tile[10],
        .taps_y = w_shape[2], .taps_x = w_shape[3],
        .how = {mantissa_bits, saturates, flushes, rounds_products, tree, least_normal, greatest},
        .acc = acc,
    };
    call.pixels = (tile[1] - tile[0]) * call.rows * call.cols;
    call.steps = call.taps_y * call.taps_x * call.channels;
    if (call.steps == 0 || call.pixels == 0 || call.groups == 0 || call.filters == 0)
        return 0;
    call.each_lane = call.channels == 1 && call.filters == 1 && call.groups > 1;
    const int64_t lanes = call.each_lane ? call.groups : call.filters;
    call.panels = (lanes + FLOAT_LANES - 1) / FLOAT_LANES;
    return convolve(&call);
}
