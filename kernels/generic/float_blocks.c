/*
 * Sums rounded once by float64 arithmetic: exact for products of any float32 numbers, on any
 * processor. See npusim/numerics/float_sums.py for why.
 */
#include <math.h>
#include <string.h>

#include "floats.h"
#include "processors.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-trapping-math") /* flags of the processor do not matter: vectors */
#endif

static inline uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* a + b rounded to odd: the error of the sum is exact (TwoSum); not a number beside infinities. */
static inline double odd_sum(double a, double b)
{
    const double total = a + b, back = total - a;
    const double error = (a - (total - back)) + (b - back);
    const uint64_t inexact = (error < 0) | (error > 0);
    const uint64_t beyond = (bits_of(error) ^ bits_of(total)) >> 63;
    return double_of((bits_of(total) - (inexact & beyond)) | inexact);
}

/*
 * Adding 2^(e + 52 - m) to a number of exponent e leaves m bits behind the point, rounded to even.
 */
static inline double stored(double value, const float_sums *how)
{
    const double beyond = how->saturates ? how->greatest : HUGE_VAL;
    const double least = how->flushes ? how->least_normal : 0;
    const double size = fabs(value);
    const double scale = size < how->least_normal ? how->least_normal : size;
    const uint64_t exponent = bits_of(scale) & UINT64_C(0x7ff0000000000000);
    const double large = double_of(exponent + ((uint64_t)(52 - how->mantissa_bits) << 52));
    double near = (size + large) - large;
    near = near > how->greatest ? beyond : near;
    near = near < least ? 0 : near;
    return copysign(near, value);
}

/* sums[k] = a[k] + b[k], rounded once. */
static inline void add_lanes(const float_sums *how, const double *a, const double *b, double *sums)
{
    double odd[FLOAT_LANES];
    for (int k = 0; k < FLOAT_LANES; k++)
        odd[k] = odd_sum(a[k], b[k]);
    for (int k = 0; k < FLOAT_LANES; k++)
        sums[k] = stored(odd[k], how);
}

/* The sum of the first `count` rows of `terms`, in its first row: neighbours in pairs. */
static inline void sum_tree(const float_sums *how, double (*terms)[FLOAT_LANES], int64_t count)
{
    for (; count > 1; count = (count + 1) / 2) {
        for (int64_t i = 0; i < count / 2; i++)
            add_lanes(how, terms[2 * i], terms[2 * i + 1], terms[i]);
        if (count % 2)
            memcpy(terms[count / 2], terms[count - 1], sizeof *terms);
    }
}

ON_EACH_PROCESSOR
static void sum_group(
    const float_sums *how, const float_operands *from, int64_t step, int64_t count, int64_t p,
    float *sums)
{
    double(*terms)[FLOAT_LANES] = (double(*)[FLOAT_LANES])from->scratch;
    double total[FLOAT_LANES];
    for (int64_t i = 0; i < count; i++) {
        const float *w = from->panel + (step + i) * FLOAT_LANES;
        const float *x = from->values;
        if (from->each_lane) {
            x += ((step + i) * MOST_FLOAT_PIXELS + p) * FLOAT_LANES;
            for (int k = 0; k < FLOAT_LANES; k++)
                terms[i][k] = (double)w[k] * (double)x[k];
        } else {
            const double value = x[(step + i) * MOST_FLOAT_PIXELS + p];
            for (int k = 0; k < FLOAT_LANES; k++)
                terms[i][k] = (double)w[k] * value;
        }
        for (int k = 0; how->rounds_products && k < FLOAT_LANES; k++)
            terms[i][k] = stored(terms[i][k], how);
    }
    sum_tree(how, terms, count);
    for (int k = 0; k < FLOAT_LANES; k++)
        total[k] = sums[k];
    add_lanes(how, total, terms[0], total);
    for (int k = 0; k < FLOAT_LANES; k++)
        sums[k] = (float)total[k];
}

void float_block_generic(
    const float_sums *how, int kind, const float_operands *from, float (*sums)[FLOAT_LANES])
{
    (void)kind;
    for (int64_t p = 0; p < from->pixels; p++)
        for (int64_t t = 0; t < from->taps; t++)
            for (int64_t c = 0; c < from->channels; c += how->tree) {
                const int64_t left = from->channels - c;
                const int64_t count = left < how->tree ? left : how->tree;
                sum_group(how, from, t * from->channels + c, count, p, sums[p]);
            }
}
