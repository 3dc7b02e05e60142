/*
 * The drain of floating-point accumulators; see npusim/numerics/float_drain.py. Numbers are rounded
 * to narrower formats by their bits.
 */
#include <string.h>

#include "npusim_kernels.h"
#include "processors.h"

enum { CHUNK = 64, SIZE_BITS = 0x7fffffff, INFINITE = 0x7f800000 };

static inline uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/*
 * The code of a number: exponent and mantissa shifted into place, which carries into the exponent
 * as it has to. What is subnormal counts units of the least number, 2^(e - m): that is the last bit
 * of 2^(e - m + 23), so an addition rounds to it.
 */
static inline uint32_t code_of(float value, const npusim_float_code *as)
{
    const uint32_t size = bits_of(value) & SIZE_BITS;
    const int dropped = 23 - as->mantissa_bits;
    const uint32_t half = (UINT32_C(1) << dropped) >> 1;
    const uint32_t odd = size >> dropped & (half != 0);
    const uint32_t bias = (uint32_t)(as->least_exponent + 126) << 23;
    const uint32_t normal = (size + half - (half != 0) + odd - bias) >> dropped;
    const uint32_t unit = (uint32_t)(as->least_exponent - as->mantissa_bits + 23 + 127) << 23;
    const uint32_t few = bits_of(float_of(size) + float_of(unit)) - unit;
    const uint32_t near = size < bias + (UINT32_C(1) << 23) ? few : normal;
    const uint32_t inside = near > as->greatest || size >= INFINITE ? as->outside : near;
    const uint32_t sign = bits_of(value) >> 31 << as->sign_bit;
    return size > INFINITE ? as->nan : inside | sign;
}

/* `count` results of one pixel's channels, from `first` on. */
static inline void drain_row(
    const npusim_float_drain *with, int64_t first, int64_t count, float *values)
{
    for (int64_t k = 0; with->scale && k < count; k++)
        values[k] *= with->scale[first + k];
    for (int64_t k = 0; with->bias && k < count; k++)
        values[k] += with->bias[first + k];
    for (int64_t k = 0; k < count; k++) {
        const float low = values[k] < with->low ? with->low : values[k];
        values[k] = low > with->high ? with->high : low;
    }
    for (int64_t k = 0; with->divides && k < count; k++)
        values[k] /= with->out_scale;
}

ON_EACH_PROCESSOR
static void drain_chunk(
    const npusim_float_drain *with, const npusim_float_code *as, const float *acc, int64_t first,
    int64_t count, uint8_t *out, int64_t stride)
{
    float values[CHUNK] = {0};
    uint32_t codes[CHUNK];
    memcpy(values, acc, (size_t)count * sizeof *acc);
    drain_row(with, first, count, values);
    for (int64_t k = 0; k < CHUNK; k++)
        codes[k] = code_of(values[k], as);
    for (int64_t k = 0; as->bytes == 1 && k < count; k++)
        out[k * stride] = (uint8_t)codes[k];
    for (int64_t k = 0; as->bytes == 2 && k < count; k++) {
        const uint16_t code = (uint16_t)codes[k];
        memcpy(out + 2 * k * stride, &code, sizeof code);
    }
    for (int64_t k = 0; as->bytes == 4 && k < count; k++)
        memcpy(out + 4 * k * stride, codes + k, sizeof *codes);
}

void npusim_drain_float(
    const float *acc, const npusim_float_drain *with, const npusim_float_code *as,
    const int64_t *shape, const int64_t *strides, uint8_t *out)
{
    const int64_t groups = shape[3], filters = shape[4];
    for (int64_t b = 0; b < shape[0]; b++)
        for (int64_t y = 0; y < shape[1]; y++)
            for (int64_t x = 0; x < shape[2]; x++)
                for (int64_t g = 0; g < groups; g++) {
                    const int64_t place =
                        b * strides[0] + y * strides[1] + x * strides[2] + g * strides[3];
                    for (int64_t k = 0; k < filters; k += CHUNK, acc += CHUNK) {
                        const int64_t left = filters - k;
                        drain_chunk(
                            with, as, acc, g * filters + k, left < CHUNK ? left : CHUNK,
                            out + as->bytes * (place + k * strides[4]), strides[4]);
                        if (left < CHUNK)
                            acc += left - CHUNK;
                    }
                }
}
