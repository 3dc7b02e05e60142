/* The drain of int64 sums: what its rows of channels need. */
#pragma once
#include <stdint.h>

/* Factors of a piece of channels, and the output's range. */
typedef struct {
    int arithmetic; /* one of npusim_kernels.h */
    const int64_t *bias;
    const float *scale;
    const double *real_scale;
    const int64_t *factor, *right; /* of the reduced multiplier */
    int32_t zero_point, low, high;
} wide_drain;

/* out[k] = the output of acc[k] for k < count; only if this processor has the instructions. */
int has_reduced_avx512(void);
void row_reduced_avx512(const wide_drain *by, const int64_t *acc, int64_t count, int32_t *out);
