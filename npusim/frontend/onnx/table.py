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
    recurrent,
    reductions,
    resizing,
    slicing,
    transposed,
    unary,
)
from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.source import Source

OPERATORS: dict[str, Callable[[Context, Source], None]] = {
    **pairs.OPERATORS,
    **reductions.OPERATORS,
    **resizing.OPERATORS,
    **slicing.OPERATORS,
    **unary.OPERATORS,
    "AveragePool": pooling.average_pool,
    "BatchNormalization": normalization.batch_normalization,
    "Clip": elementwise.clip,
    "Concat": movement.concat,
    "Conv": convolution.conv,
    "ConvTranspose": transposed.conv_transpose,
    "DequantizeLinear": quantization.dequantize_linear,
    "Dropout": movement.identity,
    "Flatten": movement.flatten,
    "GRU": recurrent.gru,
    "Gemm": products.gemm,
    "GlobalAveragePool": pooling.global_average_pool,
    "GlobalMaxPool": pooling.global_max_pool,
    "Identity": movement.identity,
    "InstanceNormalization": normalization.instance_normalization,
    "LSTM": recurrent.lstm,
    "LayerNormalization": normalization.layer_normalization,
    "MatMul": products.matmul,
    "MaxPool": pooling.max_pool,
    "Pad": movement.pad,
    "QLinearConv": convolution.qlinear_conv,
    "QLinearMatMul": products.qlinear_matmul,
    "QuantizeLinear": quantization.quantize_linear,
    "RNN": recurrent.rnn,
    "Relu": elementwise.relu,
    "Reshape": movement.reshape,
    "Softmax": elementwise.softmax,
    "Squeeze": movement.squeeze,
    "Transpose": movement.transpose,
    "Unsqueeze": movement.unsqueeze,
    "com.microsoft.DequantizeLinear": quantization.dequantize_linear,
    "com.microsoft.QGemm": products.qgemm,
    "com.microsoft.QLinearAveragePool": pooling.qlinear_average_pool,
    "com.microsoft.QLinearConcat": movement.qlinear_concat,
    "com.microsoft.QLinearGlobalAveragePool": pooling.qlinear_global_average_pool,
    "com.microsoft.QLinearSoftmax": elementwise.qlinear_softmax,
    "com.microsoft.QuantizeLinear": quantization.quantize_linear,
}
