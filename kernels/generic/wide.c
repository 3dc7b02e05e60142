/*
 * Exact int64 sums of int16 inputs: products of pairs in int32, as many as are sure to fit, then
 * added to int64. The same blocks as those of 8-bit convolutions on units of two int16 do it.
 */
#include "blocks.h"
#include "npusim_kernels.h"
#include "processors.h"

typedef struct {
    mac_block *multiply;
    int64_t most_pixels;
} multiplier;

static multiplier choose_multiplier(void)
{
    if (npusim_unit_values(1) == QUAD)
        return (multiplier){wide_block_avx512, MOST_PIXELS};
    const instructions *pairs = choose_instructions(PAIR);
    return (multiplier){pairs->multiply, pairs->most_pixels};
}

/* Up to `count` pixels of one panel: their sums in int32, and where they go. */
typedef struct {
    const uint8_t *pixel[MOST_PIXELS];
    int64_t *place[MOST_PIXELS];
    int64_t count, used;
} pixels;

ON_EACH_PROCESSOR
static void add_sums(const pixels *to, int32_t (*sums)[PANEL_CHANNELS])
{
    for (int64_t p = 0; p < to->count; p++)
        for (int64_t k = 0; k < to->used; k++)
            to->place[p][k] += sums[p][k];
}

static void sum_pixels(
    const multiplier *with, const pixels *to, const int64_t *offsets, int64_t runs, int64_t units,
    int64_t chunk, const uint8_t *panel)
{
    int32_t sums[MOST_PIXELS][PANEL_CHANNELS];
    const int64_t together = units <= chunk ? chunk / units : 0;
    for (int64_t r = 0; together && r < runs; r += together) {
        const int64_t some = runs - r < together ? runs - r : together;
        with->multiply(to->pixel, to->count, offsets + r, some, units,
                       panel + r * units * PANEL_BYTES, sums);
        add_sums(to, sums);
    }
    for (int64_t r = 0; !together && r < runs; r++)
        for (int64_t u = 0; u < units; u += chunk) {
            const int64_t offset = offsets[r] + u * UNIT_BYTES;
            with->multiply(to->pixel, to->count, &offset, 1, units - u < chunk ? units - u : chunk,
                           panel + (r * units + u) * PANEL_BYTES, sums);
            add_sums(to, sums);
        }
}

void npusim_sum_wide(
    const npusim_operands *call, const int64_t *offsets, int64_t runs, int64_t units,
    int64_t chunk, int64_t *acc)
{
    const int64_t *s = call->region_shape;
    const int64_t panels = (call->filters + PANEL_CHANNELS - 1) / PANEL_CHANNELS;
    const int64_t image = call->out_rows * call->out_cols;
    const multiplier with = choose_multiplier();
    pixels to;
    for (int64_t bg = 0; bg < s[0] * s[1]; bg++) {
        const int64_t b = bg / s[1], g = bg % s[1];
        const int16_t *region = (const int16_t *)call->region + bg * s[2] * s[3] * s[4];
        for (int64_t panel = 0; panel < panels; panel++) {
            const int64_t k = panel * PANEL_CHANNELS, left = call->filters - k;
            const uint8_t *weights = (const uint8_t *)call->weights +
                (g * panels + panel) * runs * units * PANEL_BYTES;
            to.used = left < PANEL_CHANNELS ? left : PANEL_CHANNELS;
            for (int64_t first = 0; first < image; first += to.count) {
                to.count = image - first < with.most_pixels ? image - first : with.most_pixels;
                for (int64_t p = 0; p < to.count; p++) {
                    const int64_t y = (first + p) / call->out_cols * call->stride_y;
                    const int64_t x = (first + p) % call->out_cols * call->stride_x;
                    to.pixel[p] = (const uint8_t *)(region + (y * s[3] + x) * s[4]);
                    to.place[p] = acc + ((b * image + first + p) * s[1] + g) * call->filters + k;
                }
                sum_pixels(&with, &to, offsets, runs, units, chunk, weights);
            }
        }
    }
}

enum { PIECE = 64 };

ON_EACH_PROCESSOR
static void sum_taps(
    const npusim_operands *call, const int16_t *values, const int16_t *weights, int64_t count,
    int64_t *acc)
{
    const int64_t channels = call->region_shape[4];
    const int64_t row_step = call->dilation_y * call->region_shape[3] * channels;
    int32_t sums[PIECE] = {0};
    for (int64_t fy = 0; fy < call->taps_y; fy++)
        for (int64_t fx = 0; fx < call->taps_x; fx++, weights += channels) {
            const int16_t *x = values + fy * row_step + fx * call->dilation_x * channels;
            for (int64_t c = 0; c < count; c++)
                sums[c] += (int32_t)x[c] * weights[c];
        }
    for (int64_t c = 0; c < count; c++)
        acc[c] += sums[c];
}

void npusim_sum_wide_depthwise(const npusim_operands *call, int64_t *acc)
{
    const int64_t *s = call->region_shape, channels = s[4];
    for (int64_t b = 0; b < s[0]; b++)
        for (int64_t y = 0; y < call->out_rows; y++)
            for (int64_t x = 0; x < call->out_cols; x++, acc += channels) {
                const int16_t *values = (const int16_t *)call->region +
                    ((b * s[2] + y * call->stride_y) * s[3] + x * call->stride_x) * channels;
                for (int64_t c = 0; c < channels; c += PIECE)
                    sum_taps(call, values + c, (const int16_t *)call->weights + c,
                             channels - c < PIECE ? channels - c : PIECE, acc + c);
            }
}
