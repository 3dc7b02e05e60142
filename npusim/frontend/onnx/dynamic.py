"""Quantization at run time: DynamicQuantizeLinear, ConvInteger, MatMulInteger."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.convolution import filters, operator_of
from npusim.frontend.onnx.errors import DamagedNodeError, UnsupportedNodeError
from npusim.frontend.onnx.products import transposed_matrix
from npusim.frontend.onnx.source import Source
from npusim.ir.graph import Node
from npusim.ir.operator import Operator
from npusim.ir.ops.conv_integer import ConvInteger
from npusim.ir.ops.dynamic_quantize import DynamicQuantize
from npusim.ir.ops.matmul_integer import MatMulInteger
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP32, INT32, UINT8

OUTPUTS = (("stored", UINT8), ("scale", FP32), ("zero", UINT8))


def dynamic_quantize_linear(ctx: Context, source: Source) -> None:
    """DynamicQuantizeLinear: one node with three outputs."""
    x = ctx.activation(source, 0)
    if x.format != FP32:
        raise UnsupportedNodeError(f"its input is {x.format.name}, only float32 is supported")
    op = DynamicQuantize()
    shapes = _shapes(op, [x])
    names = []
    for at, ((suffix, fmt), shape) in enumerate(zip(OUTPUTS, shapes, strict=True)):
        given = source.outputs[at] if at < len(source.outputs) else ""
        name = given or f"{source.name}_{suffix}"
        ctx.tensors[name] = Tensor(name, shape, fmt)
        names.append(name)
    ctx.nodes.append(Node(source.name, op, (x.name,), tuple(names)))


def conv_integer(ctx: Context, source: Source) -> None:
    """ConvInteger with constant weights."""
    x = ctx.activation(source, 0)
    weights = _weights(ctx, source, filters(ctx.required_constant(source, 1)))
    plain = operator_of(source, x, weights)
    op = ConvInteger(plain.stride, plain.dilation, plain.padding, plain.groups, channel_axis=1)
    _emit(ctx, source, op, [x, weights, None, *_zeros(ctx, source)])


def matmul_integer(ctx: Context, source: Source) -> None:
    """MatMulInteger with a constant right-hand matrix."""
    x = ctx.activation(source, 0)
    weights = _weights(ctx, source, transposed_matrix(ctx.required_constant(source, 1)))
    _emit(ctx, source, MatMulInteger(keep_num_dims=True), [x, weights, None, *_zeros(ctx, source)])


def _weights(ctx: Context, source: Source, data: np.ndarray) -> Tensor:
    return ctx.add_constant(ctx.name_of(source, 1), data)


def _zeros(ctx: Context, source: Source) -> list[Tensor | None]:
    """Zero points of x and of the weights, None where they are absent."""
    return [ctx.activation(source, at) if source.input(at) else None for at in (2, 3)]


def _emit(ctx: Context, source: Source, op: Operator, inputs: Sequence[Tensor | None]) -> None:
    (shape,) = _shapes(op, inputs)
    ctx.add_node(source.name, op, inputs, source.outputs[0], shape, INT32, None)


def _shapes(op: Operator, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
    try:
        return op.infer_shapes(inputs)
    except ValueError as error:
        raise DamagedNodeError(str(error)) from None
