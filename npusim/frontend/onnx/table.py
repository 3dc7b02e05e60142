"""Which function reads which ONNX operator."""

from __future__ import annotations

from collections.abc import Callable

from npusim.frontend.onnx import (
    convolution,
    elementwise,
    movement,
    normalization,
    pairs,
    pooling,
    products,
    quantization,
    unary,
)
from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.source import Source
from npusim.ir.ops.div import Div
from npusim.ir.ops.mul import Mul
from npusim.ir.ops.pow import Pow
from npusim.ir.ops.sub import Sub

OPERATORS: dict[str, Callable[[Context, Source], None]] = {
    **unary.OPERATORS,
    "Add": pairs.add,
    "And": pairs.comparison("logical_and"),
    "AveragePool": pooling.average_pool,
    "BatchNormalization": convolution.batch_normalization,
    "Clip": elementwise.clip,
    "Concat": movement.concat,
    "Conv": convolution.conv,
    "DequantizeLinear": quantization.dequantize_linear,
    "Div": pairs.pair(Div),
    "Dropout": movement.identity,
    "Equal": pairs.comparison("equal"),
    "Flatten": movement.flatten,
    "Gemm": products.gemm,
    "GlobalAveragePool": pooling.global_average_pool,
    "GlobalMaxPool": pooling.global_max_pool,
    "Greater": pairs.comparison("greater"),
    "GreaterOrEqual": pairs.comparison("greater_equal"),
    "Identity": movement.identity,
    "LayerNormalization": normalization.layer_normalization,
    "Less": pairs.comparison("less"),
    "LessOrEqual": pairs.comparison("less_equal"),
    "MatMul": products.matmul,
    "Max": pairs.maximum,
    "MaxPool": pooling.max_pool,
    "Min": pairs.minimum,
    "Mul": pairs.pair(Mul),
    "Not": pairs.logical_not,
    "Or": pairs.comparison("logical_or"),
    "Pad": movement.pad,
    "Pow": pairs.pair(Pow),
    "QLinearConv": convolution.qlinear_conv,
    "QLinearMatMul": products.qlinear_matmul,
    "QuantizeLinear": quantization.quantize_linear,
    "ReduceMean": pooling.reduce_mean,
    "Relu": elementwise.relu,
    "Reshape": movement.reshape,
    "Softmax": elementwise.softmax,
    "Squeeze": movement.squeeze,
    "Sub": pairs.pair(Sub),
    "Transpose": movement.transpose,
    "Unsqueeze": movement.unsqueeze,
    "Where": pairs.where,
    "Xor": pairs.comparison("logical_xor"),
    "com.microsoft.DequantizeLinear": quantization.dequantize_linear,
    "com.microsoft.QGemm": products.qgemm,
    "com.microsoft.QLinearAdd": pairs.qlinear_add,
    "com.microsoft.QLinearAveragePool": pooling.qlinear_average_pool,
    "com.microsoft.QLinearConcat": movement.qlinear_concat,
    "com.microsoft.QLinearGlobalAveragePool": pooling.qlinear_global_average_pool,
    "com.microsoft.QLinearMul": pairs.qlinear_mul,
    "com.microsoft.QLinearSoftmax": elementwise.qlinear_softmax,
    "com.microsoft.QLinearWhere": pairs.qlinear_where,
    "com.microsoft.QuantizeLinear": quantization.quantize_linear,
}
