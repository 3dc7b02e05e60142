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
    int unused_bits, lanes;
    const float *scale; /* [fy][fx][block][16] */
    int64_t blocks;
} order;

typedef void pixel_sums(
    const order *by, const int32_t *values, const int32_t *weights, void *sums);

/* The inputs of a tap; with `lanes` they are sixteen channels, each of them with one filter. */
#define INPUTS(TAP) (values + (TAP) / by->taps_x * by->row_step + (TAP) % by->taps_x * by->col_step)

/* Eight channels side by side, in vector instructions where the processor has them. */
typedef int32_t eight __attribute__((vector_size(32)));
typedef uint32_t eight_bits __attribute__((vector_size(32)));
typedef float eight_floats __attribute__((vector_size(32)));

/* first and second = the products of channels c .. end, which move on, with their weights. */
#define MULTIPLY                                                                                   \
    eight first = {0}, second = {0};                                                               \
    for (; c < end; c++, weights += PANEL_CHANNELS) {                                              \
        eight left, right;                                                                         \
        memcpy(&left, weights, sizeof left);                                                       \
        memcpy(&right, weights + 8, sizeof right);                                                 \
        if (by->lanes) {                                                                           \
            eight low_inputs, high_inputs;                                                         \
            memcpy(&low_inputs, x, sizeof low_inputs);                                             \
            memcpy(&high_inputs, x + 8, sizeof high_inputs);                                       \
            first += low_inputs * left;                                                            \
            second += high_inputs * right;                                                         \
        } else {                                                                                   \
            first += x[c] * left;                                                                  \
            second += x[c] * right;                                                                \
        }                                                                                          \
    }

/* Comparisons of vectors give -1 or 0, so that masks choose. */
static inline __attribute__((always_inline)) void add_clamped(
    eight *sum, const eight *part, const eight *low, const eight *high)
{
    const eight total = *sum + *part, below = total < *low, above = total > *high;
    *sum = (below & *low) | (above & *high) | (~(below | above) & total);
}

ON_EACH_PROCESSOR
static void saturate_32(const order *by, const int32_t *values, const int32_t *weights, void *to)
{
    int64_t *out = to;
    int32_t held[PANEL_CHANNELS];
    for (int k = 0; k < PANEL_CHANNELS; k++)
        held[k] = (int32_t)out[k];
    const eight zero = {0}, low = zero + (int32_t)by->low, high = zero + (int32_t)by->high;
    eight sums, others;
    memcpy(&sums, held, sizeof sums);
    memcpy(&others, held + 8, sizeof others);
    for (int64_t tap = 0; tap < by->taps_y * by->taps_x; tap++) {
        const int32_t *x = INPUTS(tap);
        for (int64_t c = 0; c < by->channels;) {
            const int64_t rest = by->channels - c;
            const int64_t end = c + (rest < by->group ? rest : by->group);
            MULTIPLY
            add_clamped(&sums, &first, &low, &high);
            add_clamped(&others, &second, &low, &high);
        }
    }
    memcpy(held, &sums, sizeof sums);
    memcpy(held + 8, &others, sizeof others);
    for (int k = 0; k < PANEL_CHANNELS; k++)
        out[k] = held[k];
}

/* part[k] = the products of channels c .. end, which move on, with their weights. */
#define MULTIPLY_WIDE                                                                              \
    int64_t part[PANEL_CHANNELS] = {0};                                                            \
    for (; c < end; c++, weights += PANEL_CHANNELS)                                                \
        for (int k = 0; k < PANEL_CHANNELS; k++)                                                   \
            part[k] += (int64_t)x[by->lanes ? k : c] * weights[k];

ON_EACH_PROCESSOR
static void saturate_64(const order *by, const int32_t *values, const int32_t *weights, void *to)
{
    int64_t *sums = to;
    for (int64_t tap = 0; tap < by->taps_y * by->taps_x; tap++) {
        const int32_t *x = INPUTS(tap);
        for (int64_t c = 0; c < by->channels;) {
            const int64_t rest = by->channels - c;
            const int64_t end = c + (rest < by->group ? rest : by->group);
            MULTIPLY_WIDE
            for (int k = 0; k < PANEL_CHANNELS; k++) {
                const int64_t sum = sums[k] + part[k];
                sums[k] = sum < by->low ? by->low : sum > by->high ? by->high : sum;
            }
        }
    }
}

