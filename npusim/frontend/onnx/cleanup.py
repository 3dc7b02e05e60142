"""Clean-up of a graph as an exporter wrote it, and a note of what stays outside the integers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from npusim.ir.graph import Graph, Node
from npusim.ir.ops.pairs.pairwise import Pairwise
from npusim.ir.passes.assign_layout import assign_layout
from npusim.ir.passes.drop_clips import drop_clips
from npusim.ir.passes.fold_activation import fold_activation
from npusim.ir.passes.fold_pad import fold_pad
from npusim.ir.passes.fold_scale_shift import fold_scale_shift
from npusim.ir.passes.fold_stored_activation import fold_stored_activation
from npusim.ir.passes.fuse_quantization import fuse_quantization
from npusim.ir.passes.hoist_quantization import hoist_like_onnx_runtime, hoist_quantization
from npusim.ir.passes.mark_resizes import mark_resizes
from npusim.ir.passes.merge_quantizations import merge_quantizations
from npusim.ir.passes.quantize_parameters import quantize_parameters
from npusim.ir.passes.remove_dead import remove_dead
from npusim.numerics.formats import FP32
from npusim.numerics.quantization import Activation, clamp_range

PASSES = (
    remove_dead,
    merge_quantizations,
    fold_scale_shift,
    fold_activation,
    drop_clips,
    hoist_like_onnx_runtime,
    quantize_parameters,
    hoist_quantization,
    fuse_quantization,
    fold_pad,
    mark_resizes,
    remove_dead,
    assign_layout,
)

ROUNDING = "half_even"
"""How QuantizeLinear rounds the bounds of a clamp."""

_BORDERS = ("quantize", "dequantize")


def clean_up(graph: Graph) -> Graph:
    """The graph after all passes, with notes on what runs otherwise than in the framework."""
    for clean in PASSES:
        graph = clean(graph)
    notes = (*graph.notes, *_clamp_notes(graph), *_float_notes(graph))
    # What this folds stands alone in the framework, where it is exact: no note is due.
    return replace(fold_stored_activation(graph), notes=notes)


def _clamp_notes(graph: Graph) -> list[str]:
    """A note if clamps remain that saturation does not imply: ONNX Runtime fuses none of these."""
    clamped = []
    for node in graph.nodes:
        out = graph.tensors[node.outputs[0]]
        activation = getattr(node.op, "activation", Activation.NONE)
        exact = node.op.kind == "relu" or isinstance(node.op, Pairwise)
        if exact or out.quantization is None or activation is Activation.NONE:
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


def _float_notes(graph: Graph) -> list[str]:
    """A note that names what computes in float32, which the host does for most NPUs."""
    real = [node for node in graph.nodes if _computes_reals(graph, node)]
    if not real:
        return []
    kinds = Counter(node.op.kind for node in real)
    named = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    return [
        f"{len(real)} of {len(graph.nodes)} operators compute in float32, on the host where the "
        f"NPU has no fp32: {named}; sums of products are rounded once there, in an order of its "
        "own by ONNX Runtime, so values can differ in their last bits, and what is quantized from "
        "them by one step"
    ]


def _computes_reals(graph: Graph, node: Node) -> bool:
    """True for an operator from float32 to float32 that does more than move values."""
    if node.op.kind in _BORDERS or node.op.moves:
        return False
    return all(graph.tensors[name].format == FP32 for name in (node.inputs[0], *node.outputs))
