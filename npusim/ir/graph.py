"""The graph: nodes in topological order over tensors, and the profile that it came from.

What outlives an inference is a `State`: a tensor that nodes read, and the one whose value takes its
place when the inference ends. So nodes stay pure; who runs them carries the states over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from npusim.ir.operator import Operator
from npusim.ir.tensor import Tensor


@dataclass(frozen=True, eq=False)
class State:
    """A value that lives on from inference to inference.

    Tensor `read` holds it at the start, `initial` before the first inference; tensor `written`, of
    the same shape and format, holds what the next inference starts from. They are the same tensor
    if no inference changes it.
    """

    name: str
    initial: np.ndarray
    read: str
    written: str


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
    states: tuple[State, ...] = ()
    counted_only: str = ""
    """Why the graph can be counted, but not executed; empty if it can."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The tensors that have a value before any node runs: inputs and states."""
        return (*self.inputs, *(state.read for state in self.states))

    @property
    def results(self) -> tuple[str, ...]:
        """The tensors that are asked for after the last node: outputs and new states."""
        return (*self.outputs, *(state.written for state in self.states))

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
