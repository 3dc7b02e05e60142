"""Arithmetic of every operator: LiteRT's default delegate.

What the delegate leaves alone runs in the built-in kernels.
"""

from __future__ import annotations

ORACLE = "LiteRT 2.3.0, default delegate"
ARITHMETICS = {
    "clamp": "half_even_sum",
    "clamp/average_pool": "half_away",
    "clamp/relu": "half_away",
    "conv2d": "float32_rint",
    "fully_connected": "float32_rint",
    "matmul": "float32_rint",
    "add": "one_shift",
    "mul": "float32_rint",
    "max_pool": "exact",
    "average_pool": "integer",
    "global_average_pool": "float32_bias",
    "mean": "float32_bias",
    "concat": "double_rounding",
    "concat/uint8": "float32_half_away",
    # Average pooling, softmax and a stand-alone ReLU: the delegate leaves them to the
    # built-in kernels.
    "softmax": "table",
    "relu": "double_rounding",
    "quantize": "rint_reciprocal",
    "dequantize": "affine",
    "requantize": "factor8",
    "requantize_other": "half_up",
    "gelu": "rint_lookup",
    "hard_swish": "rint_lookup",
    "logistic": "rint_lookup",
    "tanh": "rint_lookup",
    "layer_norm": "float32",
}
