"""Fuses dequantize, operator, quantize into the operator on stored integers (Q/DQ fusion).

Operators that only move or compare values are carried over a dequantization whatever follows, since
they commute with it; those that only look at the order of values (argmax) read the stored integers;
the others are fused if all their data is dequantized (or, of pairs, one side a
float32 constant), one quantization reads their result, and they compute on the formats that these
are stored in (`stored_formats.py`). What can't be fused stays as it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from npusim.ir.graph import Graph, Node
from npusim.ir.operator import Operator
from npusim.ir.ops.elements.dequantize import Dequantize
from npusim.ir.ops.elements.requantize import Requantize
from npusim.ir.ops.movements.pad import Pad
from npusim.ir.ops.movements.reshape import Reshape
from npusim.ir.ops.products.blocked_products import has_blocks
from npusim.ir.ops.products.transposed_conv2d import TransposedConv2D
from npusim.ir.passes.remove_dead import remove_dead
from npusim.ir.passes.rewrite import free_name, is_plain_border, only_reader, rebuilt
from npusim.ir.passes.stored_formats import WEIGHTED, computes_stored, multiplies_stored
from npusim.ir.tensor import Tensor
from npusim.numerics.formats import FP32
from npusim.numerics.scaled import Scaling, quantized_values

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
        if kind == "dequantize" and is_plain_border(self.graph, node):
            self.stored[node.outputs[0]] = self._tensor(node.inputs[0])
        elif kind == "quantize" and node.inputs[0] in self.stored:
            if self._requantize(node, self.stored[node.inputs[0]]):
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
        if reader is None or reader.op.kind != "quantize":
            return None
        return reader if is_plain_border(self.graph, reader) else None

    def _requantize(self, node: Node, x: Tensor) -> bool:
        y = self._tensor(node.outputs[0])
        if not is_plain_border(self.graph, node):
            return False
        op: Operator = Reshape(y.shape) if _is_alike(x, y) else Requantize()
        self.nodes.append(Node(node.name, op, (x.name,), node.outputs))
        return True

    def _move(self, node: Node) -> bool:
        """Carry a moving operator over the dequantization of its input."""
        x = self.stored.get(node.inputs[0])
        if x is None or not computes_stored(node.op, [x.format], self.graph.profile):
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
        if not self._takes_formats(node, data, self._tensor(reader.outputs[0])):
            return False
        stored = tuple(self._stored_name(name) for name in data)
        self.nodes.append(Node(node.name, node.op, (*stored, *node.inputs[len(data) :]),
                               reader.outputs))  # fmt: skip
        self.done.add(reader.outputs[0])
        return True

    def _takes_formats(self, node: Node, data: tuple[str, ...], y: Tensor) -> bool:
        """True if the operator computes on the formats of its stored `data` and output `y`."""
        if node.op.kind in WEIGHTED:
            bias = node.inputs[2] if len(node.inputs) > 2 else ""
            blocked = has_blocks(self._tensor(node.inputs[1]))
            if blocked and isinstance(node.op, TransposedConv2D):
                return False
            return multiplies_stored(
                self.stored[data[0]], self._tensor(node.inputs[1]),
                self._tensor(bias) if bias else None, y,
            )  # fmt: skip
        formats = [self.stored[name].format for name in data if name in self.stored]
        return computes_stored(node.op, [*formats, y.format], self.graph.profile)

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
    real = np.float32(op.value)
    value = _stored_value(real, x)
    if value is None:
        return None
    exact = x.quantization.real(value, x.format).item() == real
    if not exact and not rounds:
        return None
    return op if x.format.is_float else replace(op, value=int(value.item()))


def _stored_value(real: np.float32, x: Tensor) -> np.ndarray | None:
    """A number as `x` stores it, [1]; None where it is too large for any scale."""
    assert x.quantization is not None
    scale, zero = x.quantization.scalar_scale, x.quantization.scalar_zero_point
    if not np.isfinite(real / scale):
        return None
    scaling = Scaling(FP32, x.format)
    return quantized_values(np.array([real]), np.array([scale]), np.array([zero]), scaling)
