"""Folds a clamp (ReLU family) into the operator that computes its input.

Exact in real numbers, and in integers too: the drain clamps after it has rounded, and rounding is
monotone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from npusim.ir.graph import Graph, Node
from npusim.ir.passes.rewrite import only_reader, rebuilt
from npusim.numerics.quantization import Activation


def fold_activation(graph: Graph) -> Graph:
    """`graph` with clamps on reals folded where the producer has no other reader."""
    readers = graph.consumers()
    folded: dict[str, Node] = {}
    nodes = []
    for node in graph.nodes:
        if node.name in folded and folded[node.name] is node:
            continue
        reader = only_reader(graph, node.outputs[0], readers)
        if reader is not None and _can_fold(graph, node, reader):
            op: Any = node.op
            op = replace(op, activation=getattr(reader.op, "activation"))  # noqa: B009
            node = Node(node.name, op, node.inputs, reader.outputs)
            folded[reader.name] = reader
        nodes.append(node)
    return rebuilt(graph, nodes, {})


def _can_fold(graph: Graph, node: Node, reader: Node) -> bool:
    result = graph.tensors[node.outputs[0]]
    return (
        reader.op.kind == "relu"
        and not result.format.is_integer
        and getattr(node.op, "activation", None) is Activation.NONE
    )
