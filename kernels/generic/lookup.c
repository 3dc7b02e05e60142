/* Element-wise operators on 8-bit values: a table of all cases. */
#include "npusim_kernels.h"

#define FOR_EACH_ROW(BODY)                                                                         \
    for (int64_t i = 0; i < shape[0]; i++)                                                         \
        for (int64_t j = 0; j < shape[1]; j++)                                                     \
            for (int64_t k = 0; k < shape[2]; k++) {                                               \
                const uint8_t *row_a = a + i * a_strides[0] + j * a_strides[1] + k * a_strides[2]; \
                BODY                                                                               \
            }

#define ROW_OF(ARRAY, STRIDES) (ARRAY + i * STRIDES[0] + j * STRIDES[1] + k * STRIDES[2])

void npusim_lookup_pairs(
    const uint8_t *a, const int64_t *a_strides, const uint8_t *b, const int64_t *b_strides,
    const uint8_t *table, const int64_t *shape, uint8_t *out, const int64_t *out_strides)
{
    const int64_t step_a = a_strides[3], step_b = b_strides[3], step = out_strides[3];
    FOR_EACH_ROW({
        const uint8_t *row_b = ROW_OF(b, b_strides);
        uint8_t *row = ROW_OF(out, out_strides);
        for (int64_t n = 0; n < shape[3]; n++)
            row[n * step] = table[row_a[n * step_a] * 256 + row_b[n * step_b]];
    })
}

void npusim_lookup_bytes(
    const uint8_t *a, const int64_t *a_strides, const uint8_t *table, const int64_t *shape,
    uint8_t *out, const int64_t *out_strides)
{
    FOR_EACH_ROW({
        uint8_t *row = ROW_OF(out, out_strides);
        for (int64_t n = 0; n < shape[3]; n++)
            row[n * out_strides[3]] = table[row_a[n * a_strides[3]]];
    })
}

void npusim_lookup_floats(
    const uint8_t *a, const int64_t *a_strides, const float *table, const int64_t *shape,
    float *out, const int64_t *out_strides)
{
    FOR_EACH_ROW({
        float *row = ROW_OF(out, out_strides);
        for (int64_t n = 0; n < shape[3]; n++)
            row[n * out_strides[3]] = table[row_a[n * a_strides[3]]];
    })
}
