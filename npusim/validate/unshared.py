"""A copy of 8-bit weights for each of their readers.

ONNX Runtime 1.31.1 with `session.x64quantprecision` rewrites int8 weights node by node, and refuses
a model of which two nodes share them (`AddInitializedOrtValue`: "Attempt to replace the existing
tensor"). The copies compute the same.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

Place = tuple["NodeProto", int]


def give_each_reader_its_weights(graph: GraphProto) -> None:
    """Change `graph` so that no int8 constant, nor its dequantization, has two readers."""
    from onnx import TensorProto

    int8 = {each.name: each for each in graph.initializer if each.data_type == TensorProto.INT8}
    readers = _readers(graph)
    for at in range(len(graph.node) - 1, -1, -1):
        node = graph.node[at]
        if node.op_type == "DequantizeLinear" and node.input[0] in int8:
            for number, (reader, place) in enumerate(readers[node.output[0]][1:], 2):
                copy = type(node)()
                copy.CopyFrom(node)
                copy.name, copy.output[0] = (
                    f"{name}#{number}" for name in (node.name, node.output[0])
                )
                reader.input[place] = copy.output[0]
                graph.node.insert(at, copy)
    for name, places in _readers(graph).items():
        for number, (reader, place) in enumerate(places[1:] if name in int8 else (), 2):
            data = graph.initializer.add()
            data.CopyFrom(int8[name])
            data.name = reader.input[place] = f"{name}#{number}"


def _readers(graph: GraphProto) -> dict[str, list[Place]]:
    """Who reads each name, and as which input."""
    readers: dict[str, list[Place]] = defaultdict(list)
    for node in graph.node:
        for place, name in enumerate(node.input):
            readers[name].append((node, place))
    return readers
