"""Marks linear resizes of stored integers that ONNX Runtime runs channels last.

It computes QLinearConv channels last and moves the transposition behind it towards the outputs,
over poolings and resizes, and over sums and joins whose data all come from such convolutions. A
resize that is reached has integer weights, one on channels-first data float32 ones. (Over other
operators it moves on if a convolution follows; that is not looked for, and can differ by one step.)
"""

from __future__ import annotations

from dataclasses import replace

from npusim.ir.graph import Graph, Node
from npusim.ir.ops.windows.resize_bilinear import ResizeBilinear
from npusim.ir.passes.rewrite import producers

ALWAYS_PASSED = ("max_pool", "resize_bilinear")
PASSED_INSIDE = ("add", "concat")
"""Passed unless their result is an output of the model."""


def mark_resizes(graph: Graph) -> Graph:
    """`graph` with `behind_conv` set where the module's docstring says so."""
    reached: set[str] = set()
    nodes: list[Node] = []
    for node in graph.nodes:
        op = node.op
        if isinstance(op, ResizeBilinear) and op.stored and node.inputs[0] in reached:
            node = replace(node, op=replace(op, behind_conv=True))
        nodes.append(node)
        if _is_channels_last(graph, node, reached):
            reached.update(node.outputs)
    return replace(graph, nodes=tuple(nodes))


def carriers(graph: Graph) -> frozenset[str]:
    """Tensors that would change the arithmetic of a resize behind them if they were outputs."""
    writers = producers(graph)
    marked = [n for n in graph.nodes if isinstance(n.op, ResizeBilinear) and n.op.behind_conv]
    names = [node.inputs[0] for node in marked]
    found: set[str] = set()
    while names:
        name = names.pop()
        writer = writers.get(name)
        if writer is None or writer.op.kind not in (*ALWAYS_PASSED, *PASSED_INSIDE):
            continue
        if writer.op.kind in PASSED_INSIDE:
            found.update((name, *writer.inputs))
        names.extend(each for each in writer.inputs if each)
    return frozenset(found)


def _is_channels_last(graph: Graph, node: Node, reached: set[str]) -> bool:
    if not graph.tensors[node.outputs[0]].format.is_integer:
        return False
    if node.op.kind == "conv2d":
        return graph.tensors[node.inputs[0]].format.is_integer
    if node.op.kind in PASSED_INSIDE and node.outputs[0] in graph.results:
        return False
    passed = node.op.kind in (*ALWAYS_PASSED, *PASSED_INSIDE)
    return passed and all(name in reached for name in node.inputs if name)
