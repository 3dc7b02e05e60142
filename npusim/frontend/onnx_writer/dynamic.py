"""Quantization at run time, and the sums of integers that go with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from onnx import helper

from npusim.frontend.onnx_writer.products import Handler, filters
from npusim.frontend.onnx_writer.values import UnwritableError, Values
from npusim.ir.graph import Node
from npusim.ir.ops.products.conv2d import Conv2D


def _dynamic_quantize(values: Values, node: Node) -> None:
    """DynamicQuantizeLinear: integers, their scale, their zero point."""
    inputs = [values.real_value(node.inputs[0])]
    for name in node.outputs:
        values.tensor(name)
    values.nodes.append(
        helper.make_node("DynamicQuantizeLinear", inputs, [*node.outputs], name=node.outputs[0])
    )
    values.stored.update({(name, False): name for name in node.outputs})


def _matmul_integer(values: Values, node: Node) -> None:
    """MatMulInteger."""
    inputs = _integers(values, node, np.transpose)
    name = node.outputs[0]
    values.stored[name, False] = values.emit("MatMulInteger", inputs, name)


def _conv_integer(values: Values, node: Node) -> None:
    """ConvInteger, of channels-first images as ONNX has them."""
    op, rank = node.op, len(values.tensor(node.inputs[0]).shape)
    assert isinstance(op, Conv2D)
    if op.channel_axis % 4 != 1 or rank not in (3, 4):
        raise UnwritableError("sums of channels-last images are not written")
    inputs = _integers(values, node, lambda data: filters(data, rank))
    top, left, bottom, right = op.padding
    pads = [top, left, bottom, right] if rank == 4 else [left, right]
    only = slice(4 - rank, None)
    name = node.outputs[0]
    values.stored[name, False] = values.emit(
        "ConvInteger", inputs, name, strides=[*op.stride][only], pads=pads, group=op.groups,
        dilations=[*op.dilation][only],
    )  # fmt: skip


def _integers(values: Values, node: Node, layout: Callable[[np.ndarray], np.ndarray]) -> list[str]:
    """x, the weights in ONNX's order, and the zero points of both as far as they are there."""
    x, name, *rest = node.inputs
    weights = values.tensor(name)
    if weights.data is None or (rest and rest[0]):
        raise UnwritableError("sums of integers with computed weights or a bias are not written")
    inputs = [values.stored_value(x), values.own_constant(weights, layout(weights.data))]
    zeros = [values.stored_value(zero) if zero else "" for zero in rest[1:]]
    return [*inputs, *(zeros if any(zeros) else [])]


OPERATORS: Mapping[str, Handler] = {
    "conv_integer": _conv_integer,
    "dynamic_quantize": _dynamic_quantize,
    "matmul_integer": _matmul_integer,
}
