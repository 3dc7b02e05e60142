/*
 * 8-bit values minus a zero point, as int16: what the multiplications read. Shared by the
 * convolutions.
 */
#pragma once
#include <stdint.h>

/* destination[i] = source[i * stride] - zero for i < count. */
static inline void widen(
    const uint8_t *source, int64_t stride, int is_signed, int32_t zero, int64_t count,
    int16_t *destination)
{
    const int8_t *source_signed = (const int8_t *)source;
    if (stride != 1) {
        for (int64_t i = 0; i < count; i++) {
            const int32_t value = is_signed ? source_signed[i * stride] : source[i * stride];
            destination[i] = (int16_t)(value - zero);
        }
    } else if (is_signed) {
        for (int64_t i = 0; i < count; i++)
            destination[i] = (int16_t)(source_signed[i] - zero);
    } else {
        for (int64_t i = 0; i < count; i++)
            destination[i] = (int16_t)(source[i] - zero);
    }
}
