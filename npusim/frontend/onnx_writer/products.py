"""Convolutions and matrix products as ONNX writes them.

Weights are brought from [O, FY, FX, C] to [O, C, FY, FX]; a bias is int32 in the scale of the
input times that of the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

import numpy as np

from npusim.frontend.onnx_writer.results import finish
from npusim.frontend.onnx_writer.values import UnwritableError, Values, real_format
from npusim.ir.graph import Node
from npusim.ir.ops.products.conv2d import Conv2D
from npusim.ir.ops.products.fully_connected import FullyConnected
from npusim.ir.ops.products.matmul import MatMul
from npusim.ir.ops.products.transposed_conv2d import TransposedConv2D
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import INT32
from npusim.numerics.quantization import Quantization

Handler = Callable[[Values, Node], None]


def is_turned(op: object, tensor: Tensor) -> bool:
    """True for an operator on images whose channels are last, which ONNX wants in front."""
    return len(tensor.shape) == 4 and getattr(op, "channel_axis", 1) % 4 == 3


def conv(values: Values, node: Node) -> None:
    """Conv."""
    op, x = node.op, values.tensor(node.inputs[0])
    assert isinstance(op, Conv2D)
    turned = is_turned(op, x)
    top, left, bottom, right = op.padding
    pads, strides, dilations = [top, left, bottom, right], [*op.stride], [*op.dilation]
    if len(x.shape) == 3:
        pads, strides, dilations = [left, right], strides[1:], dilations[1:]
    inputs = [
        values.real_value(node.inputs[0], turned),
        _weights(values, node, lambda data: filters(data, len(x.shape)), 0),
        *_bias(values, node),
    ]
    finish(
        values, node.outputs[0], "Conv", inputs, first=turned, activation=op.activation,
        strides=strides, pads=pads, dilations=dilations, group=op.groups,
    )  # fmt: skip


def transposed_conv(values: Values, node: Node) -> None:
    """ConvTranspose: rows and columns that its padding leaves too many or too few are named."""
    op, x = node.op, values.tensor(node.inputs[0])
    assert isinstance(op, TransposedConv2D)
    turned = is_turned(op, x)
    weights = values.tensor(node.inputs[1])
    if op.groups > 1 and weights.quantization and not weights.quantization.is_per_tensor:
        raise UnwritableError("a grouped transposed convolution per channel is not written")
    image = x.shape[1:3] if turned else (1, *x.shape[2:])[-2:]
    before, after, more = list(op.padding), [], []
    for at in range(2):
        taps = (weights.shape[1 + at] - 1) * op.dilation[at] + 1
        rest = (image[at] - 1) * op.stride[at] + taps - before[at] - op.size[at]
        after.append(max(rest, 0))
        more.append(max(-rest, 0))
    if any(extra >= max(op.stride[at], op.dilation[at]) for at, extra in enumerate(more)):
        raise UnwritableError(f"an output of {op.size} is larger than ONNX lets it be")
    only = slice(4 - len(x.shape), None)
    inputs = [
        values.real_value(node.inputs[0], turned),
        _weights(values, node, lambda data: _transposed_filters(data, op.groups, len(x.shape)), 1),
        *_bias(values, node),
    ]
    finish(
        values, node.outputs[0], "ConvTranspose", inputs, first=turned, activation=op.activation,
        strides=[*op.stride][only], dilations=[*op.dilation][only], group=op.groups,
        pads=[*before[only], *after[only]], output_padding=more[only],
    )  # fmt: skip


def fully_connected(values: Values, node: Node) -> None:
    """Gemm, or MatMul where there is no bias and the leading axes stay."""
    op, (name, out) = node.op, (node.inputs[0], node.outputs[0])
    assert isinstance(op, FullyConnected)
    x, units = values.tensor(name), values.tensor(node.inputs[1]).shape[0]
    depth = values.tensor(node.inputs[1]).shape[1]
    bias = _bias(values, node)
    if op.keep_num_dims and not bias:
        weights = _weights(values, node, np.transpose, 1)
        inputs = [values.real_value(name), weights]
        finish(values, out, "MatMul", inputs, activation=op.activation)
        return
    rows = values.real_value(name)
    weights = _weights(values, node, lambda data: data, 0)
    if len(x.shape) != 2 or x.shape[1] != depth:
        rows = _reshaped(values, name, (-1, depth))
    shape = values.tensor(out).shape
    if len(shape) == 2:
        finish(values, out, "Gemm", [rows, weights, *bias], activation=op.activation, transB=1)
        return
    if op.activation.value != (None, None):
        raise UnwritableError(f"a clamp behind rows of shape {list(shape)} is not written")
    flat = values.emit("Gemm", [rows, weights, *bias], values.fresh(f"{out}_rows"), transB=1)
    flat = _quantized_again(values, out, flat)
    target = values.constant(f"{out}_shape", np.array([*shape[:-1], units], np.int64))
    finish(values, out, "Reshape", [flat, target])


def matmul(values: Values, node: Node) -> None:
    """MatMul of two tensors; one that is stored the other way round goes through a Transpose."""
    op = node.op
    assert isinstance(op, MatMul)
    sides = zip(node.inputs, (op.transpose_a, op.transpose_b), strict=True)
    inputs = [_matrix(values, name, turned) for name, turned in sides]
    finish(values, node.outputs[0], "MatMul", inputs)


def _matrix(values: Values, name: str, turned: bool) -> str:
    tensor = values.tensor(name)
    if not turned:
        return values.real_value(name)
    rank = len(tensor.shape)
    order = [*range(rank - 2), rank - 1, rank - 2]
    stored = values.emit(
        "Transpose", [values.stored_value(name)], values.fresh(f"{name}_transposed"), perm=order
    )
    return _real(values, name, stored)


def _reshaped(values: Values, name: str, shape: tuple[int, ...]) -> str:
    """The real values of tensor `name` in another shape; the reshape is on stored integers."""
    target = values.constant(f"{name}_rows_shape", np.array(shape, np.int64))
    stored = values.emit(
        "Reshape", [values.stored_value(name), target], values.fresh(f"{name}_rows")
    )
    return _real(values, name, stored)


def _real(values: Values, name: str, stored: str) -> str:
    """The real values of `stored`, which holds tensor `name` in another shape."""
    quantization = values.tensor(name).quantization
    if quantization is None:
        return stored
    if not quantization.is_per_tensor:
        raise UnwritableError(f"'{name}' has several scales and another shape: that is not written")
    return values.dequantized(stored, name)


def _quantized_again(values: Values, name: str, value: str) -> str:
    """`value` through the grid of tensor `name`, and back to reals."""
    if values.tensor(name).quantization is None:
        return value
    stored = values.quantized(value, name, values.fresh(f"{value}_stored"))
    return values.dequantized(stored, name)


def _weights(
    values: Values, node: Node, layout: Callable[[np.ndarray], np.ndarray], axis: int
) -> str:
    """Constant weights in ONNX's order, whose output channels are at `axis`."""
    tensor = values.tensor(node.inputs[1])
    if tensor.data is None:
        raise UnwritableError(f"weights '{tensor.name}' that are computed are not written")
    stored = values.own_constant(tensor, layout(tensor.data))
    old = tensor.quantization
    if old is None:
        return stored
    placed = Quantization(old.scale, old.zero_point, None if old.is_per_tensor else axis)
    if old.block is not None:
        if node.op.kind == "transposed_conv2d" or old.axis is None:
            raise UnwritableError(f"blocks of '{tensor.name}' are not written")
        placed = _placed_blocks(old, tensor.shape, layout)
    real = real_format(values.tensor(node.inputs[0]))
    return values.behind(stored, values.grid(stored, placed, tensor.format, real))


