/* float32 to 8-bit integers: x / scale, rounded, plus the zero point. */
#include <math.h>

#include "npusim_kernels.h"

#define FOR_EACH_VALUE(SCALED, BODY)                                                                       \
    for (int64_t i = 0; i < shape[0]; i++)                                                         \
        for (int64_t j = 0; j < shape[1]; j++)                                                     \
            for (int64_t k = 0; k < shape[2]; k++) {                                               \
                const float *values = x + i * strides[0] + j * strides[1] + k * strides[2];        \
                uint8_t *row = out + i * out_strides[0] + j * out_strides[1] + k * out_strides[2]; \
                for (int64_t n = 0; n < shape[3]; n++) {                                           \
                    const float value = values[n * strides[3]];                                    \
                    const float scaled = SCALED;                                                   \
                    BODY                                                                           \
                }                                                                                  \
            }

void npusim_quantize_half_away(
    const float *x, const int64_t *shape, const int64_t *strides, float scale,
    int32_t zero, int32_t low, int32_t high, uint8_t *out, const int64_t *out_strides)
{
    const double least = low - zero, most = high - zero;
    FOR_EACH_VALUE(value / scale, {
        double bounded = isnan(scaled) ? 0.0 : scaled + copysign(0.5, scaled);
        bounded = bounded > least ? bounded : least;
        bounded = bounded < most ? bounded : most;
        row[n * out_strides[3]] = (uint8_t)((int32_t)bounded + zero);
    })
}

void npusim_quantize_onnx(
    const float *x, const int64_t *shape, const int64_t *strides, float scale,
    int32_t zero, int32_t low, int32_t high, uint8_t *out, const int64_t *out_strides)
{
    const float least = (float)(low - zero), most = (float)(high - zero);
    FOR_EACH_VALUE(value / scale, {
        float bounded = scaled > least ? scaled : least;
        bounded = bounded < most ? bounded : most;
        row[n * out_strides[3]] = (uint8_t)((int32_t)rintf(bounded) + zero);
    })
}

void npusim_quantize_rint_reciprocal(
    const float *x, const int64_t *shape, const int64_t *strides, float factor,
    int32_t zero, int32_t low, int32_t high, uint8_t *out, const int64_t *out_strides)
{
    const float least = (float)(low - zero), most = (float)(high - zero);
    FOR_EACH_VALUE(value * factor, {
        float bounded = scaled > least ? scaled : least;
        bounded = bounded < most ? bounded : most;
        row[n * out_strides[3]] = (uint8_t)((int32_t)rintf(bounded) + zero);
    })
}
