"""Arithmetic of every operator: ONNX Runtime."""

from __future__ import annotations

ORACLE = "ONNX Runtime 1.31.1, CPU, session.x64quantprecision=1"
ARITHMETICS = {
    "clamp": "half_even",
    "conv2d": "float32_rint",
    "fully_connected": "float32_rint",
    "matmul": "float32_rint",
    "add": "onnx",
    "mul": "onnx",
    "max_pool": "exact",
    "average_pool": "onnx",
    "global_average_pool": "float32_rint",
    "mean": "onnx",
    "concat": "onnx",
    "softmax": "onnx",
    "relu": "onnx",
    "quantize": "onnx",
    "dequantize": "affine",
    "requantize": "onnx",
    "requantize_other": "onnx",
    "gelu": "onnx",
    "hard_swish": "onnx",
    "logistic": "onnx",
    "tanh": "onnx",
    "layer_norm": "float32",
}
