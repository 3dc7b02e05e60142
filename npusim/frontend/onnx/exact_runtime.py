"""The entry of an ONNX Runtime session that makes its integer kernels exact on any processor."""

from __future__ import annotations

from npusim.ir.graph import Graph
from npusim.numerics.formats import INT8


def exact_entry(graph: Graph) -> str:
    """The key, whose value is "1": signed activations have one of their own."""
    signed = any(
        tensor.format == INT8 and tensor.quantization is not None and not tensor.is_constant
        for tensor in graph.tensors.values()
    )
    return "session.qdqisint8allowed" if signed else "session.x64quantprecision"
