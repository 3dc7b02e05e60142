"""Clean-up of a graph as an exporter wrote it, and the list of what stays outside the integers."""

from __future__ import annotations

from dataclasses import replace

from npusim.errors import Problem
from npusim.ir.graph import Graph, Node
from npusim.ir.passes.assign_layout import assign_layout
from npusim.ir.passes.fold_activation import fold_activation
from npusim.ir.passes.fold_pad import fold_pad
from npusim.ir.passes.fold_scale_shift import fold_scale_shift
from npusim.ir.passes.fuse_quantization import (
    WEIGHTED,
    fuse_quantization,
    weights_are_stored,
)
from npusim.ir.passes.hoist_quantization import hoist_quantization
from npusim.ir.passes.remove_dead import remove_dead
from npusim.numerics.quantization import Activation, clamp_range

PASSES = (
    remove_dead,
    fold_scale_shift,
    fold_activation,
    hoist_quantization,
    fuse_quantization,
    fold_pad,
    remove_dead,
    assign_layout,
)

ROUNDING = "half_even"
"""How QuantizeLinear rounds the bounds of a clamp."""

_BORDERS = ("quantize", "dequantize")


def clean_up(graph: Graph) -> tuple[Graph, list[Problem]]:
    """The graph after all passes, and the nodes that would run in float32 amid integers."""
    for clean in PASSES:
        graph = clean(graph)
    graph = replace(graph, notes=(*graph.notes, *_clamp_notes(graph)))
    if not any(tensor.quantization is not None for tensor in graph.tensors.values()):
        return graph, []
    return graph, [problem for node in graph.nodes for problem in _float_problem(graph, node)]


def _clamp_notes(graph: Graph) -> list[str]:
    """A note if clamps remain that saturation does not imply: ONNX Runtime fuses none of these."""
    clamped = []
    for node in graph.nodes:
        out = graph.tensors[node.outputs[0]]
        activation = getattr(node.op, "activation", Activation.NONE)
        if node.op.kind == "relu" or out.quantization is None or activation is Activation.NONE:
            continue
        whole = (out.format.low, out.format.high)
        if clamp_range(activation, out.format, out.quantization, ROUNDING) != whole:
            clamped.append(f"'{node.name}'")
    if not clamped:
        return []
    return [
        "a clamp that the output's range does not imply follows "
        f"{', '.join(clamped)}: ONNX Runtime runs such nodes in float32, npusim in integers, "
        "so elements can differ by one step"
    ]


def _float_problem(graph: Graph, node: Node) -> list[Problem]:
    inputs, outputs = graph.operands(node)
    data = inputs[: node.op.data_inputs]
    tensors = [tensor for tensor in (*data, *outputs) if tensor is not None]
    if node.op.kind in _BORDERS or all(tensor.format.is_integer for tensor in tensors):
        return []
    if node.op.kind == "reshape":
        return []
    what = f"{node.op.kind} runs in float32 inside a quantized graph, which is not supported"
    if node.op.kind in WEIGHTED and not weights_are_stored(graph, node):
        what = f"{node.op.kind} has weights or a bias that are not quantized"
    return [Problem(f"node '{node.name}'", what)]
