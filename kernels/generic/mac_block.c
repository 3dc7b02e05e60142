/* Plain C: pixels times a panel of channels; and the choice between this and other versions. */
#include "mac_block.h"

#include <string.h>

#include "npusim_kernels.h"

void mac_block_generic(
    const int16_t *const *pixels, const int64_t *offset, int64_t runs, int64_t pairs,
    const int16_t *panel, int32_t (*out)[PANEL_CHANNELS])
{
    for (int p = 0; p < BLOCK_PIXELS; p++) {
        const int16_t *weights = panel;
        int32_t sums[PANEL_CHANNELS] = {0};
        for (int64_t r = 0; r < runs; r++) {
            const int16_t *values = pixels[p] + offset[r];
            for (int64_t j = 0; j < pairs; j++, weights += 2 * PANEL_CHANNELS) {
                const int32_t first = values[2 * j], second = values[2 * j + 1];
                for (int k = 0; k < PANEL_CHANNELS; k++)
                    sums[k] += first * weights[2 * k] + second * weights[2 * k + 1];
            }
        }
        memcpy(out[p], sums, sizeof sums);
    }
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
