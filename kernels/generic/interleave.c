/* Plain C: input rows of a depthwise layer brought into units. */
#include "blocks.h"

void interleave_pairs_generic(
    const uint8_t *const *rows, const int64_t *steps, int64_t cols, uint8_t flip, int32_t zero,
    int64_t used, int64_t apart, uint8_t *units)
{
    int16_t *to = (int16_t *)units;
    for (int64_t col = 0; col < cols; col++, to += PAIR * PANEL_CHANNELS)
        for (int row = 0; row < PAIR; row++)
            for (int64_t i = 0; i < used; i++) {
                const uint8_t value = rows[row][col * steps[row] + i] ^ flip;
                int16_t *panel = to + i / PANEL_CHANNELS * (apart / (int64_t)sizeof *to);
                panel[PAIR * (i % PANEL_CHANNELS) + row] = (int16_t)(value - zero);
            }
}

void interleave_quads_generic(
    const uint8_t *const *rows, const int64_t *steps, int64_t cols, uint8_t flip, int32_t zero,
    int64_t used, int64_t apart, uint8_t *units)
{
    (void)zero;
    for (int64_t col = 0; col < cols; col++, units += PANEL_BYTES)
        for (int row = 0; row < QUAD; row++)
            for (int64_t i = 0; i < used; i++) {
                uint8_t *panel = units + i / PANEL_CHANNELS * apart;
                panel[QUAD * (i % PANEL_CHANNELS) + row] = rows[row][col * steps[row] + i] ^ flip;
            }
}
