/*
 * Weights in panels of 16 channels: [group][panel][run][unit][16] of four bytes, missing channels
 * and values zeros. The order is that in which the inner blocks read them. A run is a row of taps,
 * whose values lie one after the other in an image; with gaps between taps it is one tap.
 */
#include <string.h>

#include "blocks.h"
#include "npusim_kernels.h"

static int64_t weight_at(const uint8_t *place, int is_signed)
{
    return is_signed ? (int8_t)*place : *place;
}

/*
 * One filter of one tap, `first` values after its run began: value i of a run goes to unit i / U,
 * place i % U. Returns the sum of the values.
 */
static int64_t pack_filter(
    const uint8_t *source, int64_t stride, int is_signed, int64_t channels, int32_t zero,
    int64_t unit_values, int64_t first, uint8_t *packed)
{
    int64_t sum = 0;
    for (int64_t i = first; i < first + channels; i++, source += stride) {
        const int64_t value = weight_at(source, is_signed) - zero;
        uint8_t *unit = packed + i / unit_values * PANEL_BYTES;
        if (unit_values == PAIR)
            ((int16_t *)unit)[i % PAIR] = (int16_t)value;
        else
            unit[i % QUAD] = (uint8_t)value;
        sum += value;
    }
    return sum;
}

/* The same for whole units of bytes: consecutive weights, of which uint8 ones have 128 as zero. */
static int64_t pack_bytes(
    const uint8_t *source, int is_signed, int64_t channels, int64_t first, uint8_t *packed)
{
    const uint32_t flip = is_signed ? 0 : 0x80808080;
    int64_t sum = 0;
    packed += first / QUAD * PANEL_BYTES;
    for (int64_t i = 0; i < channels; i += QUAD, packed += PANEL_BYTES) {
        uint32_t unit;
        memcpy(&unit, source + i, sizeof unit);
        unit ^= flip;
        memcpy(packed, &unit, sizeof unit);
    }
    for (int64_t i = 0; i < channels; i++)
        sum += (int8_t)(source[i] ^ (uint8_t)flip);
    return sum;
}

static int64_t run_count(const int64_t *shape, int64_t dilation_x)
{
    return shape[2] * (dilation_x == 1 ? 1 : shape[3]);
}

static int64_t run_units(const int64_t *shape, int64_t dilation_x, int64_t unit_values)
{
    const int64_t values = shape[4] * (dilation_x == 1 ? shape[3] : 1);
    return (values + unit_values - 1) / unit_values;
}

int64_t npusim_packed_bytes(const int64_t *shape, int64_t dilation_x, int64_t unit_values)
{
    const int64_t panels = (shape[1] + PANEL_CHANNELS - 1) / PANEL_CHANNELS;
    return shape[0] * panels * run_count(shape, dilation_x) *
        run_units(shape, dilation_x, unit_values) * PANEL_BYTES;
}

void npusim_pack_weights(
    const uint8_t *w, const int64_t *shape, const int64_t *strides, int w_signed,
    const int32_t *zeros, int64_t zero_step, int64_t dilation_x, int64_t unit_values,
    uint8_t *packed, int32_t *sums)
{
    const int64_t run_bytes = run_units(shape, dilation_x, unit_values) * PANEL_BYTES;
    const int64_t panel_bytes = run_count(shape, dilation_x) * run_bytes;
    const int64_t panels = (shape[1] + PANEL_CHANNELS - 1) / PANEL_CHANNELS;
    const int whole = unit_values == QUAD && strides[4] == 1 && shape[4] % QUAD == 0;
    memset(packed, 0, (size_t)(shape[0] * panels * panel_bytes));
    for (int64_t g = 0; g < shape[0]; g++, packed += panels * panel_bytes) {
        for (int64_t k = 0; k < shape[1]; k++) {
            const uint8_t *filter = w + g * strides[0] + k * strides[1];
            uint8_t *place = packed + k / PANEL_CHANNELS * panel_bytes +
                k % PANEL_CHANNELS * UNIT_BYTES;
            int64_t sum = 0;
            for (int64_t tap = 0; tap < shape[2] * shape[3]; tap++) {
                const int64_t fy = tap / shape[3], fx = tap % shape[3];
                const int64_t first = dilation_x == 1 ? fx * shape[4] : 0;
                const uint8_t *source = filter + fy * strides[2] + fx * strides[3];
                uint8_t *run = place + (dilation_x == 1 ? fy : tap) * run_bytes;
                if (whole)
                    sum += pack_bytes(source, w_signed, shape[4], first, run);
                else
                    sum += pack_filter(source, strides[4], w_signed, shape[4],
                                       zeros[g * zero_step + k], unit_values, first, run);
            }
            sums[g * shape[1] + k] = (int32_t)sum;
        }
    }
}
