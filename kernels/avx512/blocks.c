/*
 * AVX-512 with VNNI, units of four bytes: vpdpbusd multiplies unsigned by signed bytes and adds
 * the four products to int32 without a saturation between, so no weights need care.
 */
#include "blocks.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#include <string.h>

#define TARGET target("avx512f,avx512bw,avx512vl,avx512vnni")
#define AVX512 __attribute__((TARGET, always_inline)) static inline

AVX512 __m512i broadcast_unit(const uint8_t *unit)
{
    int32_t quad;
    memcpy(&quad, unit, sizeof quad);
    return _mm512_set1_epi32(quad);
}

/* `count` is a constant where this is inlined, so that the sums live in registers. */
AVX512 void multiply(
    const int count, const uint8_t *const *pixels, const int64_t *offset, int64_t runs,
    int64_t units, const uint8_t *panel, int32_t (*out)[PANEL_CHANNELS])
{
    __m512i sums[MOST_PIXELS];
#pragma GCC unroll 12 /* registers, not a loop that clears memory */
    for (int p = 0; p < count; p++)
        sums[p] = _mm512_setzero_si512();
    for (int64_t r = 0; r < runs; r++) {
        const uint8_t *values[MOST_PIXELS];
        for (int p = 0; p < count; p++)
            values[p] = pixels[p] + offset[r];
        for (int64_t j = 0; j < units; j++, panel += PANEL_BYTES) {
            const __m512i weights = _mm512_loadu_si512(panel);
            for (int p = 0; p < count; p++)
                sums[p] = _mm512_dpbusd_epi32(
                    sums[p], broadcast_unit(values[p] + UNIT_BYTES * j), weights);
        }
    }
    for (int p = 0; p < count; p++)
        _mm512_storeu_si512(out[p], sums[p]);
}

#define COUNT(N) case N: multiply(N, pixels, offset, runs, units, panel, out); break;

__attribute__((TARGET))
void mac_block_avx512(
    const uint8_t *const *pixels, int64_t count, const int64_t *offset, int64_t runs, int64_t units,
    const uint8_t *panel, int32_t (*out)[PANEL_CHANNELS])
{
    switch (count) {
        COUNT(1) COUNT(2) COUNT(3) COUNT(4) COUNT(5) COUNT(6)
        COUNT(7) COUNT(8) COUNT(9) COUNT(10) COUNT(11) COUNT(12)
    }
}

AVX512 void multiply_taps(
    const int count, const uint8_t *pixels, int64_t step, const int64_t *offset, int64_t taps,
    const uint8_t *weights, int32_t (*row_0)[PANEL_CHANNELS], int32_t (*row_1)[PANEL_CHANNELS])
{
    __m512i first[8], second[8];
    for (int p = 0; p < count; p++)
        first[p] = second[p] = _mm512_setzero_si512();
    for (int64_t t = 0; t < taps; t++, weights += 2 * PANEL_BYTES) {
        const __m512i weights_0 = _mm512_loadu_si512(weights);
        const __m512i weights_1 = _mm512_loadu_si512(weights + PANEL_BYTES);
        const uint8_t *place = pixels + offset[t];
        for (int p = 0; p < count; p++, place += step) {
            const __m512i values = _mm512_loadu_si512(place);
            first[p] = _mm512_dpbusd_epi32(first[p], values, weights_0);
            second[p] = _mm512_dpbusd_epi32(second[p], values, weights_1);
        }
    }
    for (int p = 0; p < count; p++) {
        _mm512_storeu_si512(row_0[p], first[p]);
        _mm512_storeu_si512(row_1[p], second[p]);
    }
}

__attribute__((TARGET))
void tap_block_avx512(
    const uint8_t *pixels, int64_t count, int64_t step, const int64_t *offset, int64_t taps,
    const uint8_t *weights, int32_t (*row_0)[PANEL_CHANNELS], int32_t (*row_1)[PANEL_CHANNELS])
{
    int64_t p = 0;
    for (; p + 8 <= count; p += 8)
        multiply_taps(8, pixels + p * step, step, offset, taps, weights, row_0 + p, row_1 + p);
    for (; p < count; p++)
        multiply_taps(1, pixels + p * step, step, offset, taps, weights, row_0 + p, row_1 + p);
}
#endif
