/* AVX-512: input rows of a depthwise layer brought into units of four bytes, a panel at once. */
#include "blocks.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define TARGET target("avx512f,avx512bw,avx512vl,avx512vnni")

__attribute__((TARGET, always_inline))
static inline __m128i load(const uint8_t *place) { return _mm_loadu_si128((const __m128i *)place); }

__attribute__((TARGET))
void interleave_quads_avx512(
    const uint8_t *const *rows, const int64_t *steps, int64_t cols, uint8_t flip, int32_t zero,
    int64_t used, int64_t apart, uint8_t *units)
{
    /* A row lies in a quarter: first fours of the rows go side by side, then their bytes. */
    const __m512i units_first =
        _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i bytes_first = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    const __m512i flips = _mm512_set1_epi8((char)flip);
    const uint8_t *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];
    const int64_t step_a = steps[0], step_b = steps[1], step_c = steps[2], step_d = steps[3];
    const int64_t whole = used / PANEL_CHANNELS * PANEL_CHANNELS;
    for (int64_t col = 0; col < cols; col++) {
        uint8_t *place = units + col * PANEL_BYTES;
        for (int64_t i = 0; i < whole; i += PANEL_CHANNELS, place += apart) {
            __m512i values = _mm512_castsi128_si512(load(a + i));
            values = _mm512_inserti32x4(values, load(b + i), 1);
            values = _mm512_inserti32x4(values, load(c + i), 2);
            values = _mm512_inserti32x4(values, load(d + i), 3);
            values = _mm512_permutexvar_epi32(units_first, _mm512_xor_si512(values, flips));
            _mm512_storeu_si512(place, _mm512_shuffle_epi8(values, bytes_first));
        }
        a += step_a;
        b += step_b;
        c += step_c;
        d += step_d;
    }
    if (whole < used) {
        const uint8_t *const rest[QUAD] = {
            rows[0] + whole, rows[1] + whole, rows[2] + whole, rows[3] + whole};
        interleave_quads_generic(rest, steps, cols, flip, zero, used - whole, apart,
                                 units + whole / PANEL_CHANNELS * apart);
    }
}
#endif
