"""Arithmetic of every operator: LiteRT's reference kernels."""

from __future__ import annotations

ORACLE = "LiteRT 2.3.0, BUILTIN_REF kernels"
ARITHMETICS = {
    "clamp": "half_away",
    "conv2d": "double_rounding",
    "fully_connected": "float64_half_away",
    "matmul": "double_rounding",
    "add": "double_rounding",
    "mul": "double_rounding",
    "max_pool": "exact",
    "average_pool": "integer",
    "global_average_pool": "double_rounding",
    "mean": "double_rounding",
    "concat": "double_rounding",
    "concat/uint8": "float32_half_away",
    "softmax": "fixed_point",
    "relu": "double_rounding",
    "quantize": "half_away",
    "dequantize": "affine",
    "requantize": "double_rounding",
    "requantize_other": "double_rounding",
    "gelu": "lookup",
    "hard_swish": "fixed_point",
    "logistic": "lookup",
    "tanh": "lookup",
    "layer_norm": "float32",
}
