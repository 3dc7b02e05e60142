"""The numpy reference: slow, obvious, and the definition of every kernel."""

from __future__ import annotations

from npusim.kernels.reference import (
    add_double_rounding,
    add_one_shift,
    average_pool_integer,
    convolution,
    dequantize_affine,
    max_pool_exact,
    mean_double_rounding,
    mean_float32_rint,
    mul_double_rounding,
    mul_float32_rint,
    quantize_half_away,
    requantize,
    rescale_double_rounding,
    softmax_fixed_point,
    softmax_table,
)

KERNELS = {
    "add_double_rounding": add_double_rounding.add_double_rounding,
    "add_one_shift": add_one_shift.add_one_shift,
    "average_pool_integer": average_pool_integer.average_pool_integer,
    "conv_accumulate": convolution.conv_accumulate,
    "depthwise_accumulate": convolution.depthwise_accumulate,
    "dequantize_affine": dequantize_affine.dequantize_affine,
    "max_pool_exact": max_pool_exact.max_pool_exact,
    "mean_double_rounding": mean_double_rounding.mean_double_rounding,
    "mean_float32_rint": mean_float32_rint.mean_float32_rint,
    "mul_double_rounding": mul_double_rounding.mul_double_rounding,
    "mul_float32_rint": mul_float32_rint.mul_float32_rint,
    "quantize_half_away": quantize_half_away.quantize_half_away,
    "requantize": requantize.requantize,
    "rescale_double_rounding": rescale_double_rounding.rescale_double_rounding,
    "softmax_fixed_point": softmax_fixed_point.softmax_fixed_point,
    "softmax_table": softmax_table.softmax_table,
}
