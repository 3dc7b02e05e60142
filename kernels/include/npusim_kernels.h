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
 * Floating-point sums, each addition rounded once to a format of `mantissa_bits` (23, 10 or 7),
 * least normal and greatest number as given: products of x and w as above, in the order of
 * npusim/numerics/accumulation.py. x and w with any strides, acc contiguous; tree >= 1.
 */
int npusim_conv_accumulate_float(
    const float *x, const int64_t *x_shape, const int64_t *x_strides,
    const float *w, const int64_t *w_shape, const int64_t *w_strides,
    const int64_t *tile, const int64_t *geometry,
    int mantissa_bits, double least_normal, double greatest,
    int saturates, int flushes, int rounds_products, int64_t tree, float *acc);

/*
 * MACs done in registers only, for `rounds` rounds, with the instructions that sum products of
 * `product_bits` in a format of `mantissa_bits`; 0 if this processor has none.
 */
int64_t npusim_float_registers(int mantissa_bits, int product_bits, int64_t rounds);

/* How numbers of a format are stored: in `bytes`, as codes that `sign_bit` begins. */
typedef struct {
    int mantissa_bits, least_exponent, bytes, sign_bit;
    uint32_t greatest, outside, nan; /* codes of magnitudes: beyond the greatest; no number */
} npusim_float_code;

/* scale and bias may be NULL. */
typedef struct {
    const float *scale, *bias;
    float low, high, out_scale;
    int divides;
} npusim_float_drain;

/* acc contiguous of `shape`; scale and bias [g * k]; out with any strides. */
void npusim_drain_float(
    const float *acc, const npusim_float_drain *with, const npusim_float_code *as,
    const int64_t *shape, const int64_t *strides, uint8_t *out);

/*
 * Units of the packed weights, 2 or 4 values of four bytes, see blocks.h: 4 if this processor has
 * instructions for it and the weights are symmetric (zero point 0 of int8, or 128 of uint8).
 */
int64_t npusim_unit_values(int symmetric);

/*
 * The weights [G, K, FY, FX, C] of `shape` minus their zero points, as the layers below read them;
 * zeros[g * zero_step + k]. Four values a unit need symmetric weights. sums [G, K] gets each
 * filter's sum, wrapped.
 */
int64_t npusim_packed_bytes(const int64_t *shape, int64_t dilation_x, int64_t unit_values);
void npusim_pack_weights(
    const uint8_t *w, const int64_t *shape, const int64_t *strides, int w_signed,
    const int32_t *zeros, int64_t zero_step, int64_t dilation_x, int64_t unit_values,
    uint8_t *packed, int32_t *sums);
int64_t npusim_depthwise_packed_bytes(
    const int64_t *w_shape, const int64_t *geometry, int64_t unit_values);
void npusim_pack_depthwise(
    const uint8_t *w, const int64_t *w_shape, const int64_t *strides, int w_signed,
    const int32_t *zeros, const int64_t *geometry, int64_t unit_values, uint8_t *packed,
    int32_t *sums);

enum {
    NPUSIM_FLOAT32_RINT, NPUSIM_FLOAT64_HALF_AWAY, NPUSIM_DOUBLE_ROUNDING, NPUSIM_SINGLE_ROUNDING
};

/*
 * A whole layer: all sums and their drain. x [B, H, W, G, C]; out [B, OY, OX, G, K] with k
 * contiguous; bias and factors [G][K rounded up to 16]. With units of four values the bias of a
 * filter has been lowered by the zero point of the unsigned x times the sum of its weights.
 * Depthwise: C = K = 1, channels of x and out contiguous, few input rows between the taps. On at
 * most `threads` threads; the bits are the same for any number.
 */
int npusim_convolution_layer(
    const uint8_t *x, const int64_t *x_shape, const int64_t *x_strides, int x_signed,
    int32_t x_zero, const uint8_t *packed, const int64_t *w_shape, int64_t unit_values,
    const int64_t *geometry, int arithmetic, const int32_t *bias, const float *scale,
    const double *real_scale, const int32_t *multiplier, const int32_t *shift,
    int32_t zero_point, int32_t low, int32_t high,
    const int64_t *out_shape, const int64_t *out_strides, uint8_t *out, int64_t threads);
