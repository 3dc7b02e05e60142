"""Removes nodes whose results nobody reads."""

from __future__ import annotations

from npusim.ir.graph import Graph
from npusim.ir.passes.rewrite import rebuilt


def remove_dead(graph: Graph) -> Graph:
    """`graph` without the nodes that no output depends on."""
    needed = set(graph.results)
    kept = []
    for node in reversed(graph.nodes):
        if needed.intersection(node.outputs):
            kept.append(node)
            needed.update(name for name in node.inputs if name)
    return rebuilt(graph, reversed(kept), {})
