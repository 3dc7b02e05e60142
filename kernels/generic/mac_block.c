/* Plain C: pixels times a panel of channels; and the choice between this and other versions. */
#include "mac_block.h"

#include <string.h>

#include "npusim_kernels.h"

void mac_block_generic(
    const int16_t *const *pixels, const int64_t *offset, int64_t runs, int64_t pairs,
    const int16_t *panel, int32_t (*out)[PANEL_CHANNELS])
{
    int32_t sums[BLOCK_PIXELS][PANEL_CHANNELS] = {{0}};
    for (int64_t r = 0; r < runs; r++) {
        for (int64_t j = 0; j < pairs; j++, panel += 2 * PANEL_CHANNELS) {
            /* Apart, so that the loop over channels below becomes vector instructions. */
            int32_t first[PANEL_CHANNELS], second[PANEL_CHANNELS];
            for (int k = 0; k < PANEL_CHANNELS; k++) {
                first[k] = panel[2 * k];
                second[k] = panel[2 * k + 1];
            }
            for (int p = 0; p < BLOCK_PIXELS; p++) {
                const int16_t *values = pixels[p] + offset[r] + 2 * j;
                for (int k = 0; k < PANEL_CHANNELS; k++)
                    sums[p][k] += values[0] * first[k] + values[1] * second[k];
            }
        }
    }
    memcpy(out, sums, sizeof sums);
}

#if defined(__x86_64__) && defined(__GNUC__)
static int has_avx2(void) { return __builtin_cpu_supports("avx2"); }
#else
static int has_avx2(void) { return 0; }
void mac_block_avx2(
    const int16_t *const *pixels, const int64_t *offset, int64_t runs, int64_t pairs,
    const int16_t *panel, int32_t (*out)[PANEL_CHANNELS])
{
    mac_block_generic(pixels, offset, runs, pairs, panel, out);
}
#endif

static int only_generic;

void npusim_use_only_generic(int only) { only_generic = only; }

mac_block *choose_mac_block(void)
{
    return has_avx2() && !only_generic ? mac_block_avx2 : mac_block_generic;
}

const char *npusim_instruction_set(void)
{
    return has_avx2() && !only_generic ? "avx2" : "generic";
}
