"""Fuses dequantize, operator, quantize into the operator on stored integers (Q/DQ fusion).

Operators that only move or compare values are carried over a dequantization whatever follows, since
they commute with it; those that only look at the order of values (argmax) read the stored integers;
the others are fused if all their data is dequantized (or, of pairs, one side a
float32 constant) and one quantization reads their result. What can't be fused stays as it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from npusim.ir.graph import Graph, Node
from npusim.ir.ops.elements.dequantize import Dequantize
from npusim.ir.ops.elements.requantize import Requantize
from npusim.ir.ops.movements.pad import Pad
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.passes.remove_dead import remove_dead
from npusim.ir.passes.rewrite import free_name, only_reader, rebuilt
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import INT8, INT32, UINT8

WEIGHTED = ("conv2d", "fully_connected", "transposed_conv2d")
BORDERS = ("quantize", "dequantize")


def fuse_quantization(graph: Graph) -> Graph:
    """`graph` with operators on stored integers where the module's docstring says so."""
    return _Fusion(graph).result()


class _Fusion:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.readers = graph.consumers()
        self.stored: dict[str, Tensor] = {}
        """For each dequantized tensor its stored integers."""
        self.nodes: list[Node] = []
        self.changed: dict[str, Tensor] = {}
        self.done: set[str] = set()
        """Outputs of quantizations that were fused."""

    def result(self) -> Graph:
        """The new graph."""
        for node in self.graph.nodes:
            if node.outputs[0] not in self.done:
                self._visit(node)
        return remove_dead(rebuilt(self.graph, self.nodes, self.changed))

    def _visit(self, node: Node) -> None:
        kind = node.op.kind
        if kind == "dequantize":
            self.stored[node.outputs[0]] = self._tensor(node.inputs[0])
        elif kind == "quantize" and node.inputs[0] in self.stored:
            self._requantize(node, self.stored[node.inputs[0]])
            return
        elif node.op.moves:
            if self._move(node):
                return
        elif node.op.compares:
            names = tuple(self._stored_name(name) for name in node.inputs)
            node = Node(node.name, node.op, names, node.outputs)
        elif node.op.quantizable and kind not in BORDERS and self._compute(node):
            return
        self.nodes.append(node)

    def _tensor(self, name: str) -> Tensor:
        return self.changed.get(name, self.graph.tensors[name])

    def _quantized_reader(self, node: Node) -> Node | None:
        """The quantization that alone reads the result of `node`."""
        reader = only_reader(self.graph, node.outputs[0], self.readers)
        return reader if reader is not None and reader.op.kind == "quantize" else None

    def _requantize(self, node: Node, x: Tensor) -> None:
        y = self._tensor(node.outputs[0])
        if _is_alike(x, y):
            self.nodes.append(Node(node.name, Reshape(y.shape), (x.name,), node.outputs))
        else:
            self.nodes.append(Node(node.name, Requantize(), (x.name,), node.outputs))

    def _move(self, node: Node) -> bool:
        """Carry a moving operator over the dequantization of its input."""
        x = self.stored.get(node.inputs[0])
        if x is None:
            return False
        reader = self._quantized_reader(node)
        if reader is not None and not _is_alike(x, self._tensor(reader.outputs[0])):
            reader = None
        op = _on_integers(node, x, rounds=reader is not None)
        if op is None:
            return False
        if reader is not None:
            self.nodes.append(Node(node.name, op, (x.name, *node.inputs[1:]), reader.outputs))
            self.done.add(reader.outputs[0])
            return True
        real = self._tensor(node.outputs[0])
        name = free_name(f"{real.name}_stored", {**self.graph.tensors, **self.changed})
        moved = replace(x, name=name, shape=real.shape, data=None)
        self.changed[moved.name] = moved
        self.nodes.append(Node(node.name, op, (x.name, *node.inputs[1:]), (moved.name,)))
        back = Node(f"{node.name}_dequantize", Dequantize(), (moved.name,), node.outputs)
        self.nodes.append(back)
        self.stored[real.name] = moved
        return True

    def _compute(self, node: Node) -> bool:
        """Fuse a computing operator with the quantization of its result."""
        weighted = node.op.kind in WEIGHTED
        data = node.inputs[: 1 if weighted else node.op.data_inputs]
        reader = self._quantized_reader(node)
        if reader is None or not self._are_stored(node, data):
            return False
        if weighted and not _weights_are_stored(self.graph, node):
            return False
        stored = tuple(self._stored_name(name) for name in data)
        self.nodes.append(Node(node.name, node.op, (*stored, *node.inputs[len(data) :]),
                               reader.outputs))  # fmt: skip
        self.done.add(reader.outputs[0])
        return True

    def _are_stored(self, node: Node, data: tuple[str, ...]) -> bool:
        """True if the integers of all `data` are known, but for allowed float32 constants."""
        others = [name for name in data if name not in self.stored]
        may_be_real = node.op.real_constants and len(others) < len(data)
        return not others or (may_be_real and all(self._tensor(n).is_constant for n in others))

    def _stored_name(self, name: str) -> str:
        return self.stored[name].name if name in self.stored else name


def _is_alike(x: Tensor, y: Tensor) -> bool:
    if x.quantization is None or x.format != y.format:
        return False
    return x.quantization.same_as(y.quantization)


def _on_integers(node: Node, x: Tensor, rounds: bool) -> Any:
    """The operator on stored integers, None where it has no exact form.

    The value of a padding must be a stored one, unless what reads it `rounds` it to the scale of x.
    """
    op = node.op
    if not isinstance(op, Pad) or op.value is None:
        return op
    assert x.quantization is not None
    scale, zero = x.quantization.scalar_scale, x.quantization.scalar_zero_point
    steps = np.float32(op.value) / scale
    if not np.isfinite(steps):
        return None
    value = int(np.clip(np.rint(steps) + zero, x.format.low, x.format.high))
    exact = np.float32(value - zero) * scale == np.float32(op.value)
    return replace(op, value=value) if exact or rounds else None


def _weights_are_stored(graph: Graph, node: Node) -> bool:
    """True for 8-bit constant weights and an int32 bias or none."""
    weights = graph.tensors[node.inputs[1]]
    bias = graph.tensors[node.inputs[2]] if len(node.inputs) > 2 and node.inputs[2] else None
    eight_bit = weights.format in (INT8, UINT8) and weights.quantization is not None
    return eight_bit and (bias is None or bias.format == INT32)