int npusim_depthwise_layer(
    const uint8_t *x, const int64_t *x_shape, const int64_t *x_strides, int x_signed,
    int32_t x_zero, const uint8_t *packed, const int64_t *w_shape, int64_t unit_values,
    const int64_t *geometry, int arithmetic, const int32_t *bias, const float *scale,
    const double *real_scale, const int32_t *multiplier, const int32_t *shift,
    int32_t zero_point, int32_t low, int32_t high,
    const int64_t *out_shape, const int64_t *out_strides, uint8_t *out, int64_t threads);

/*
 * out = clamp(arithmetic(acc + bias) + zero_point, low, high). acc contiguous [b, y, x, g, k] of
 * `shape`; bias and the factors [g * k]; out 8-bit with any strides. `scale` serves float32_rint;
 * `multiplier` and `shift` (-31..30) the fixed-point arithmetics.
 */
void npusim_requantize_float32_rint(
    const int32_t *acc, const int32_t *bias, const float *scale,
    int32_t zero_point, int32_t low, int32_t high,
    const int64_t *shape, const int64_t *strides, uint8_t *out);
void npusim_requantize_float64_half_away(
    const int32_t *acc, const int32_t *bias, const double *scale,
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

/*
 * out = table[a, b] and out = table[a] over 8-bit inputs; tables are indexed by the stored bytes.
 * All arrays have `shape` (four extents) and strides of their own.
 */
void npusim_lookup_pairs(
    const uint8_t *a, const int64_t *a_strides, const uint8_t *b, const int64_t *b_strides,
    const uint8_t *table, const int64_t *shape, uint8_t *out, const int64_t *out_strides);
void npusim_lookup_bytes(
    const uint8_t *a, const int64_t *a_strides, const uint8_t *table, const int64_t *shape,
    uint8_t *out, const int64_t *out_strides);
void npusim_lookup_floats(
    const uint8_t *a, const int64_t *a_strides, const float *table, const int64_t *shape,
    float *out, const int64_t *out_strides);

/*
 * out = rint(fma(a, a_ratio, fma(b, b_ratio, constant))) within low..high, which fit 8 bits, for
 * contiguous arrays; only if this processor has fused multiply-adds.
 */
int npusim_has_fused_add(void);
void npusim_add_fused(
    const uint8_t *a, int a_signed, const uint8_t *b, int b_signed, int64_t count, float a_ratio,
    float b_ratio, float constant, int32_t low, int32_t high, uint8_t *out);

/*
 * 8-bit integers of float32; see the references of these names. Shapes have four extents; `factor`
 * is 1 / scale in float32.
 */
void npusim_quantize_half_away(
    const float *x, const int64_t *shape, const int64_t *strides, float scale,
    int32_t zero, int32_t low, int32_t high, uint8_t *out, const int64_t *out_strides);
void npusim_quantize_onnx(
    const float *x, const int64_t *shape, const int64_t *strides, float scale,
    int32_t zero, int32_t low, int32_t high, uint8_t *out, const int64_t *out_strides);
void npusim_quantize_rint_reciprocal(
    const float *x, const int64_t *shape, const int64_t *strides, float factor,
    int32_t zero, int32_t low, int32_t high, uint8_t *out, const int64_t *out_strides);

/*
 * Windows over x [B, H, W, K] for the outputs of `tile`; geometry: taps y, x, stride y, x, dilation
 * y, x, padding top, left. Taps outside the image take no part. sums [b, oy, ox, k] and divisors
 * [oy, ox] are contiguous.
 */
void npusim_window_sum(
    const uint8_t *x, const int64_t *x_shape, const int64_t *x_strides, int x_signed,
    const int64_t *tile, const int64_t *geometry, int64_t *sums);
void npusim_window_max(
    const uint8_t *x, const int64_t *x_shape, const int64_t *x_strides, int x_signed,
    const int64_t *tile, const int64_t *geometry, int32_t low, int32_t high,
    uint8_t *out, const int64_t *out_strides);
void npusim_average_pool_onnx(
    const uint8_t *x, const int64_t *x_shape, const int64_t *x_strides, int x_signed,
    const int64_t *tile, const int64_t *geometry, const int64_t *divisors, int32_t x_zero,
    float x_scale, float y_scale, int32_t y_zero, int32_t low, int32_t high,
    uint8_t *out, const int64_t *out_strides);

/* sums[i, j] = sum of x[i, j, :]. */
void npusim_row_sum(
    const uint8_t *x, const int64_t *shape, const int64_t *strides, int x_signed, int64_t *sums);

/*
 * Softmax over the rows of x [rows, n], n >= 1. table[255 + d] is the exponential of the difference
 * d to the row's maximum: float32, or Q0.31 for the fixed-point arithmetic.
 */
void npusim_softmax_table(
    const uint8_t *x, const int64_t *shape, const int64_t *strides, int x_signed,
    const float *table, float y_scale, int half_up, int32_t y_zero, int32_t low, int32_t high,
    uint8_t *out, const int64_t *out_strides);
void npusim_softmax_onnx(
    const uint8_t *x, const int64_t *shape, const int64_t *strides, int x_signed,
    const float *table, float factor, int32_t y_zero, int32_t low, int32_t high,
    uint8_t *out, const int64_t *out_strides);
void npusim_softmax_fixed_point(
    const uint8_t *x, const int64_t *shape, const int64_t *strides, int x_signed,
    const int32_t *table, int32_t lowest_difference, int32_t sum_integer_bits,
    int64_t newton_start, int64_t newton_slope, int32_t low, int32_t high,
    uint8_t *out, const int64_t *out_strides);

/* Layers are divided among threads from so many MACs a part on (for tests); 0: as usual. */
void npusim_part_from(int64_t macs);

/*
 * Operands that Python has laid out (npusim/kernels/regions.py): a region of inputs [b][g][row][col]
 * [c], and weights; the outputs' sums are [b][y][x][g][filter], added to.
 */
typedef struct {
    const void *region;
    const int64_t *region_shape;
    const void *weights;
    int64_t filters, taps_y, taps_x, out_rows, out_cols;
    int64_t stride_y, stride_x, dilation_y, dilation_x;
    int lanes; /* depthwise: c are 16 channels, each with one of the 16 filters */
} npusim_operands;

/*
 * int32 operands minus their zero points, panels of weights [g][panel][fy][fx][c][16]. Saturating:
 * clamped to `bits` bits, at most 62, after each group of `tree` channels; `narrow` if neither a sum
 * nor a group's products leave int32. Blocked: every `block` channels, counted `first` channels
 * before the region's, have their own scale [g][panel][fy][fx][blocks][16]; their sum wraps to `bits`
 * bits, and `narrow` if it fits int32 and bits <= 32.
 */
void npusim_sum_exact(const npusim_operands *call, int64_t *acc);
void npusim_sum_saturating(
    const npusim_operands *call, int64_t tree, int64_t bits, int narrow, int64_t *acc);
void npusim_sum_blocked(
    const npusim_operands *call, const float *scale, int64_t blocks, int64_t block, int64_t first,
    int64_t bits, int narrow, float *acc);

/*
 * int16 operands, exact sums. Weights in units of two values [g][panel][run][unit][16][2], runs of
 * consecutive inputs at `offsets` (bytes) from a pixel's first one; the products of `chunk` units fit
 * int32. Two bytes behind the region are read. Depthwise: region [b][1][row][col][channel], weights
 * [fy][fx][channel], the products of all taps fit int32; filters = channels.
 */
void npusim_sum_wide(
    const npusim_operands *call, const int64_t *offsets, int64_t runs, int64_t units,
    int64_t chunk, int64_t *acc);
void npusim_sum_wide_depthwise(const npusim_operands *call, int64_t *acc);

/*
 * The drain of int64 sums [b, y, x, g, k] (contiguous) with int64 bias: out has elements of 1 or 2
 * bytes, bounds that fit them, and any strides. The reduced multiplier is a 16-bit `factor` and a
 * shift to the `right`.
 */
enum { NPUSIM_REDUCED_MULTIPLIER = 4 };
void npusim_requantize_wide(
    const int64_t *acc, const int64_t *bias, int arithmetic, const float *scale,
    const double *real_scale, const int64_t *factor, const int64_t *right,
    int32_t zero_point, int32_t low, int32_t high,
    const int64_t *shape, const int64_t *strides, int64_t out_bytes, uint8_t *out);

enum { NPUSIM_GENERIC, NPUSIM_AVX2, NPUSIM_AVX512 };

/* "avx512-vnni", "avx2" or "generic": the instruction set that the convolutions run on. */
const char *npusim_instruction_set(void);

/* Convolutions use instructions up to this set from now on (for tests); layers stay as packed. */
void npusim_limit_instructions(int most);

/*
 * Multiplies and adds in registers only, with the instructions of the convolutions; returns how
 * many MACs that were, 0 if there is no version for this processor.
 */
int64_t npusim_multiply_registers(int64_t rounds);
