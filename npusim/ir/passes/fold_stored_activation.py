"""Folds a clamp of stored integers (ReLU family) into the product or convolution before it.

Where both sides of the clamp have one grid, it rounds nothing: the drain of the operator before it
clamps to the same integers. So is written what ONNX Runtime would else not fuse: a ReLU behind a
grid with codes below zero.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from npusim.ir.graph import Graph, Node
from npusim.ir.passes.rewrite import only_reader, rebuilt
from npusim.ir.passes.stored_formats import WEIGHTED
from npusim.numerics.quantization import Activation


def fold_stored_activation(graph: Graph) -> Graph:
    """`graph` with clamps on one grid folded where the operator before has no other reader."""
    readers = graph.consumers()
    folded: set[str] = set()
    nodes = []
    for node in graph.nodes:
        if node.outputs[0] in folded:
            continue
        reader = only_reader(graph, node.outputs[0], readers)
        if reader is not None and _can_fold(graph, node, reader):
            op: Any = node.op
            op = replace(op, activation=getattr(reader.op, "activation"))  # noqa: B009
            node = Node(node.name, op, node.inputs, reader.outputs)
            folded.add(reader.outputs[0])
        nodes.append(node)
    return rebuilt(graph, nodes, {})


def _can_fold(graph: Graph, node: Node, reader: Node) -> bool:
    before, after = (graph.tensors[each.outputs[0]] for each in (node, reader))
    return (
        node.op.kind in WEIGHTED
        and reader.op.kind == "relu"
        and getattr(node.op, "activation", None) is Activation.NONE
        and before.format.is_integer
        and before.format == after.format
        and before.quantization is not None
        and before.quantization.same_as(after.quantization)
    )
