"""Arithmetic of TFLite's operators on 16-bit activations (int16x8 models), zero points 0.

LiteRT 2.3.0 has one kernel for each, with its delegate or without: XNNPACK takes no int16. What is
not here LiteRT does not run on int16 (ELU, HARD_SWISH, L2_NORMALIZATION ...), or differently from
what its name says.
"""

from __future__ import annotations

WIDE_ARITHMETICS = {
    "clamp/int16": "half_away",
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
    "squared_difference/int16": "double_rounding",
    "compare/int16": "double_rounding",
    "prelu/int16": "double_rounding",
    "max_pool/int16": "exact",
    "average_pool/int16": "integer",
    "mean/int16": "double_rounding",
    "sum/int16": "double_rounding",
    "reduce_prod/int16": "rounded_factor",
    "concat/int16": "double_rounding",
    "relu/int16": "double_rounding",
    "leaky_relu/int16": "double_rounding",
    "abs/int16": "double_rounding",
    "exp/int16": "lookup",
    "log/int16": "lookup",
    "gelu/int16": "lookup",
    "sqrt/int16": "lookup",
    "rsqrt/int16": "lookup",
    "resize_bilinear/int16": "integer",
    "resize_bilinear_computed_size/int16": "integer",
}
