/* Plain C: pixels times a panel of channels, on units of two int16. */
#include "blocks.h"

#include <string.h>

enum { PIXELS = 6 };

void mac_block_generic(
    const uint8_t *const *pixels, int64_t count, const int64_t *offset, int64_t runs, int64_t units,
    const uint8_t *panel, int32_t (*out)[PANEL_CHANNELS])
{
    /* Always as many pixels, the last one again if there are fewer, in an array of its own. */
    int32_t sums[PIXELS][PANEL_CHANNELS] = {{0}};
    const int16_t *weights = (const int16_t *)panel;
    for (int64_t r = 0; r < runs; r++) {
        const int16_t *values[PIXELS];
        for (int p = 0; p < PIXELS; p++)
            values[p] = (const int16_t *)(pixels[p < count ? p : count - 1] + offset[r]);
        for (int64_t j = 0; j < units; j++, weights += 2 * PANEL_CHANNELS) {
            /* Apart, so that the loop over channels below becomes vector instructions. */
            int16_t first[PANEL_CHANNELS], second[PANEL_CHANNELS];
            for (int k = 0; k < PANEL_CHANNELS; k++) {
                first[k] = weights[2 * k];
                second[k] = weights[2 * k + 1];
            }
            for (int p = 0; p < PIXELS; p++) {
                const int16_t even = values[p][2 * j], odd = values[p][2 * j + 1];
                for (int k = 0; k < PANEL_CHANNELS; k++)
                    sums[p][k] += even * first[k] + odd * second[k];
            }
        }
    }
    memcpy(out, sums, (size_t)count * sizeof *out);
}

void tap_block_generic(
    const uint8_t *pixels, int64_t count, int64_t step, const int64_t *offset, int64_t taps,
    const uint8_t *weights, int32_t (*row_0)[PANEL_CHANNELS], int32_t (*row_1)[PANEL_CHANNELS])
{
    enum { VALUES = 2 * PANEL_CHANNELS };
    for (int64_t p = 0; p < count; p++) {
        /* The two products of a unit are added last: until then every value has its own sum. */
        int32_t first[VALUES] = {0}, second[VALUES] = {0};
        for (int64_t t = 0; t < taps; t++) {
            const int16_t *values = (const int16_t *)(pixels + p * step + offset[t]);
            const int16_t *factors = (const int16_t *)weights + t * 2 * VALUES;
            for (int i = 0; i < VALUES; i++)
                first[i] += values[i] * factors[i];
            for (int i = 0; i < VALUES; i++)
                second[i] += values[i] * factors[VALUES + i];
        }
        for (int k = 0; k < PANEL_CHANNELS; k++) {
            row_0[p][k] = first[2 * k] + first[2 * k + 1];
            row_1[p][k] = second[2 * k] + second[2 * k + 1];
        }
    }
}
