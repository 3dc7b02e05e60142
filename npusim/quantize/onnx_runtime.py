"""What ONNX Runtime makes of a written file: which nodes it computes in float32, and how far its
outputs are from npusim's.

Where every operator is fused to its 8-bit integer kernel the outputs are equal to the bit, with
`session.x64quantprecision=1` (`session.qdqisint8allowed=1` for signed activations). It has no
kernels for 4-bit weights, weights in blocks, 8-bit floats, fp16 and 16-bit integers: these are
dequantized and computed in float32. Of 8-bit floats its extended optimizer makes integer operators
that it then refuses, so such a file needs the basic level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.frontend.onnx.exact_runtime import exact_entry
from npusim.ir.graph import Graph, Node
from npusim.ir.ops.elements.scaled import FLOATS
from npusim.ir.ops.products.blocked_products import has_blocks
from npusim.ir.passes.stored_formats import WEIGHTED
from npusim.numerics.formats import INT8, UINT8

_EIGHT_BITS = (INT8, UINT8)
_BORDERS = ("quantize", "dequantize", "requantize", "cast", "dynamic_quantize")


@dataclass(frozen=True)
class RuntimeAgreement:
    """`settings` of the session; elements of the outputs that differ, and by how much at most."""

    version: str
    settings: str
    samples: int
    elements: int
    wrong: int
    largest: float


def computed_in_float(graph: Graph) -> list[str]:
    """Names of the nodes that ONNX Runtime computes in float32, though they have narrow operands.

    Operators that have no integer kernel of 8 bits there either are not among them: npusim rounds
    as it does.
    """
    return [node.name for node in graph.nodes if _is_float_there(graph, node)]


def session_notes(graph: Graph) -> list[str]:
    """What a session of ONNX Runtime has to be told to run the file of `graph`."""
    if not _has_narrow_floats(graph):
        return []
    return [
        "ONNX Runtime runs 8-bit floats with graph_optimization_level ORT_ENABLE_BASIC; at its "
        "extended level it makes operators of them that it refuses"
    ]


def _has_narrow_floats(graph: Graph) -> bool:
    return any(tensor.format in FLOATS for tensor in graph.tensors.values())


def _is_float_there(graph: Graph, node: Node) -> bool:
    if node.op.kind in _BORDERS or node.op.moves or node.op.kind.endswith("_integer"):
        return False
    if node.op.kind in WEIGHTED and has_blocks(graph.tensors[node.inputs[1]]):
        return True
    names = [*node.inputs[: 2 if node.op.kind in WEIGHTED else None], *node.outputs]
    formats = [graph.tensors[name].format for name in names if name]
    is_narrow = any(fmt.bits <= 16 for fmt in formats)
    return is_narrow and any(fmt not in _EIGHT_BITS for fmt in formats)


def runtime_agreement(
    content: bytes, graph: Graph, samples: Sequence[Mapping[str, np.ndarray]],
    expected: Mapping[str, np.ndarray],
) -> RuntimeAgreement | None:  # fmt: skip
    """The file `content`, written of `graph`, in ONNX Runtime, beside npusim's `expected` outputs.

    None if the package is not installed. UnsupportedModelError if it does not run the file.
    """
    try:
        import onnxruntime
    except ImportError:
        return None
    options, settings = onnxruntime.SessionOptions(), exact_entry(graph)
    options.add_session_config_entry(settings, "1")
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    settings = f"{settings}=1"
    if _has_narrow_floats(graph):
        level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.graph_optimization_level = level
        settings += ", basic optimization"
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        names = [one.name for one in session.get_outputs()]
        runs = [session.run(names, dict(sample)) for sample in samples]
    except Exception as error:  # the runtime has no common base class for what it raises
        what = f"ONNX Runtime can't run what was written: {str(error).splitlines()[0]}"
        raise UnsupportedModelError(Problem(graph.name, what)) from None
    found = {name: np.concatenate([run[at] for run in runs]) for at, name in enumerate(names)}
    gaps = [np.abs(found[name].astype(np.float64) - expected[name]) for name in names]
    return RuntimeAgreement(
        onnxruntime.__version__, settings, len(samples), sum(gap.size for gap in gaps),
        sum(int((gap != 0).sum()) for gap in gaps), max(float(gap.max()) for gap in gaps),
    )  # fmt: skip
