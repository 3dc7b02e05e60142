"""Arithmetic of every operator: TOSA without double rounding."""

from __future__ import annotations

ORACLE = "TOSA RESCALE without double rounding"
ARITHMETICS = {
    "clamp": "half_away",
    "conv2d": "single_rounding",
    "fully_connected": "single_rounding",
    "matmul": "single_rounding",
    "add": "double_rounding",
    "mul": "double_rounding",
    "max_pool": "exact",
    "average_pool": "integer",
    "global_average_pool": "double_rounding",
    "mean": "double_rounding",
    "concat": "double_rounding",
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
