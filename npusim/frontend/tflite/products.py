"""Convolutions, fully connected layers and matrix products of TFLite."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from npusim.frontend.tflite.source import Imported, Inputs, Source, UnsupportedNodeError, image
from npusim.ir.operator import Operator
from npusim.ir.ops.products.conv2d import Conv2D
from npusim.ir.ops.products.fully_connected import FullyConnected
from npusim.ir.ops.products.matmul import MatMul
from npusim.ir.ops.products.transposed_conv2d import TransposedConv2D
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP32, INT4, INT8, INT16
from npusim.numerics.quantization import Quantization

_INT32, _INT64 = 2, 4
"""Types of a bias, as the schema numbers them."""


def conv(source: Source) -> tuple[Operator, Inputs]:
    x, w = image(source.input(0)), image(source.input(1))
    channels, group_channels = x.shape[3], w.shape[3]
    if group_channels == 0 or channels % group_channels:
        raise ValueError(f"{channels} input channels do not fit weights {w.shape}")
    dilation = source.positive("DilationHFactor"), source.positive("DilationWFactor")
    padding = source.padding(x, w.shape[1:3], dilation)
    groups = channels // group_channels
    op = Conv2D(source.stride(), dilation, padding, groups, source.activation())
    return op, (x, w, source.optional(2))


def depthwise(source: Source) -> tuple[Operator, Inputs]:
    x, w = image(source.input(0)), image(source.input(1))
    if x.format == INT16 and w.format == INT4:
        raise UnsupportedNodeError(
            "int4 weights on int16 inputs, which LiteRT takes for int8, are not supported"
        )
    if w.format == INT4 and x.shape[3] == 1:
        raise UnsupportedNodeError(
            "int4 weights on one input channel, where LiteRT's kernels differ, are not supported"
        )
    if w.shape[0] != 1 or x.shape[3] == 0 or w.shape[3] % x.shape[3]:
        raise ValueError(f"depthwise weights {w.shape} do not fit {x.shape[3]} channels")
    dilation = source.positive("DilationHFactor"), source.positive("DilationWFactor")
    padding = source.padding(x, w.shape[1:3], dilation)
    op = Conv2D(source.stride(), dilation, padding, x.shape[3], source.activation())
    return op, (x, _depthwise_weights(w), source.optional(2))


def transposed_conv(source: Source) -> tuple[Operator, Inputs]:
    """Inputs: the output's shape, weights [O, FY, FX, C], x, bias."""
    w, x, out = image(source.input(1)), image(source.input(2)), image(source.outputs[0])
    asked = tuple(int(extent) for extent in source.constant(0).reshape(-1))
    if asked != out.shape:
        raise ValueError(f"an output of {out.shape} where {asked} is asked for")
    top, left, _, _ = source.padding(out, w.shape[1:3], (1, 1))
    op = TransposedConv2D(
        (out.shape[1], out.shape[2]), source.stride(), (1, 1), (top, left),
        activation=source.activation(), computed_size=source.input(0).name in source.computed,
    )  # fmt: skip
    return op, (x, w, source.optional(3))


def _depthwise_weights(w: Tensor) -> Tensor:
    """Weights [1, FY, FX, O] as [O, FY, FX, 1]."""
    if w.data is None:
        raise UnsupportedNodeError(f"depthwise weights '{w.name}' must be a constant")
    quantization = w.quantization
    if quantization is not None and not quantization.is_per_tensor:
        if quantization.axis != 3:
            raise ValueError(f"depthwise weights '{w.name}' are quantized along another axis")
        quantization = Quantization(quantization.scale, quantization.zero_point, 0)
    data = np.ascontiguousarray(np.transpose(w.data, (3, 1, 2, 0)))
    return replace(w, shape=data.shape, data=data, quantization=quantization)


def fully_connected(source: Source) -> tuple[Operator, Inputs]:
    x, w = source.input(0), source.input(1)
    if source.options.get("WeightsFormat", 0) != 0:
        raise UnsupportedNodeError("shuffled weights are not supported")
    if len(w.shape) != 2:
        raise ValueError(f"weights of rank {len(w.shape)}")
    bias_type = source.options.get("QuantizedBiasType", 0)
    if x.format == INT16 and bias_type == _INT32:
        raise UnsupportedNodeError("16-bit layers with sums of 32 bits are not supported")
    keeps = bool(source.options.get("KeepNumDims", False))
    op = FullyConnected(source.activation(), keeps, x.format == INT16 and bias_type == _INT64)
    return op, (x, w, source.optional(2))


def batch_matmul(source: Source) -> Imported:
    a, b = source.input(0), source.input(1)
    found = {tensor.format for tensor in (a, b, *source.outputs)}
    if found not in ({INT8}, {INT16}, {FP32}):
        names = " and ".join(sorted(fmt.name for fmt in found))
        raise UnsupportedNodeError(
            f"matrices of int8, of int16 or of fp32 are supported, not {names}"
        )
    op = MatMul(bool(source.options.get("AdjX")), bool(source.options.get("AdjY")))
    return op, (a, b)
