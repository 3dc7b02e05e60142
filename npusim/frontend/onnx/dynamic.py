"""Quantization at run time: DynamicQuantizeLinear, ConvInteger, MatMulInteger.

The operators of com.microsoft that combine these become the nodes that they stand for.
"""

from __future__ import annotations

import numpy as np

from npusim.frontend.onnx.context import Context
from npusim.frontend.onnx.convolution import filters, operator_of
from npusim.frontend.onnx.errors import UnsupportedNodeError
from npusim.frontend.onnx.products import before, transposed_matrix
from npusim.frontend.onnx.source import Source
from npusim.ir.graph import Node
from npusim.ir.ops.elements.cast import Cast
from npusim.ir.ops.elements.dynamic_quantize import DynamicQuantize
from npusim.ir.ops.pairs.add import Add
from npusim.ir.ops.pairs.mul import Mul
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


def dynamic_quantize_matmul(ctx: Context, source: Source) -> None:
    """com.microsoft DynamicQuantizeMatMul: A, B, B's scale, its zero point, a bias."""
    x = ctx.activation(source, 0)
    if x.format != FP32:
        raise UnsupportedNodeError(f"its input is {x.format.name}, only float32 is supported")
    name = source.outputs[0]
    stored, scale, zero = (
        ctx.add_tensor(f"{name}_{role}", fmt, x.shape if role == "stored" else ())
        for role, fmt in OUTPUTS
    )
    outputs = (stored.name, scale.name, zero.name)
    ctx.nodes.append(Node(f"{source.name}_quantize", DynamicQuantize(), (x.name,), outputs))
    weights = _weights(ctx, source, transposed_matrix(ctx.required_constant(source, 1)))
    zeros = [zero, ctx.activation(source, 3) if source.input(3) else None]
    scales = (scale, ctx.real_constant(source, 2))
    _real_product(ctx, source, [stored, weights, None, *zeros], scales, 4)


def matmul_integer_to_float(ctx: Context, source: Source) -> None:
    """com.microsoft MatMulIntegerToFloat: A, B, their scales, their zero points, a bias."""
    x = ctx.activation(source, 0)
    weights = _weights(ctx, source, transposed_matrix(ctx.required_constant(source, 1)))
    zeros = [ctx.activation(source, at) if source.input(at) else None for at in (4, 5)]
    scales = ctx.activation(source, 2), ctx.real_constant(source, 3)
    _real_product(ctx, source, [x, weights, None, *zeros], scales, 6)


def _real_product(
    ctx: Context, source: Source, operands: list[Tensor | None], scales: tuple[Tensor, Tensor],
    bias_index: int,
) -> None:  # fmt: skip
    """The integer product times both scales, plus a bias where there is one."""
    sums = before(ctx, source, MatMulInteger(keep_num_dims=True), operands, "sums", INT32)
    real = before(ctx, source, Cast(FP32.name), [sums], "reals", FP32)
    scale = before(ctx, source, Mul(), list(scales), "scales")
    if not source.input(bias_index):
        ctx.emit(source, Mul(), [real, scale])
        return
    product = before(ctx, source, Mul(), [real, scale], "product")
    ctx.emit(source, Add(), [product, ctx.real_constant(source, bias_index)])


def _weights(ctx: Context, source: Source, data: np.ndarray) -> Tensor:
    return ctx.add_constant(ctx.name_of(source, 1), data)


def _zeros(ctx: Context, source: Source) -> list[Tensor | None]:
    """Zero points of x and of the weights, None where they are absent."""
    return [ctx.activation(source, at) if source.input(at) else None for at in (2, 3)]
