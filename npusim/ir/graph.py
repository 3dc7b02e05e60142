"""The graph: tensors, nodes in topological order, and the profile that they came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod

import numpy as np

from npusim.ir.operator import Operator
from npusim.numerics.formats import Format
from npusim.numerics.quantization import Quantization


@dataclass(frozen=True, eq=False)
class Tensor:
    """A value of the graph: logical shape as in the model file, format, quantization.

    `data` holds a constant (weights, bias, tables), else None. `channel_axis` is the axis that is
    innermost in memory: 1 for the images of an ONNX graph, the last one elsewhere; negative values
    count from the end.
    """

    name: str
    shape: tuple[int, ...]
    format: Format
    quantization: Quantization | None = None
    data: np.ndarray | None = None
    channel_axis: int = -1

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """Bytes in memory, rounded up to a whole byte."""
        return (self.size * self.format.bits + 7) // 8

    @property
    def is_constant(self) -> bool:
        """True for weights, biases and other values known before the run."""
        return self.data is not None


@dataclass(frozen=True, eq=False)
class Node:
    """One operator applied to named tensors; an absent optional input is an empty name."""

    name: str
    op: Operator
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in topological order over named tensors.

    `profile` is the requantization profile of the framework that the file came from; `sha256` and
    `name` identify the file. `weightless` marks a layer table: it can be counted, not executed.
    """

    name: str
    nodes: tuple[Node, ...]
    tensors: Mapping[str, Tensor]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    profile: str
    sha256: str = ""
    weightless: bool = False
    notes: tuple[str, ...] = field(default=())

    def operands(self, node: Node) -> tuple[list[Tensor | None], list[Tensor]]:
        """Input tensors (None where absent) and output tensors of `node`."""
        ins = [self.tensors[name] if name else None for name in node.inputs]
        return ins, [self.tensors[name] for name in node.outputs]

    def consumers(self) -> dict[str, list[Node]]:
        """For each tensor name the nodes that read it, in order."""
        readers: dict[str, list[Node]] = {name: [] for name in self.tensors}
        for node in self.nodes:
            for name in node.inputs:
                if name:
                    readers[name].append(node)
        return readers

    def constants(self) -> Iterator[Tensor]:
        """The tensors with data."""
        return (tensor for tensor in self.tensors.values() if tensor.is_constant)

    @property
    def parameters(self) -> int:
        """Number of constant elements: weights and biases."""
        return sum(tensor.size for tensor in self.constants())
