"""What passes share: who writes a tensor, who reads it, and a graph rebuilt from changed nodes."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace

from npusim.ir.graph import Graph, Node
from npusim.ir.ops.elements.quantize import Quantize
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP32


def producers(graph: Graph) -> dict[str, Node]:
    """For each computed tensor the node that writes it."""
    return {name: node for node in graph.nodes for name in node.outputs}


def only_reader(graph: Graph, name: str, readers: Mapping[str, list[Node]]) -> Node | None:
    """The node that alone reads `name`, if there is one and `name` is not a result."""
    found = readers.get(name, [])
    return found[0] if len(found) == 1 and name not in graph.results else None


def is_plain_border(graph: Graph, node: Node) -> bool:
    """True for a (de)quantization with one scale between float32 and what saturates.

    Only such a border can be a part of the operator beside it.
    """
    real, stored = (graph.tensors[name] for name in (node.inputs[0], node.outputs[0]))
    if node.op.kind == "dequantize":
        real, stored = stored, real
    op = node.op
    plain = not isinstance(op, Quantize) or (op.division == FP32.name and op.saturate)
    one_scale = stored.quantization is not None and stored.quantization.is_per_tensor
    return plain and one_scale and real.format == FP32


def free_name(wish: str, taken: Container[str]) -> str:
    """`wish`, with a number behind it if `taken` has it already."""
    name, number = wish, 1
    while name in taken:
        number += 1
        name = f"{wish}#{number}"
    return name


def rebuilt(graph: Graph, nodes: Iterable[Node], changed: Mapping[str, Tensor]) -> Graph:
    """`graph` with other nodes and tensors; tensors that nothing uses any more are dropped."""
    kept = tuple(nodes)
    used = {*graph.sources, *graph.results}
    for node in kept:
        used.update(name for name in (*node.inputs, *node.outputs) if name)
    merged = {**graph.tensors, **changed}
    tensors = {name: tensor for name, tensor in merged.items() if name in used}
    return replace(graph, nodes=kept, tensors=tensors)
