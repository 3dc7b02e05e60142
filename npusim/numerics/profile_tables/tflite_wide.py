"""Arithmetic of TFLite's operators on 16-bit activations (int16x8 models), zero points 0.

XNNPACK takes no int16: these are LiteRT's built-in kernels, of which few differ between the
reference and the default (`xnnpack.py` has those). What is not here LiteRT does not run on int16
(ELU, HARD_SWISH, L2_NORMALIZATION, ...), or it computes something else there: PRELU takes slopes
without their scale, CONCATENATION values without theirs, the reference SUM half of the bytes.
"""

from __future__ import annotations

WIDE_ARITHMETICS = {
    "clamp/int16": "half_away",
    "conv2d/int16": "reduced_multiplier",
    "fully_connected/int16": "float64_half_away",
    "fully_connected_without_bias/int16": "float64_half_away",
    "matmul/int16": "reduced_multiplier",
    "matmul_symmetric/int16": "reduced_multiplier",
    "transposed_conv2d/int16": "reduced_multiplier",
    "transposed_conv2d_with_gaps/int16": "reduced_multiplier",
    "transposed_conv2d_computed_size/int16": "reduced_multiplier",
    "lstm_cell/int16": "fixed_point",
    "quantize/int16": "half_away",
    "dequantize/int16": "affine",
    "requantize/int16": "double_rounding",
    "requantize_other/int16": "double_rounding",
    "add/int16": "double_rounding_16",
    "add_other/int16": "double_rounding_16",
    "sub/int16": "double_rounding_16",
    "sub_other/int16": "double_rounding_16",
    "mul/int16": "double_rounding",
    "mul_other/int16": "double_rounding",
    "maximum/int16": "through_float",
    "minimum/int16": "through_float",
    "div/int16": "double_rounding",
    "floor_div/int16": "stored",
    "compare/int16": "double_rounding",
    "max_pool/int16": "exact",
    "average_pool/int16": "integer",
    "mean/int16": "double_rounding",
    "reduce_prod/int16": "rounded_factor",
    "relu/int16": "float32_ratio",
    "leaky_relu/int16": "double_rounding",
    "neg/int16": "wrapping",
    "abs/int16": "double_rounding",
    "exp/int16": "table_513",
    "log/int16": "table_513",
    "gelu/int16": "table_513",
    "sqrt/int16": "truncated_lookup",
    "rsqrt/int16": "table_513",
    "logistic/int16": "sigmoid_table",
    "tanh/int16": "sigmoid_table",
    "softmax/int16": "table_513",
    "resize_bilinear/int16": "integer",
    "resize_bilinear_computed_size/int16": "integer",
}
