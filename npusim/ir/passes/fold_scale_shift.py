"""Folds a product and a sum with constants per output channel into a float convolution before them.

That is what BatchNormalization of inference is: y = factor * conv(x) + shift. The folded weights
are rounded to float32 once. Quantized weights are left alone: folding would quantize them anew.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from npusim.ir.graph import Graph, Node
from npusim.ir.passes.rewrite import only_reader, rebuilt
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP16, FP32
from npusim.numerics.quantization import Activation

_REALS = (FP16, FP32)


def fold_scale_shift(graph: Graph) -> Graph:
    """`graph` with products and sums folded, repeatedly, until none is left to fold."""
    while True:
        folded = _fold_one(graph)
        if folded is None:
            return graph
        graph = folded


def _fold_one(graph: Graph) -> Graph | None:
    readers = graph.consumers()
    for node in graph.nodes:
        if node.op.kind not in ("conv2d", "fully_connected", "transposed_conv2d"):
            continue
        reader = only_reader(graph, node.outputs[0], readers)
        if reader is None or not _is_plain(graph, node):
            continue
        found = _scale_and_shift(graph, node, reader)
        if found is not None:
            return _folded(graph, node, reader, *found)
    return None


def _scale_and_shift(
    graph: Graph, node: Node, reader: Node
) -> tuple[np.ndarray, np.ndarray] | None:
    """What `reader` makes of the result of `node`, per channel: (factor, shift) in float64."""
    if reader.op.kind == "batch_norm":
        scale, shift = (graph.tensors[name].data for name in reader.inputs[1:])
        assert scale is not None and shift is not None
        return scale.astype(np.float64), shift.astype(np.float64)
    if reader.op.kind not in ("mul", "add"):
        return None
    values = _per_channel(graph, node, reader)
    if values is None:
        return None
    ones, zeros = np.ones(values.size), np.zeros(values.size)
    return (values, zeros) if reader.op.kind == "mul" else (ones, values)


def _is_plain(graph: Graph, node: Node) -> bool:
    """True for constant real weights, a constant real bias or none, and no activation."""
    constants = [graph.tensors[name] for name in node.inputs[1:] if name]
    real = all(tensor.data is not None and tensor.format in _REALS for tensor in constants)
    return real and getattr(node.op, "activation", None) is Activation.NONE


def _per_channel(graph: Graph, node: Node, reader: Node) -> np.ndarray | None:
    """The other operand of `reader` as float64 [channels], None where it is not per channel."""
    others = [name for name in reader.inputs if name != node.outputs[0]]
    out = graph.tensors[node.outputs[0]]
    if len(others) != 1 or getattr(reader.op, "activation", None) is not Activation.NONE:
        return None
    other = graph.tensors[others[0]]
    channels = graph.tensors[node.inputs[1]].shape[0]
    if other.data is None or other.format not in _REALS:
        return None
    axis = getattr(node.op, "channel_axis", -1) % len(out.shape)
    padded = (1,) * (len(out.shape) - len(other.shape)) + other.shape
    along = padded[axis : axis + 1]
    if len(padded) != len(out.shape) or other.size not in (1, channels) or along != (other.size,):
        return None
    return np.broadcast_to(other.data.astype(np.float64).reshape(-1), channels)


def _folded(graph: Graph, node: Node, reader: Node, factor: np.ndarray, shift: np.ndarray) -> Graph:
    weights = graph.tensors[node.inputs[1]]
    assert weights.data is not None
    bias_name = node.inputs[2] if len(node.inputs) > 2 else ""
    bias = graph.tensors[bias_name].data if bias_name else None
    values = np.zeros(factor.size) if bias is None else bias.astype(np.float64).reshape(-1)
    changed: dict[str, Tensor] = {}
    weight_name = node.inputs[1]
    if np.any(factor != 1.0):
        shape = (-1,) + (1,) * (len(weights.shape) - 1)
        scaled = weights.data.astype(np.float64) * factor.reshape(shape)
        weight_name = f"{node.name}_folded_weights"
        data = scaled.astype(weights.data.dtype)
        changed[weight_name] = replace(weights, name=weight_name, data=data)
    folded_bias = f"{node.name}_folded_bias"
    data = (values * factor + shift).astype(weights.data.dtype)
    changed[folded_bias] = Tensor(folded_bias, data.shape, weights.format, None, data)
    merged = Node(node.name, node.op, (node.inputs[0], weight_name, folded_bias), reader.outputs)
    nodes = [merged if each is node else each for each in graph.nodes if each is not reader]
    return rebuilt(graph, nodes, changed)
