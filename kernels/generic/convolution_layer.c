/*
 * A whole convolution layer at once: sums and drain together, so that int32 sums never leave the
 * nearest cache. Weights come packed; the caller keeps them from one inference to the next.
 */
#include "convolve.h"
#include "npusim_kernels.h"
#include "threads.h"

enum { PIXELS_AT_ONCE = 64 };

typedef struct {
    const convolution *call;
    const drain *by;
    const instructions *with;
    const int64_t *strides;
    uint8_t *out;
    int64_t first, count; /* the pixels whose places are known */
    uint8_t *place[PIXELS_AT_ONCE];
} outputs;

/* The places of the outputs of `count` pixels from `first` on: the same for all panels. */
static void find_places(outputs *into, int64_t first, int64_t count)
{
    const int64_t cols = into->call->out_cols, rows = into->call->out_rows;
    int64_t x = first % cols, y = first / cols % rows, b = first / cols / rows;
    if (into->first == first && into->count == count)
        return;
    into->first = first;
    into->count = count;
    for (int64_t p = 0; p < count; p++) {
        into->place[p] = into->out + b * into->strides[0] + y * into->strides[1] +
            x * into->strides[2];
        if (++x == cols) {
            x = 0;
            if (++y == rows) {
                y = 0;
                b++;
            }
        }
    }
}

static void drain_sums(
    void *to, int64_t g, int64_t panel, int64_t used, int64_t first, int64_t count,
    int32_t (*sums)[PANEL_CHANNELS])
{
    outputs *into = to;
    const int64_t channel = panel * PANEL_CHANNELS;
    find_places(into, first, count);
    into->with->drain(into->by, g * into->call->panels * PANEL_CHANNELS + channel, used, sums,
                      count, into->place, g * into->strides[3] + channel);
}

/* What one thread computes. */
typedef struct {
    convolution call;
    outputs into;
    const uint8_t *packed;
    int status;
} part;

static void run_part(void *given)
{
    part *own = given;
    own->into.call = &own->call;
    own->status = convolve(&own->call, own->packed, drain_sums, &own->into);
}

/*
 * Part i of n: images, output rows, or panels of filters if there are more weights than inputs,
 * since each part reads all of the other.
 */
static void take_part(part *own, int64_t i, int64_t n)
{
    convolution *call = &own->call;
    const int64_t *shape = call->x_shape;
    const int64_t inputs = shape[0] * shape[1] * shape[2] * call->channels;
    const int64_t rows = call->images >= n ? call->images : call->out_rows;
    const int by_panels =
        rows < n || (call->panels >= n && call->filters * call->runs * call->run_units *
                                                  call->unit_values > inputs);
    if (by_panels) {
        call->first_panel = call->panels * i / n;
        call->end_panel = call->panels * (i + 1) / n;
    } else if (call->images >= n) {
        call->b0 = call->images * i / n;
        call->images = call->images * (i + 1) / n - call->b0;
    } else {
        call->y0 = call->out_rows * i / n;
        call->out_rows = call->out_rows * (i + 1) / n - call->y0;
    }
    own->into.out += call->b0 * own->into.strides[0] + call->y0 * own->into.strides[1];
}

/* As many parts as are worth it and none that is empty. */
static int64_t most_parts(const convolution *call, int64_t worth)
{
    int64_t most = call->images > call->out_rows ? call->images : call->out_rows;
    most = most > call->panels ? most : call->panels;
    return worth < most ? worth : most;
}

int npusim_convolution_layer(
    const uint8_t *x, const int64_t *x_shape, const int64_t *x_strides, int x_signed,
    int32_t x_zero, const uint8_t *packed, const int64_t *w_shape, int64_t unit_values,
    const int64_t *geometry, int arithmetic, const int32_t *bias, const float *scale,
    const double *real_scale, const int32_t *multiplier, const int32_t *shift,
    int32_t zero_point, int32_t low, int32_t high,
    const int64_t *out_shape, const int64_t *out_strides, uint8_t *out, int64_t threads)
{
    convolution call = {
        .x = x, .x_shape = x_shape, .x_strides = x_strides,
        .x_signed = x_signed, .x_zero = x_zero, .unit_values = unit_values,
        .images = out_shape[0], .groups = w_shape[0], .filters = w_shape[1],
        .channels = w_shape[4], .out_rows = out_shape[1], .out_cols = out_shape[2],
        .taps_y = w_shape[2], .taps_x = w_shape[3],
        .stride_y = geometry[0], .stride_x = geometry[1], .dilation_y = geometry[2],
        .dilation_x = geometry[3], .pad_top = geometry[4], .pad_left = geometry[5],
    };
    const drain by = {arithmetic, bias, scale, real_scale, multiplier, shift,
                      zero_point, low, high};
    convolution_sizes(&call);
    const outputs into = {.by = &by, .with = choose_instructions(unit_values),
                          .strides = out_strides, .out = out, .count = 0};
    const double pixels = (double)(call.images * call.out_rows) * (double)call.out_cols;
    const double units = (double)(call.groups * call.panels * call.runs) * (double)call.run_units;
    const int64_t worth = parts_of(pixels * units * PANEL_CHANNELS * (double)unit_values, threads);
    const int64_t count = most_parts(&call, worth);
    part parts[MOST_PARTS];
    for (int64_t i = 0; i < count; i++) {
        parts[i] = (part){.call = call, .into = into, .packed = packed};
        take_part(&parts[i], i, count);
    }
    run_parts(run_part, parts, sizeof *parts, count);
    int status = 0;
    for (int64_t i = 0; i < count; i++)
        status |= parts[i].status;
    return status;
}
