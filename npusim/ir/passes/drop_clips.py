"""Drops a clamp of reals that the quantization after it implies, as ONNX Runtime does.

Where every stored value stands for a real inside the bounds, saturation clamps by itself; without
the clamp the operator before it can run on stored integers.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from npusim.ir.graph import Graph, Node
from npusim.ir.ops.elements.clip import Clip
from npusim.ir.passes.rewrite import is_plain_border, only_reader, rebuilt
from npusim.ir.tensor import Tensor
from npusim.numerics.floats import LAYOUTS


def drop_clips(graph: Graph) -> Graph:
    """`graph` without the clamps that saturation implies."""
    readers = graph.consumers()
    source: dict[str, str] = {}
    nodes = []
    for node in graph.nodes:
        reader = only_reader(graph, node.outputs[0], readers)
        if isinstance(node.op, Clip) and _is_implied(graph, node.op, reader):
            source[node.outputs[0]] = node.inputs[0]
            continue
        inputs = tuple(source.get(name, name) for name in node.inputs)
        nodes.append(replace(node, inputs=inputs))
    return rebuilt(graph, nodes, {})


def _is_implied(graph: Graph, clip: Clip, reader: Node | None) -> bool:
    if reader is None or reader.op.kind != "quantize" or not is_plain_border(graph, reader):
        return False
    low, high = _real_range(graph.tensors[reader.outputs[0]])
    return bool(clip.low <= low and high <= clip.high)


def _real_range(y: Tensor) -> tuple[np.float32, np.float32]:
    """What the lowest and the highest stored value stand for."""
    assert y.quantization is not None
    if y.format.is_float:
        greatest = np.float32(LAYOUTS[y.format.name].greatest) * y.quantization.scalar_scale
        return np.float32(-greatest), np.float32(greatest)
    ends = np.array([y.format.low, y.format.high]) - y.quantization.scalar_zero_point
    low, high = ends.astype(np.float32) * y.quantization.scalar_scale
    return low, high
