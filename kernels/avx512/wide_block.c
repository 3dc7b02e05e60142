/* AVX-512 with VNNI on units of two int16: vpdpwssd multiplies pairs and adds them to int32. */
#include "blocks.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#include <string.h>

#define TARGET target("avx512f,avx512bw,avx512vl,avx512vnni")

__attribute__((TARGET, always_inline)) static inline __m512i broadcast_unit(const uint8_t *unit)
{
    int32_t pair;
    memcpy(&pair, unit, sizeof pair);
    return _mm512_set1_epi32(pair);
}

/* `count` is a constant where this is inlined, so that the sums live in registers. */
__attribute__((TARGET, always_inline)) static inline void multiply(
    const int count, const uint8_t *const *pixels, const int64_t *offset, int64_t runs,
    int64_t units, const uint8_t *panel, int32_t (*out)[PANEL_CHANNELS])
{
    __m512i sums[MOST_PIXELS];
    for (int p = 0; p < count; p++)
        sums[p] = _mm512_setzero_si512();
    for (int64_t r = 0; r < runs; r++)
        for (int64_t j = 0; j < units; j++, panel += PANEL_BYTES) {
            const __m512i weights = _mm512_loadu_si512(panel);
            for (int p = 0; p < count; p++)
                sums[p] = _mm512_dpwssd_epi32(
                    sums[p], broadcast_unit(pixels[p] + offset[r] + UNIT_BYTES * j), weights);
        }
    for (int p = 0; p < count; p++)
        _mm512_storeu_si512(out[p], sums[p]);
}

#define COUNT(N) case N: multiply(N, pixels, offset, runs, units, panel, out); break;

__attribute__((TARGET))
void wide_block_avx512(
    const uint8_t *const *pixels, int64_t count, const int64_t *offset, int64_t runs, int64_t units,
    const uint8_t *panel, int32_t (*out)[PANEL_CHANNELS])
{
    switch (count) {
        COUNT(1) COUNT(2) COUNT(3) COUNT(4) COUNT(5) COUNT(6)
        COUNT(7) COUNT(8) COUNT(9) COUNT(10) COUNT(11) COUNT(12)
    }
}
#endif