ON_EACH_PROCESSOR
static void exact_64(const order *by, const int32_t *values, const int32_t *weights, void *to)
{
    int64_t *sums = to;
    for (int64_t tap = 0; tap < by->taps_y * by->taps_x; tap++) {
        const int32_t *x = INPUTS(tap);
        const int64_t end = by->channels;
        int64_t c = 0;
        MULTIPLY_WIDE
        for (int k = 0; k < PANEL_CHANNELS; k++)
            sums[k] += part[k];
    }
}

/* Runs ADD for each block; they are counted from the tensor's channel 0, the tile's is `first`. */
#define FOR_EACH_BLOCK(ADD)                                                                        \
    for (int64_t tap = 0; tap < by->taps_y * by->taps_x; tap++) {                                  \
        const int32_t *x = INPUTS(tap);                                                            \
        for (int64_t c = 0; c < by->channels;) {                                                   \
            const int64_t at = (by->first + c) / by->block;                                        \
            const int64_t stop = (at + 1) * by->block - by->first;                                 \
            const int64_t end = stop < by->channels ? stop : by->channels;                         \
            const float *scale = by->scale + (tap * by->blocks + at) * PANEL_CHANNELS;             \
            ADD                                                                                    \
        }                                                                                          \
    }

static inline __attribute__((always_inline)) void add_scaled(
    eight_floats *sum, const eight *part, int unused_bits, const float *scale)
{
    const eight kept = (eight)((eight_bits)*part << unused_bits) >> unused_bits;
    eight_floats factors;
    memcpy(&factors, scale, sizeof factors);
    *sum += __builtin_convertvector(kept, eight_floats) * factors;
}

ON_EACH_PROCESSOR
static void block_32(const order *by, const int32_t *values, const int32_t *weights, void *to)
{
    float *out = to;
    eight_floats sums, others;
    memcpy(&sums, out, sizeof sums);
    memcpy(&others, out + 8, sizeof others);
    FOR_EACH_BLOCK(MULTIPLY add_scaled(&sums, &first, by->unused_bits, scale);
                   add_scaled(&others, &second, by->unused_bits, scale + 8);)
    memcpy(out, &sums, sizeof sums);
    memcpy(out + 8, &others, sizeof others);
}

ON_EACH_PROCESSOR
static void block_64(const order *by, const int32_t *values, const int32_t *weights, void *to)
{
    float *sums = to;
    FOR_EACH_BLOCK(MULTIPLY_WIDE for (int k = 0; k < PANEL_CHANNELS; k++) {
        const int64_t kept = (int64_t)((uint64_t)part[k] << by->unused_bits) >> by->unused_bits;
        sums[k] += (float)kept * scale[k];
    })
}

/* Calls `sum` for every pixel and panel of the call; sums of `bytes` bytes each. */
static void for_each_panel(
    const npusim_operands *call, order *by, pixel_sums *sum, uint8_t *acc, int64_t bytes)
{
    const int64_t *s = call->region_shape; /* b, g, rows, cols, c */
    const int64_t panels = (call->filters + PANEL_CHANNELS - 1) / PANEL_CHANNELS;
    const int64_t panel_size = call->taps_y * call->taps_x * (call->lanes ? 1 : s[4]) *
        PANEL_CHANNELS;
    const int64_t scales = call->taps_y * call->taps_x * by->blocks * PANEL_CHANNELS;
    const float *scale = by->scale;
    int64_t held[PANEL_CHANNELS]; /* sums of a panel that is not full */
    by->taps_y = call->taps_y;
    by->taps_x = call->taps_x;
    by->row_step = call->dilation_y * s[3] * s[4];
    by->col_step = call->dilation_x * s[4];
    by->channels = call->lanes ? 1 : s[4];
    by->lanes = call->lanes;
    for (int64_t b = 0; b < s[0]; b++)
        for (int64_t g = 0; g < s[1]; g++)
            for (int64_t panel = 0; panel < panels; panel++) {
                const int32_t *weights = (const int32_t *)call->weights +
                    (g * panels + panel) * panel_size;
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
