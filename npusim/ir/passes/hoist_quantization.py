"""Moves a quantization before the operators that only move or compare values.

An exporter may quantize after a flatten what a pooling computed before it. Quantization is monotone
and element by element, so it may as well come first, where it meets the operator that it belongs
to. A padding qualifies if it pads with the real 0. ONNX Runtime itself hoists over fewer operators,
before it looks for float32 weights between quantized activations.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from npusim.ir.graph import Graph, Node
from npusim.ir.ops.movements.pad import Pad
from npusim.ir.passes.rewrite import (
    free_name,
    is_plain_border,
    only_reader,
    producers,
    rebuilt,
)
from npusim.ir.passes.stored_formats import computes_stored

HOISTED_BY_ONNX_RUNTIME = frozenset({"max_pool", "reshape", "strided_slice", "transpose"})
"""Kinds over which its `QDQPropagationTransformer` moves a QuantizeLinear."""


def hoist_like_onnx_runtime(graph: Graph) -> Graph:
    """`graph` with quantizations hoisted over what ONNX Runtime hoists them over."""
    return hoist_quantization(graph, HOISTED_BY_ONNX_RUNTIME)


def hoist_quantization(graph: Graph, over: Container[str] | None = None) -> Graph:
    """`graph` with quantizations hoisted, repeatedly, until none is left to move.

    `over` are the kinds of operators to pass; without it all that move or compare values.
    """
    while True:
        hoisted = _hoist_one(graph, over)
        if hoisted is None:
            return graph
        graph = hoisted


def _hoist_one(graph: Graph, over: Container[str] | None) -> Graph | None:
    readers = graph.consumers()
    writers = producers(graph)
    for node in graph.nodes:
        if over is not None and node.op.kind not in over:
            continue
        if not node.op.moves or (isinstance(node.op, Pad) and node.op.value):
            continue
        reader = only_reader(graph, node.outputs[0], readers)
        if reader is None or reader.op.kind != "quantize" or not is_plain_border(graph, reader):
            continue
        if not computes_stored(node.op, [graph.tensors[reader.outputs[0]].format], graph.profile):
            continue
        writer = writers.get(node.inputs[0])
        alone = only_reader(graph, node.inputs[0], readers) is node
        if alone and writer is not None and writer.op.kind != "dequantize":
            return _hoisted(graph, node, reader)
    return None


def _hoisted(graph: Graph, node: Node, reader: Node) -> Graph:
    real = graph.tensors[node.inputs[0]]
    target = graph.tensors[reader.outputs[0]]
    name = free_name(f"{real.name}_stored", graph.tensors)
    stored = replace(target, name=name, shape=real.shape)
    op = replace(node.op, value=None) if isinstance(node.op, Pad) else node.op
    first = Node(reader.name, reader.op, (real.name,), (name,))
    second = Node(node.name, op, (name, *node.inputs[1:]), reader.outputs)
    nodes: list[Node] = []
    for each in graph.nodes:
        if each is node:
            nodes.extend((first, second))
        elif each is not reader:
            nodes.append(each)
    return rebuilt(graph, nodes, {name: stored})
