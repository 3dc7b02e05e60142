/*
 * The innermost parts of the convolutions, once for each instruction set.
 *
 * Activations and weights lie in units of four bytes along the reduction. A unit holds two int16,
 * stored values minus their zero point: exact for any 8-bit values. Or it holds four bytes, the
 * activations unsigned (a signed one is stored + 128) and the weights signed: twice as many
 * products an instruction, for weights whose zero point is that of int8. Sums wrap.
 */
#pragma once
#include <stdint.h>

enum { UNIT_BYTES = 4, PAIR = 2, QUAD = 4, PANEL_CHANNELS = 16, MOST_PIXELS = 12 };
enum { PANEL_BYTES = UNIT_BYTES * PANEL_CHANNELS };

/*
 * out[p][k] = sum over runs r and units j of the products of the unit at
 * pixels[p] + offset[r] + 4 j with the unit [r][j][k] of `panel`, which is read in order.
 * 1 <= count <= the most pixels that the instruction set takes at once.
 */
typedef void mac_block(
    const uint8_t *const *pixels, int64_t count, const int64_t *offset, int64_t runs, int64_t units,
    const uint8_t *panel, int32_t (*out)[PANEL_CHANNELS]);

/*
 * Depthwise, two output rows at once: row_r[p][k] = sum over taps t of the products of the unit k
 * at pixels + p * step + offset[t] with the unit [t][r][k] of `weights`.
 */
typedef void tap_block(
    const uint8_t *pixels, int64_t count, int64_t step, const int64_t *offset, int64_t taps,
    const uint8_t *weights, int32_t (*row_0)[PANEL_CHANNELS], int32_t (*row_1)[PANEL_CHANNELS]);

/*
 * Depthwise: the unit [col][i % 16] of panel i / 16 = the values rows[r][col * steps[r] + i] of all
 * rows r, each ^ flip (0x80 turns int8 into value + 128) and, in units of two, minus `zero`, for
 * i < used. Panels lie `apart` bytes from each other; a unit has as many values as there are rows.
 */
typedef void interleave_block(
    const uint8_t *const *rows, const int64_t *steps, int64_t cols, uint8_t flip, int32_t zero,
    int64_t used, int64_t apart, uint8_t *units);

/* Bias, factors and range of a drain; arrays have whole panels of channels. */
typedef struct {
    int arithmetic; /* one of npusim_kernels.h */
    const int32_t *bias;
    const float *scale;
    const double *real_scale;
    const int32_t *multiplier, *shift;
    int32_t zero_point, low, high;
} drain;

/*
 * out[p][offset ..][..used] = the outputs of sums[p] for the channels from `first` on; used <= 16.
 */
typedef void drain_block(
    const drain *to, int64_t first, int64_t used, int32_t (*sums)[PANEL_CHANNELS], int64_t pixels,
    uint8_t *const *out, int64_t offset);

/* What an instruction set provides for one kind of unit. */
typedef struct {
    const char *name;
    int64_t unit_values; /* PAIR or QUAD */
    int64_t most_pixels; /* of a mac_block */
    mac_block *multiply;
    tap_block *multiply_taps;
    interleave_block *interleave;
    drain_block *drain;
} instructions;

mac_block mac_block_generic, mac_block_avx2, mac_block_avx512;
mac_block wide_block_avx512; /* units of two */
tap_block tap_block_generic, tap_block_avx2, tap_block_avx512;
interleave_block interleave_pairs_generic, interleave_quads_generic;
interleave_block interleave_pairs_avx2, interleave_quads_avx512;
drain_block drain_block_generic, drain_block_avx2, drain_block_avx512;

/* The fastest of this processor for units of `unit_values`; NULL if there is none for quads. */
const instructions *choose_instructions(int64_t unit_values);
