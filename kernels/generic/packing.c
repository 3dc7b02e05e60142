/*
 * Weights in panels of 16 channels: [group][panel][tap][unit][16] of four bytes, missing channels
 * and values zeros. The order is that in which the inner blocks read them.
 */
#include <string.h>

#include "blocks.h"
#include "npusim_kernels.h"

static int64_t weight_at(const uint8_t *place, int is_signed)
{
    return is_signed ? (int8_t)*place : *place;
}

/* One filter of one tap: channel c goes to unit c / U, place c % U. */
static void pack_filter(
    const uint8_t *source, int64_t stride, int is_signed, int64_t channels, int32_t zero,
    int64_t unit_values, uint8_t *packed)
{
    for (int64_t c = 0; c < channels; c++) {
        const int64_t value = weight_at(source + c * stride, is_signed) - zero;
        uint8_t *unit = packed + c / unit_values * PANEL_BYTES;
        if (unit_values == PAIR)
            ((int16_t *)unit)[c % PAIR] = (int16_t)value;
        else
            unit[c % QUAD] = (uint8_t)value;
    }
}

int64_t npusim_packed_bytes(const int64_t *shape, int64_t unit_values)
{
    const int64_t panels = (shape[1] + PANEL_CHANNELS - 1) / PANEL_CHANNELS;
    const int64_t units = (shape[4] + unit_values - 1) / unit_values;
    return shape[0] * panels * shape[2] * shape[3] * units * PANEL_BYTES;
}

void npusim_pack_weights(
    const uint8_t *w, const int64_t *shape, const int64_t *strides, int w_signed,
    const int32_t *zeros, int64_t zero_step, int64_t unit_values, uint8_t *packed)
{
    const int64_t units = (shape[4] + unit_values - 1) / unit_values;
    const int64_t taps = shape[2] * shape[3];
    memset(packed, 0, (size_t)npusim_packed_bytes(shape, unit_values));
    for (int64_t g = 0; g < shape[0]; g++) {
        for (int64_t k = 0; k < shape[1]; k++) {
            const uint8_t *filter = w + g * strides[0] + k * strides[1];
            uint8_t *place = packed + k / PANEL_CHANNELS * taps * units * PANEL_BYTES +
                k % PANEL_CHANNELS * UNIT_BYTES;
            for (int64_t tap = 0; tap < taps; tap++)
                pack_filter(
                    filter + tap / shape[3] * strides[2] + tap % shape[3] * strides[3],
                    strides[4], w_signed, shape[4], zeros[g * zero_step + k], unit_values,
                    place + tap * units * PANEL_BYTES);
        }
        packed += npusim_packed_bytes(shape, unit_values) / shape[0];
    }
}
