"""Quantization at run time: DynamicQuantizeLinear, ConvInteger, MatMulInteger."""

from __future__ import annotations

import numpy as np

from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.convolution import filters, operator_of
from npusim.frontend.onnx.errors import UnsupportedNodeError
from npusim.frontend.onnx.products import transposed_matrix
from npusim.frontend.onnx.source import Source
from npusim.ir.ops.elements.dynamic_quantize import DynamicQuantize
from npusim.ir.ops.products.conv_integer import ConvInteger
from npusim.ir.ops.products.matmul_integer import MatMulInteger
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP32, INT32, UINT8

OUTPUTS = (("stored", UINT8), ("scale", FP32), ("zero", UINT8))


def dynamic_quantize_linear(ctx: Context, source: Source) -> None:
    """DynamicQuantizeLinear: one node with three outputs."""
    x = ctx.activation(source, 0)
    if x.format != FP32:
        raise UnsupportedNodeError(f"its input is {x.format.name}, only float32 is supported")
    ctx.emit_each(source, DynamicQuantize(), [x], OUTPUTS)


def conv_integer(ctx: Context, source: Source) -> None:
    """ConvInteger with constant weights."""
    x = ctx.activation(source, 0)
    weights = _weights(ctx, source, filters(ctx.required_constant(source, 1)))
    plain = operator_of(source, x, weights)
    op = ConvInteger(plain.stride, plain.dilation, plain.padding, plain.groups, channel_axis=1)
    ctx.emit(source, op, [x, weights, None, *_zeros(ctx, source)], INT32)


def matmul_integer(ctx: Context, source: Source) -> None:
    """MatMulInteger with a constant right-hand matrix."""
    x = ctx.activation(source, 0)
    weights = _weights(ctx, source, transposed_matrix(ctx.required_constant(source, 1)))
    op = MatMulInteger(keep_num_dims=True)
    ctx.emit(source, op, [x, weights, None, *_zeros(ctx, source)], INT32)


def _weights(ctx: Context, source: Source, data: np.ndarray) -> Tensor:
    return ctx.add_constant(ctx.name_of(source, 1), data)


def _zeros(ctx: Context, source: Source) -> list[Tensor | None]:
    """Zero points of x and of the weights, None where they are absent."""
    return [ctx.activation(source, at) if source.input(at) else None for at in (2, 3)]
