/*
 * Which arithmetic gives the bits of exact sums that are rounded once.
 *
 * A float32 fused multiply-add rounds to 24 bits; rounding that to p bits rounds twice, which is
 * harmless if the product has at most p bits, since 24 >= 2 p + 2 (Figueroa, When is double
 * rounding innocuous, 1995). Products of two FP8 numbers have 8 bits at most, those of two fp16 22.
 * Otherwise the multiply-add is rounded to odd first. Without a rounding mode in the instruction
 * that takes the error of a float32 sum, so the product has to be a float32: at most 24 bits, and
 * neither too small nor too large; a tree begins with sums of two products, one of which has to
 * be a float32 as well. BY_DOUBLES serves all that is left.
 */
#include "floats.h"
#include "npusim_kernels.h"

/*
 * A product below the normal numbers of fp16 may be the middle of two of them, 2^-25 at least. With
 * another one that is tiny the float32 sum would be that middle. Not so for the products of 11 bits
 * from this exponent on: then all sums below 2^-14 have 24 bits.
 */
enum { LEAST_IN_PAIRS = -28 };
enum { FLOAT_BITS = 24, SAFE_LEAST = -100, SAFE_GREATEST = 120 };

#if defined(__x86_64__) && defined(__GNUC__)
static int product_is_float(const float_range *x, const float_range *w)
{
    return x->significant_bits + w->significant_bits <= FLOAT_BITS &&
        x->least_exponent + w->least_exponent >= SAFE_LEAST &&
        x->greatest_exponent + w->greatest_exponent <= SAFE_GREATEST;
}

static int choose_kind(
    const float_sums *how, int trees, int has_modes, const float_range *x, const float_range *w)
{
    const int precision = how->mantissa_bits + 1;
    const int is_float = product_is_float(x, w);
    const int narrow = x->significant_bits + w->significant_bits <= precision;
    if (trees && !is_float)
        return BY_DOUBLES;
    if (precision == FLOAT_BITS)
        return how->rounds_products ? TWICE_FP32 : FUSED_FP32;
    const int is_fp16 = precision == 11;
    if (how->rounds_products)
        return !is_float ? BY_DOUBLES : is_fp16 ? TWICE_FP16 : TWICE_BF16;
    const int middles = trees && x->least_exponent + w->least_exponent < LEAST_IN_PAIRS;
    if (narrow && !(is_fp16 && middles))
        return is_fp16 ? FUSED_FP16 : FUSED_BF16;
    if (has_modes || is_float)
        return is_fp16 ? ODD_FP16 : ODD_BF16;
    return BY_DOUBLES;
}

/* The best set of instructions of this processor that is allowed. */
static int best_instructions(void)
{
    const int limit = instruction_limit();
    const int has_floats = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("f16c");
    if (limit >= NPUSIM_AVX512 && has_floats && __builtin_cpu_supports("avx512f"))
        return NPUSIM_AVX512;
    return limit >= NPUSIM_AVX2 && has_floats ? NPUSIM_AVX2 : NPUSIM_GENERIC;
}
#endif

float_block *choose_floats(
    const float_sums *how, int64_t channels, const float_range *x, const float_range *w, int *kind)
{
    *kind = BY_DOUBLES;
#if defined(__x86_64__) && defined(__GNUC__)
    const int most = best_instructions();
    if (most == NPUSIM_GENERIC)
        return float_block_generic;
    *kind = choose_kind(how, how->tree > 1 && channels > 1, most == NPUSIM_AVX512, x, w);
    if (*kind != BY_DOUBLES)
        return most == NPUSIM_AVX512 ? float_block_avx512 : float_block_avx2;
#else
    (void)how, (void)channels, (void)x, (void)w;
#endif
    return float_block_generic;
}

int64_t npusim_float_registers(int mantissa_bits, int product_bits, int64_t rounds)
{
    const float_sums how = {.mantissa_bits = mantissa_bits, .tree = 1};
    const float_range x = {product_bits / 2, 0, 0}, w = {(product_bits + 1) / 2, 0, 0};
    int kind;
    float_block *block = choose_floats(&how, 1, &x, &w, &kind);
    volatile float result = 0; /* the work is done for it */
#if defined(__x86_64__) && defined(__GNUC__)
    if (block == float_block_avx512)
        result = float_registers_avx512(kind, rounds);
    else if (block == float_block_avx2)
        result = float_registers_avx2(kind, rounds);
#endif
    (void)block;
    return result == 0 ? 0 : rounds * FLOAT_LANES * MOST_FLOAT_PIXELS;
}
