"""Arithmetic of ONNX operators on 16-bit integers between dequantizations and quantizations.

ONNX Runtime 1.31.1 has no 16-bit kernels: it dequantizes, computes in float32 and quantizes, and so
does each of these rows but those of products. These are the integer sums of an array that
multiplies 16-bit operands: exact, then float32_rint. ONNX Runtime's float32 sums round on the way,
and may end one step away. An operator without a row is read as those three.
"""

from __future__ import annotations

from npusim.numerics.formats import INT16, UINT16

_ROWS = {
    "conv2d": "float32_rint",
    "fully_connected": "float32_rint",
    "fully_connected_without_bias": "float32_rint",
    "matmul": "float32_rint",
    "matmul_symmetric": "float32_rint",
    "quantize": "onnx",
    "dequantize": "affine",
    "requantize": "onnx",
    "requantize_other": "onnx",
    "max_pool": "exact",
    "concat": "onnx",
    "add": "through_float",
    "add_other": "through_float",
    "sub": "through_float",
    "sub_other": "through_float",
    "mul": "through_float",
    "mul_other": "through_float",
    "div": "through_float",
    "maximum": "through_float",
    "minimum": "through_float",
    "pow": "through_float",
    "prelu": "through_float",
    "float_add": "through_float",
    "relu": "onnx",
    "clip": "onnx",
    "mean": "through_float",
    "sum": "through_float",
    "reduce_l1": "through_float",
    "reduce_l2": "through_float",
    "reduce_sum_square": "through_float",
    "global_average_pool": "through_float",
    "clamp": "half_even",
}
_FUNCTIONS = (
    "abs", "ceil", "celu", "elu", "erf", "exp", "floor", "gelu", "hard_sigmoid", "hard_swish",
    "leaky_relu", "log", "logistic", "mish", "neg", "reciprocal", "round", "selu", "sign",
    "softplus", "softsign", "sqrt", "tanh", "thresholded_relu",
)  # fmt: skip
"""Functions of one element; their arithmetic is `onnx`."""
ARITHMETICS = {
    f"{kind}/{fmt.name}": row
    for kind, row in {**_ROWS, **dict.fromkeys(_FUNCTIONS, "onnx")}.items()
    for fmt in (INT16, UINT16)
}
ARITHMETICS["resize_bilinear/int16"] = "through_float"
