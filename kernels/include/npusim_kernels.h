/*
 * Declarations of every kernel that Python calls. The compiler includes this file; kernels/build.py
 * reads it as the cffi declarations, so it holds plain prototypes only (lines that begin with '#'
 * are dropped there).
 *
 * Conventions. Strides count elements, not bytes. 8-bit arrays come as uint8_t with a flag
 * `*_signed`. Shapes, bounds and strides were checked by npusim/kernels/native.py: nothing here
 * checks them again. int32 sums wrap (the build passes -fwrapv). A kernel returns 0, or
 * NPUSIM_NO_MEMORY if scratch memory could not be had.
 */
#pragma once
#include <stdint.h>

enum { NPUSIM_NO_MEMORY = 1 };

/*
 * acc[b, y, x, g, k] += sum over c, fy, fx of (x - x_zero) * (w - w_zero[g, k]) for the outputs of
 * `tile` (b0 b1 g0 g1 k0 k1 c0 c1 y0 y1 x0 x1). x [B, H, W, G, C], w [G, K, FY, FX, C], both with
 * any strides; w_zero [G, K] and acc (the tile's extents) contiguous. geometry: stride y, x,
 * dilation y, x, padding top, left. Zero points lie in -128..255, so that a difference times a
 * difference fits the int16 x int16 products that the sums are made of.
 */
int npusim_conv_accumulate(
    const uint8_t *x, const int64_t *x_shape, const int64_t *x_strides, int x_signed,
    const uint8_t *w, const int64_t *w_shape, const int64_t *w_strides, int w_signed,
    const int32_t *w_zero, int32_t x_zero, const int64_t *tile, const int64_t *geometry,
    int32_t *acc);

/* The same for C = 1 and K = 1: one filter a channel. */
int npusim_depthwise_accumulate(
    const uint8_t *x, const int64_t *x_shape, const int64_t *x_strides, int x_signed,
    const uint8_t *w, const int64_t *w_shape, const int64_t *w_strides, int w_signed,
    const int32_t *w_zero, int32_t x_zero, const int64_t *tile, const int64_t *geometry,
    int32_t *acc);

/*
 * out = clamp(arithmetic(acc + bias) + zero_point, low, high). acc contiguous [b, y, x, g, k] of
 * `shape`; bias and the factors [g * k]; out 8-bit with any strides. `scale` serves float32_rint;
 * `multiplier` and `shift` (-31..30) the fixed-point arithmetics.
 */
void npusim_requantize_float32_rint(
    const int32_t *acc, const int32_t *bias, const float *scale,
    int32_t zero_point, int32_t low, int32_t high,
    const int64_t *shape, const int64_t *strides, uint8_t *out);
void npusim_requantize_double_rounding(
    const int32_t *acc, const int32_t *bias, const int32_t *multiplier, const int32_t *shift,
    int32_t zero_point, int32_t low, int32_t high,
    const int64_t *shape, const int64_t *strides, uint8_t *out);
void npusim_requantize_single_rounding(
    const int32_t *acc, const int32_t *bias, const int32_t *multiplier, const int32_t *shift,
    int32_t zero_point, int32_t low, int32_t high,
    const int64_t *shape, const int64_t *strides, uint8_t *out);

/* "avx2" or "generic": the instruction set that the convolutions run on. */
const char *npusim_instruction_set(void);
