/*
 * The innermost part of a convolution: a block of pixels times a panel of output channels.
 */
#pragma once
#include <stdint.h>

enum { BLOCK_PIXELS = 6, PANEL_CHANNELS = 16 };

/*
 * out[p][k] = sum over runs r and pairs j of
 *     pixels[p][offset[r] + 2j] * panel[r][j][k][0] + pixels[p][offset[r] + 2j + 1] * panel[r][j][k][1]
 * for BLOCK_PIXELS pixels and PANEL_CHANNELS channels. Values are int16 of magnitude <= 383, so a
 * pair of products fits in int32; the sum wraps. The panel is read in order.
 */
typedef void mac_block(
    const int16_t *const *pixels, const int64_t *offset, int64_t runs, int64_t pairs,
    const int16_t *panel, int32_t (*out)[PANEL_CHANNELS]);

mac_block mac_block_generic;
mac_block mac_block_avx2;

/* The fastest one that this processor runs. */
mac_block *choose_mac_block(void);
