"""A float graph, a scheme and ranges as a quantized graph: borders placed, then fused.

The passes are those that clean up a Q/DQ model of any origin, so the graph is the one that is read
from the written file.
"""

from __future__ import annotations

from dataclasses import replace

from npusim.errors import Problem, UnsupportedModelError, UsageError, nearest_name
from npusim.frontend.onnx.cleanup import clean_up
from npusim.ir.graph import Graph
from npusim.ir.passes.stored_formats import WEIGHTED
from npusim.quantize.calibration import Calibration
from npusim.quantize.dynamic import dynamic_graph
from npusim.quantize.placement import computes, has_constant_weights, placed
from npusim.quantize.scheme import Activations, Scheme


def layers_of(graph: Graph) -> tuple[str, ...]:
    """Names of the nodes that have formats of their own: those that compute on float32."""
    return tuple(node.name for node in graph.nodes if computes(graph, node))


def quantized_graph(
    graph: Graph, scheme: Scheme, calibration: Calibration | None = None, method: str = "minmax"
) -> Graph:
    """The float `graph` in the formats of `scheme`; ranges of activations found by `method`.

    `calibration` is one of `graph` or of one with the same tensors; None where the scheme needs
    none. UsageError for layers that are not there, and for ranges that nobody found;
    UnsupportedModelError for formats that do not go together, and for a float32 layer between
    quantized ones.
    """
    known = layers_of(graph)
    problems = [
        Problem(f"layer '{name}'", f"the model has no such layer{nearest_name(name, known)}")
        for name in scheme.layers
        if name not in known
    ]
    if problems:
        raise UsageError(problems)
    _require_pairs(graph, scheme)
    if scheme.needs_calibration and calibration is None:
        what = "missing: ranges of activations come from samples, about a hundred"
        raise UsageError(Problem("--calibration", what))

    graph = replace(graph, notes=_own_notes(graph))
    if scheme.dynamic:
        return clean_up(dynamic_graph(graph, scheme))

    def range_of(tensor: str, how: Activations) -> tuple[float, float]:
        assert calibration is not None
        return calibration.range_of(tensor, method, how.format, how.symmetric)

    made = clean_up(placed(graph, scheme, range_of))
    _require_kept(made, scheme)
    return made


def _own_notes(graph: Graph) -> tuple[str, ...]:
    """The notes of `graph` but those on what computes in float32, which will not be true."""
    found = clean_up(replace(graph, notes=())).notes
    return tuple(note for note in graph.notes if note not in found)


def _require_pairs(graph: Graph, scheme: Scheme) -> None:
    """UnsupportedModelError for layers with weights in formats that do not go together."""
    problems = []
    for node in graph.nodes:
        refusal = scheme.of(node.name).refusal if has_constant_weights(graph, node) else ""
        if refusal:
            problems.append(Problem(f"layer '{node.name}'", refusal))
    if problems:
        raise UnsupportedModelError(problems)


def _require_kept(made: Graph, scheme: Scheme) -> None:
    """UnsupportedModelError for float32 layers that a pass quantized, as ONNX Runtime would."""
    problems = []
    for node in made.nodes:
        asked = scheme.of(node.name).weights
        weights = made.tensors[node.inputs[1]] if node.op.kind in WEIGHTED else None
        if weights is not None and asked.stays_real and weights.quantization is not None:
            what = (
                "can't stay float32 between quantized layers: ONNX Runtime would quantize its "
                "weights; keep it in fp16"
            )
            problems.append(Problem(f"layer '{node.name}'", what))
    if problems:
        raise UnsupportedModelError(problems)
