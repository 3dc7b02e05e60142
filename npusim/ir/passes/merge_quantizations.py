"""Merges quantizations of one tensor to one scale: exporters may write one for each reader.

What they feed was computed once; seen as one, it is computed in integers, as ONNX Runtime has it
after it removed common subexpressions.
"""

from __future__ import annotations

from dataclasses import replace

from npusim.ir.graph import Graph, Node
from npusim.ir.operator import Operator
from npusim.ir.passes.rewrite import rebuilt


def merge_quantizations(graph: Graph) -> Graph:
    """`graph` with one quantization for each tensor, format and scale; outputs keep their own."""
    first: dict[tuple[str, Operator], list[str]] = {}
    same: dict[str, str] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.op.kind == "quantize" and node.outputs[0] not in graph.outputs:
            written = first.setdefault((node.inputs[0], node.op), [])
            known = _twin(graph, node, written)
            if known:
                same[node.outputs[0]] = known
                continue
            written.append(node.outputs[0])
        inputs = tuple(same.get(name, name) for name in node.inputs)
        nodes.append(replace(node, inputs=inputs))
    return rebuilt(graph, nodes, {}) if same else graph


def _twin(graph: Graph, node: Node, written: list[str]) -> str:
    """The one of the tensors `written` that holds what `node` writes; empty if there is none."""
    mine = graph.tensors[node.outputs[0]]
    for name in written:
        other = graph.tensors[name]
        alike = other.quantization is not None and other.quantization.same_as(mine.quantization)
        if alike and other.format == mine.format:
            return name
    return ""
