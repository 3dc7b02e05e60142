/*
 * A whole convolution layer at once: sums and drain together, so that int32 sums never leave the
 * nearest cache. Weights come packed; the caller keeps them from one inference to the next.
 */
#include "convolve.h"
#include "npusim_kernels.h"

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

int npusim_convolution_layer(
    const uint8_t *x, const int64_t *x_shape, const int64_t *x_strides, int x_signed,
    int32_t x_zero, const uint8_t *packed, const int64_t *w_shape, int64_t unit_values,
    const int64_t *geometry, int arithmetic, const int32_t *bias, const float *scale,
    const double *real_scale, const int32_t *multiplier, const int32_t *shift,
    int32_t zero_point, int32_t low, int32_t high,
    const int64_t *out_shape, const int64_t *out_strides, uint8_t *out)
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
    outputs into = {.call = &call, .by = &by, .with = choose_instructions(unit_values),
                    .strides = out_strides, .out = out, .count = 0};
    return convolve(&call, packed, drain_sums, &into);
}
