"""Folds a padding with real zeros into the convolution that reads it, which pads likewise."""

from __future__ import annotations

from dataclasses import replace

from npusim.ir.graph import Graph, Node
from npusim.ir.ops.movements.pad import Pad
from npusim.ir.ops.products.conv2d import Conv2D
from npusim.ir.passes.rewrite import only_reader, rebuilt
from npusim.ir.tensor import Tensor
from npusim.ir.views import canonical_shape


def fold_pad(graph: Graph) -> Graph:
    """`graph` with paddings folded where a convolution is their only reader."""
    readers = graph.consumers()
    wider: dict[str, Node] = {}
    nodes = []
    for node in graph.nodes:
        if node.outputs[0] in wider:
            node = wider[node.outputs[0]]
        reader = only_reader(graph, node.outputs[0], readers)
        if (
            reader is not None
            and isinstance(node.op, Pad)
            and isinstance(reader.op, Conv2D)
            and reader.op.kind == "conv2d"
        ):
            widened = _widened(graph, node, node.op, reader, reader.op)
            if widened is not None:
                wider[reader.outputs[0]] = widened
                continue
        nodes.append(node)
    return rebuilt(graph, nodes, {})


def _widened(graph: Graph, node: Node, pad: Pad, reader: Node, conv: Conv2D) -> Node | None:
    """The convolution with the padding of `pad` added to its own, None where that is not exact."""
    x = graph.tensors[node.inputs[0]]
    if reader.inputs[0] != node.outputs[0] or not _pads_with_zero(pad, x):
        return None
    sides = []
    for side in (0, 1):
        amounts = tuple(pair[side] for pair in pad.padding)
        batch, rows, cols, channels = canonical_shape(amounts, conv.channel_axis)
        rows = 0 if len(amounts) == 3 else rows
        if batch or channels:
            return None
        sides.append((rows, cols))
    (top, left), (bottom, right) = sides
    own = conv.padding
    wider = replace(conv, padding=(own[0] + top, own[1] + left, own[2] + bottom, own[3] + right))
    return Node(reader.name, wider, (node.inputs[0], *reader.inputs[1:]), reader.outputs)


def _pads_with_zero(pad: Pad, x: Tensor) -> bool:
    if pad.value is None:
        return True
    zero = 0 if x.quantization is None else x.quantization.scalar_zero_point
    return pad.value == zero
