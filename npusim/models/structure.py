"""What a graph consists of: a digest of its structure, and MACs and parameters by kind of layer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from typing import Any

from npusim.ir.graph import Graph, Node
from npusim.ir.tensor import Tensor


@dataclass(frozen=True)
class LayerKind:
    """All layers of one kind of operator: how many, their MACs, their weights and biases."""

    kind: str
    layers: int
    macs: int
    parameters: int


def macs_of(graph: Graph, node: Node) -> int:
    """Nominal multiply-accumulates of one node; 0 off the MAC array."""
    inputs, outputs = graph.operands(node)
    return node.op.loop_nest(inputs, outputs).macs


def total_macs(graph: Graph) -> int:
    """Nominal multiply-accumulates of one inference."""
    return sum(macs_of(graph, node) for node in graph.nodes)


def layer_kinds(graph: Graph) -> list[LayerKind]:
    """The layers by kind, most MACs first; a depthwise convolution is a kind of its own.

    A constant that several layers read counts for the first one.
    """
    found: dict[str, list[int]] = {}
    counted: set[str] = set()
    for node in graph.nodes:
        names = [name for name in node.inputs if name and name not in counted]
        constants = [graph.tensors[name] for name in names if graph.tensors[name].is_constant]
        counted.update(tensor.name for tensor in constants)
        row = found.setdefault(kind_of(graph, node), [0, 0, 0])
        row[0] += 1
        row[1] += macs_of(graph, node)
        row[2] += sum(tensor.size for tensor in constants)
    kinds = [LayerKind(kind, *row) for kind, row in found.items()]
    return sorted(kinds, key=lambda one: (-one.macs, -one.parameters, -one.layers, one.kind))


def kind_of(graph: Graph, node: Node) -> str:
    """The operator's kind; `depthwise_conv2d` where every channel has its own filters."""
    if node.op.kind != "conv2d" or getattr(node.op, "groups", 1) == 1:
        return node.op.kind
    is_depthwise = graph.tensors[node.inputs[1]].shape[-1] == 1
    return "depthwise_conv2d" if is_depthwise else "conv2d"


def digest(
    name: str,
    nodes: Sequence[Node],
    tensors: Mapping[str, Tensor],
    inputs: Sequence[str],
    outputs: Sequence[str],
) -> str:
    """SHA-256 of operators with their attributes, connections, shapes, formats and scales.

    An attribute at its default is left out, so that a new one changes no digest.
    """
    rows: list[Any] = [name, list(inputs), list(outputs)]
    for node in nodes:
        rows.append([node.name, node.op.kind, _attributes(node.op), node.inputs, node.outputs])
    for tensor in tensors.values():
        scale = None if tensor.quantization is None else tensor.quantization.scale.tobytes().hex()
        zero = None if tensor.quantization is None else tensor.quantization.zero_point.tolist()
        rows.append([tensor.name, tensor.shape, tensor.format.name, scale, zero])
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()


def _attributes(value: Any) -> Any:
    """A dataclass's fields that are not at their default, as plain lists and numbers."""
    if isinstance(value, Enum):
        return value.name
    if not is_dataclass(value):
        return value
    changed = {}
    for field in fields(value):
        default = field.default
        if default is MISSING and field.default_factory is not MISSING:
            default = field.default_factory()
        if (given := getattr(value, field.name)) != default:
            changed[field.name] = _attributes(given)
    return changed
