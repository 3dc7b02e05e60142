/*
 * The innermost parts of floating-point convolutions: sums whose every addition is rounded to the
 * accumulator's format. Sixteen outputs lie side by side; the reduction runs in its own order.
 */
#pragma once
#include <stdint.h>

/* TREE_LEVELS suffice for any number of channels. */
enum { FLOAT_LANES = 16, MOST_FLOAT_PIXELS = 12, TREE_LEVELS = 48 };

/* How products become a sum; see npusim/numerics/accumulation.py. Bounds are those of the format. */
typedef struct {
    int mantissa_bits; /* 10 fp16, 7 bf16, 23 fp32 */
    int saturates, flushes, rounds_products;
    int64_t tree;
    double least_normal, greatest;
} float_sums;

/*
 * What makes float32 arithmetic give the bits: FUSED rounds a fused multiply-add, ODD one that was
 * rounded to odd, TWICE the product and then the sum. BY_DOUBLES is exact for everything.
 */
enum {
    BY_DOUBLES, FUSED_FP32, FUSED_FP16, ODD_FP16, FUSED_BF16, ODD_BF16, TWICE_FP32, TWICE_FP16,
    TWICE_BF16
};

/*
 * sums[p][k] gets the products of step after step, taps * channels of them. `each_lane`: lane k of
 * pixel p multiplies values[(step * MOST_FLOAT_PIXELS + p) * FLOAT_LANES + k]; else all lanes
 * values[step * MOST_FLOAT_PIXELS + p]. `panel` is [step][FLOAT_LANES]. There are
 * MOST_FLOAT_PIXELS of values and sums, of which `pixels` matter. scratch: FLOAT_LANES
 * doubles for each product of a tree.
 */
typedef struct {
    const float *values, *panel;
    int64_t pixels, taps, channels;
    int each_lane;
    double *scratch;
} float_operands;

typedef void float_block(
    const float_sums *how, int kind, const float_operands *from, float (*sums)[FLOAT_LANES]);

float_block float_block_generic, float_block_avx2, float_block_avx512;

/* FLOAT_LANES * MOST_FLOAT_PIXELS MACs of a kind a round, in registers only; their sum. */
typedef float float_registers(int kind, int64_t rounds);

float_registers float_registers_avx2, float_registers_avx512;

/* What float32 values have in common. */
typedef struct {
    int significant_bits;      /* of every value */
    int least_exponent, greatest_exponent; /* of values but zeros; IEEE fields minus 127 */
} float_range;

/* The fastest block of this processor for these sums, and its kind. */
float_block *choose_floats(
    const float_sums *how, int64_t channels, const float_range *x, const float_range *w, int *kind);

/* Convolutions use instructions up to this set; see npusim_limit_instructions. */
int instruction_limit(void);
