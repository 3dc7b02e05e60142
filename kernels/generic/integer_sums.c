/*
 * Integer products summed in a stated order, 16 output channels at a time: accumulators that
 * saturate after each group of channels, exact sums in int64, and blocks of channels with a scale
 * of their own. The definitions are npusim/kernels/reference/{saturating,convolution,blocked}.py.
 *
 * Python lays the operands out (npusim/kernels/regions.py): the region of inputs minus their zero
 * point [b][g][row][col][c], zeros outside the image, and panels of weights minus theirs
 * [g][panel][fy][fx][c][16]. Sums [b][y][x][g][k].
 */
#include <string.h>

#include "blocks.h"
#include "npusim_kernels.h"
#include "processors.h"

/* What the inner loops need of one pixel and panel. */
typedef struct {
    int64_t taps_y, taps_x, row_step, col_step, channels;
    int64_t group, block, first;
    int64_t low, high;
    int unused_bits;
    const float *scale; /* [fy][fx][block][16] */
    int64_t blocks;
} order;

typedef void pixel_sums(
    const order *by, const int32_t *values, const int32_t *weights, void *sums);

/* Sums of type SUM, parts of type PART: a group of channels, then the clamp. */
#define SATURATING(NAME, SUM, PART)                                                                \
    ON_EACH_PROCESSOR                                                                              \
    static void NAME(const order *by, const int32_t *values, const int32_t *weights, void *to)     \
    {                                                                                              \
        int64_t *out = to;                                                                         \
        const SUM low = (SUM)by->low, high = (SUM)by->high;                                        \
        SUM sums[PANEL_CHANNELS];                                                                  \
        for (int k = 0; k < PANEL_CHANNELS; k++)                                                   \
            sums[k] = (SUM)out[k];                                                                 \
        for (int64_t tap = 0; tap < by->taps_y * by->taps_x; tap++) {                              \
            const int32_t *x = values + tap / by->taps_x * by->row_step +                          \
                tap % by->taps_x * by->col_step;                                                   \
            for (int64_t c = 0; c < by->channels;) {                                               \
                const int64_t left = by->channels - c;                                             \
                const int64_t end = c + (left < by->group ? left : by->group);                     \
                PART part[PANEL_CHANNELS] = {0};                                                   \
                for (; c < end; c++, weights += PANEL_CHANNELS)                                    \
                    for (int k = 0; k < PANEL_CHANNELS; k++)                                       \
                        part[k] += (PART)x[c] * (PART)weights[k];                                  \
                for (int k = 0; k < PANEL_CHANNELS; k++) {                                         \
                    const SUM sum = sums[k] + part[k];                                             \
                    sums[k] = sum < low ? low : sum > high ? high : sum;                           \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
        for (int k = 0; k < PANEL_CHANNELS; k++)                                                   \
            out[k] = sums[k];                                                                      \
    }

SATURATING(saturate_32, int32_t, int32_t)
SATURATING(saturate_64, int64_t, int64_t)

ON_EACH_PROCESSOR
static void exact_64(const order *by, const int32_t *values, const int32_t *weights, void *to)
{
    int64_t *out = to;
    for (int64_t tap = 0; tap < by->taps_y * by->taps_x; tap++) {
        const int32_t *x = values + tap / by->taps_x * by->row_step +
            tap % by->taps_x * by->col_step;
        for (int64_t c = 0; c < by->channels; c++, weights += PANEL_CHANNELS)
            for (int k = 0; k < PANEL_CHANNELS; k++)
                out[k] += (int64_t)x[c] * weights[k];
    }
}

/* Blocks of channels counted from the tensor's channel 0; the tile begins at `first`. */
#define BLOCKED(NAME, PART, BITS)                                                                    \
    ON_EACH_PROCESSOR                                                                              \
    static void NAME(const order *by, const int32_t *values, const int32_t *weights, void *to)     \
    {                                                                                              \
        float *out = to;                                                                           \
        for (int64_t tap = 0; tap < by->taps_y * by->taps_x; tap++) {                              \
            const int32_t *x = values + tap / by->taps_x * by->row_step +                          \
                tap % by->taps_x * by->col_step;                                                   \
            for (int64_t c = 0; c < by->channels;) {                                               \
                const int64_t at = (by->first + c) / by->block;                                    \
                const int64_t stop = (at + 1) * by->block - by->first;                             \
                const int64_t end = stop < by->channels ? stop : by->channels;                     \
                const float *scale = by->scale + (tap * by->blocks + at) * PANEL_CHANNELS;         \
                PART part[PANEL_CHANNELS] = {0};                                                   \
                for (; c < end; c++, weights += PANEL_CHANNELS)                                    \
                    for (int k = 0; k < PANEL_CHANNELS; k++)                                       \
                        part[k] += (PART)x[c] * (PART)weights[k];                                  \
                for (int k = 0; k < PANEL_CHANNELS; k++) {                                         \
                    const PART kept = (PART)((BITS)part[k] << by->unused_bits) >> by->unused_bits; \
                    out[k] += (float)kept * scale[k];                                              \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

BLOCKED(block_32, int32_t, uint32_t)
BLOCKED(block_64, int64_t, uint64_t)

/* Calls `sum` for every pixel and panel of the call; sums of `bytes` bytes each. */
static void for_each_panel(
    const npusim_operands *call, order *by, pixel_sums *sum, uint8_t *acc, int64_t bytes)
{
    const int64_t *s = call->region_shape; /* b, g, rows, cols, c */
    const int64_t panels = (call->filters + PANEL_CHANNELS - 1) / PANEL_CHANNELS;
    const int64_t panel_size = call->taps_y * call->taps_x * s[4] * PANEL_CHANNELS;
    const int64_t scales = call->taps_y * call->taps_x * by->blocks * PANEL_CHANNELS;
    const float *scale = by->scale;
    int64_t held[PANEL_CHANNELS]; /* sums of a panel that is not full */
    by->taps_y = call->taps_y;
    by->taps_x = call->taps_x;
    by->row_step = call->dilation_y * s[3] * s[4];
    by->col_step = call->dilation_x * s[4];
    by->channels = s[4];
    for (int64_t b = 0; b < s[0]; b++)
        for (int64_t g = 0; g < s[1]; g++)
            for (int64_t panel = 0; panel < panels; panel++) {
                const int32_t *weights = (const int32_t *)call->weights + (g * panels + panel) * panel_size;
                const int64_t k = panel * PANEL_CHANNELS, left = call->filters - k;
                const int64_t used = left < PANEL_CHANNELS ? left : PANEL_CHANNELS;
                by->scale = scale ? scale + (g * panels + panel) * scales : 0;
                for (int64_t i = 0; i < call->out_rows * call->out_cols; i++) {
                    const int64_t y = i / call->out_cols, x = i % call->out_cols;
                    const int32_t *values = (const int32_t *)call->region + ((b * s[1] + g) * s[2] * s[3] +
                        y * call->stride_y * s[3] + x * call->stride_x) * s[4];
                    const int64_t pixel = b * call->out_rows * call->out_cols + i;
                    uint8_t *place = acc + ((pixel * s[1] + g) * call->filters + k) * bytes;
                    if (used == PANEL_CHANNELS) {
                        sum(by, values, weights, place);
                        continue;
                    }
                    memset(held, 0, sizeof held);
                    memcpy(held, place, (size_t)(used * bytes));
                    sum(by, values, weights, held);
                    memcpy(place, held, (size_t)(used * bytes));
                }
            }
}

void npusim_sum_saturating(
    const npusim_operands *call, int64_t tree, int64_t bits, int narrow, int64_t *acc)
{
    order by = {.group = tree, .high = (INT64_C(1) << (bits - 1)) - 1};
    by.low = -by.high - 1;
    for_each_panel(call, &by, narrow ? saturate_32 : saturate_64, (uint8_t *)acc, sizeof *acc);
}

void npusim_sum_exact(const npusim_operands *call, int64_t *acc)
{
    order by = {.group = 1};
    for_each_panel(call, &by, exact_64, (uint8_t *)acc, sizeof *acc);
}

void npusim_sum_blocked(
    const npusim_operands *call, const float *scale, int64_t blocks, int64_t block, int64_t first,
    int64_t bits, int narrow, float *acc)
{
    order by = {.block = block, .first = first, .scale = scale, .blocks = blocks,
                .unused_bits = (int)((narrow ? 32 : 64) - bits)};
    for_each_panel(call, &by, narrow ? block_32 : block_64, (uint8_t *)acc, sizeof *acc);
}
