/* Plain C: pixels times a panel of channels, on units of two int16. */
#include "blocks.h"

#include <string.h>

#include "processors.h"

void mac_block_generic(
    const uint8_t *const *pixels, int64_t count, const int64_t *offset, int64_t runs, int64_t units,
    const uint8_t *panel, int32_t (*out)[PANEL_CHANNELS])
{
    memset(out, 0, (size_t)count * sizeof *out);
    const int16_t *weights = (const int16_t *)panel;
    for (int64_t r = 0; r < runs; r++) {
        for (int64_t j = 0; j < units; j++, weights += 2 * PANEL_CHANNELS) {
            /* Apart, so that the loop over channels below becomes vector instructions. */
            int32_t first[PANEL_CHANNELS], second[PANEL_CHANNELS];
            for (int k = 0; k < PANEL_CHANNELS; k++) {
                first[k] = weights[2 * k];
                second[k] = weights[2 * k + 1];
            }
            for (int64_t p = 0; p < count; p++) {
                const int16_t *values = (const int16_t *)(pixels[p] + offset[r]) + 2 * j;
                for (int k = 0; k < PANEL_CHANNELS; k++)
                    out[p][k] += values[0] * first[k] + values[1] * second[k];
            }
        }
    }
}

void tap_block_generic(
    const uint8_t *pixels, int64_t count, int64_t step, const int64_t *offset, int64_t taps,
    const uint8_t *weights, int32_t (*row_0)[PANEL_CHANNELS], int32_t (*row_1)[PANEL_CHANNELS])
{
    for (int64_t p = 0; p < count; p++) {
        int32_t sums[2][PANEL_CHANNELS] = {{0}};
        for (int64_t t = 0; t < taps; t++) {
            const int16_t *values = (const int16_t *)(pixels + p * step + offset[t]);
            const int16_t *factors = (const int16_t *)weights + t * 4 * PANEL_CHANNELS;
            for (int row = 0; row < 2; row++, factors += 2 * PANEL_CHANNELS)
                for (int k = 0; k < PANEL_CHANNELS; k++)
                    sums[row][k] += values[2 * k] * factors[2 * k] +
                        values[2 * k + 1] * factors[2 * k + 1];
        }
        memcpy(row_0[p], sums[0], sizeof sums[0]);
        memcpy(row_1[p], sums[1], sizeof sums[1]);
    }
}