def _placed_blocks(
    old: Quantization, shape: tuple[int, ...], layout: Callable[[np.ndarray], np.ndarray]
) -> Quantization:
    """Scales of blocks, with an extent for each axis of ONNX's order."""
    assert old.axis is not None
    along = old.axis % len(shape)
    blocks = tuple(
        old.scale.shape[at] if at == along else extent for at, extent in enumerate(shape)
    )
    scale, zero = (layout(np.broadcast_to(v, blocks)) for v in (old.scale, old.zero_point))
    places = layout(np.arange(prod(shape)).reshape(shape))
    stride = prod(shape[along + 1 :]) * places.itemsize
    axis = next(
        at
        for at, extent in enumerate(places.shape)
        if extent == shape[along] and places.strides[at] == stride
    )
    return Quantization(scale, zero, axis, old.block)


def _bias(values: Values, node: Node) -> list[str]:
    """The bias as a list of one, or of none."""
    if len(node.inputs) < 3 or not node.inputs[2]:
        return []
    bias = values.tensor(node.inputs[2])
    if bias.data is None:
        raise UnwritableError(f"a bias '{bias.name}' that is computed is not written")
    flat = bias.data.reshape(-1)
    if bias.format.is_float:
        return [values.own_constant(bias, flat)]
    if bias.format != INT32:
        raise UnwritableError(f"'{bias.name}' is {bias.format.name}: ONNX has scales of int32 only")
    x, weights = values.tensor(node.inputs[0]), values.tensor(node.inputs[1])
    if x.quantization is None or weights.quantization is None:
        raise UnwritableError(f"'{bias.name}' is {bias.format.name} beside unquantized tensors")
    if weights.quantization.block is not None:
        raise UnwritableError(f"'{bias.name}' beside scales of blocks is not written")
    scale = (x.quantization.scalar_scale * weights.quantization.scale).astype(np.float32)
    if not np.all(np.isfinite(scale) & (scale > 0)):
        raise UnwritableError(f"the scale of '{bias.name}' is outside float32")
    zeros = np.zeros(scale.size, np.int32)
    axis = 0 if scale.size > 1 else None
    stored = values.own_constant(bias, flat)
    return [values.behind(stored, values.grid(stored, Quantization(scale, zeros, axis), INT32))]


def filters(data: np.ndarray, rank: int) -> np.ndarray:
    """[O, FY, FX, C] as [O, C, FY, FX], without FY for an input of rank 3."""
    moved = np.moveaxis(data, -1, 1)
    return moved[:, :, 0] if rank == 3 else moved


def _transposed_filters(data: np.ndarray, groups: int, rank: int) -> np.ndarray:
    """[G*K, FY, FX, C] as [G*C, K, FY, FX], without FY for an input of rank 3."""
    grouped = data.reshape(groups, -1, *data.shape[1:])
    moved = np.moveaxis(grouped, -1, 1)
    joined = moved.reshape(-1, *moved.shape[2:])
    return joined[:, :, 0] if rank == 3 else joined


OPERATORS: Mapping[str, Handler] = {
    "conv2d": conv,
    "fully_connected": fully_connected,
    "matmul": matmul,
    "transposed_conv2d": transposed_conv,
}
