"""Names of an ONNX file must be text: protobuf gives those that are not UTF-8 as bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from onnx import GraphProto, ModelProto

from npusim.errors import ModelFileError, Problem


def require_text(model: ModelProto, path: Path) -> None:
    """Raise ModelFileError if any name of `model`, its subgraphs included, is not text."""
    domains = (opset.domain for opset in model.opset_import)
    for name in (*domains, *_names(model.graph)):
        if not isinstance(name, str):
            shown = bytes(name).decode("utf-8", "replace")
            what = f"is damaged: a name is not UTF-8 text ('{shown}')"
            raise ModelFileError(Problem(str(path), what))


def _names(graph: GraphProto) -> Iterator[str | bytes]:
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        yield value.name
    for tensor in graph.initializer:
        for entry in tensor.external_data:
            yield from (entry.key, entry.value)
    for value in (*graph.input, *graph.output):
        for dim in value.type.tensor_type.shape.dim:
            yield dim.dim_param
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        for attribute in node.attribute:
            yield attribute.name
            for inner in (attribute.g, *attribute.graphs):
                yield from _names(inner)
