/* AVX-512: eight int64 sums at once through the drain with a 16-bit multiplier. */
#include "wide_drain.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

int has_reduced_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl");
}

__attribute__((target("avx512f,avx512dq,avx512vl")))
void row_reduced_avx512(const wide_drain *by, const int64_t *acc, int64_t count, int32_t *out)
{
    const __m512i low = _mm512_set1_epi64((int64_t)by->low - by->zero_point);
    const __m512i high = _mm512_set1_epi64((int64_t)by->high - by->zero_point);
    const __m512i zero_point = _mm512_set1_epi64(by->zero_point), one = _mm512_set1_epi64(1);
    for (int64_t k = 0; k < count; k += 8) {
        const __mmask8 used = (__mmask8)(count - k >= 8 ? 0xFF : (1 << (count - k)) - 1);
        const __m512i right = _mm512_maskz_loadu_epi64(used, by->right + k);
        const __m512i half = _mm512_srli_epi64(_mm512_sllv_epi64(one, right), 1);
        const __m512i sum = _mm512_add_epi64(_mm512_maskz_loadu_epi64(used, acc + k),
                                             _mm512_maskz_loadu_epi64(used, by->bias + k));
        const __m512i factor = _mm512_maskz_loadu_epi64(used, by->factor + k);
        __m512i value = _mm512_add_epi64(_mm512_mullo_epi64(sum, factor), half);
        value = _mm512_srav_epi64(value, right);
        value = _mm512_srai_epi64(_mm512_slli_epi64(value, 32), 32); /* as an int32 */
        value = _mm512_min_epi64(_mm512_max_epi64(value, low), high);
        _mm512_mask_cvtepi64_storeu_epi32(out + k, used, _mm512_add_epi64(value, zero_point));
    }
}
#else
int has_reduced_avx512(void) { return 0; }

void row_reduced_avx512(const wide_drain *by, const int64_t *acc, int64_t count, int32_t *out)
{
    (void)by, (void)acc, (void)count, (void)out;
}
#endif
