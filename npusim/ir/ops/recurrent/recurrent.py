"""What ONNX's recurrent layers share: a whole sequence in float32, on the host.

Inputs: x [T, B, I], w [D, G*H, I], r [D, G*H, H], optional bias [D, 2*G*H], optional initial states
[D, B, H]; G is the number of gates, D is 2 if both directions are run.
Outputs: y [T, D, B, H], the last value of each state [D, B, H].
"""

from __future__ import annotations

import enum
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import LoopNest, Operand, Tile, Unit
from npusim.ir.operator import Operator, VectorKernel
from npusim.ir.ops.products.real_products import real_constant
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.formats import FP32
from npusim.numerics.profiles import Profile

Array = np.ndarray

SEQUENCE_AND_WEIGHTS = 4
"""Inputs before the states: sequence, two weights, bias."""


class Direction(enum.Enum):
    """Which way the sequence is walked."""

    FORWARD = (False,)
    REVERSE = (True,)
    BOTH = (False, True)


@dataclass(frozen=True)
class Recurrent(Operator):
    """Attributes of a recurrent layer."""

    hidden: int
    direction: Direction = Direction.FORWARD

    quantizable: ClassVar[bool] = False
    host_only: ClassVar[bool] = True
    gates: ClassVar[int]
    states: ClassVar[int]

    @abstractmethod
    def walk(
        self, kernels: Kernels, x: Array, weights: Sequence[Array | None], states: Sequence[Array],
        y: Array,
    ) -> None:  # fmt: skip
        """One direction: x [T, B, I]; `weights` are w, r and bias of it; writes y [T, B, H].

        `states` [B, H] hold the first value of each state and become the last one.
        """

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """[T, D, B, H], and [D, B, H] of each state."""
        x, w, r = inputs[0], inputs[1], inputs[2]
        if x is None or w is None or r is None or len(x.shape) != 3 or self.hidden < 1:
            raise ValueError(f"{self.kind} has a sequence [T, B, I] and weights")
        steps, batch, depth = x.shape
        ways, rows = len(self.direction.value), self.gates * self.hidden
        state = (ways, batch, self.hidden)
        expected = (
            x.shape, (ways, rows, depth), (ways, rows, self.hidden), (ways, 2 * rows),
            *(state,) * self.states,
        )  # fmt: skip
        for tensor, shape in zip(inputs, expected, strict=False):
            if tensor is not None and tensor.shape != shape:
                raise ValueError(f"'{tensor.name}' has shape {tensor.shape}, expected {shape}")
        return [(steps, ways, batch, self.hidden), *(state,) * self.states]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """B = time steps and samples, G = directions, K = gates, C = input and state together.

        The steps depend on each other; only a host, which runs an operator whole, may take it.
        """
        x = inputs[0]
        assert x is not None
        steps, batch, depth = x.shape
        rows, ways = steps * batch, len(self.direction.value)
        spans = {"B": rows, "G": ways, "K": self.gates * self.hidden, "C": depth + self.hidden}
        operands = []
        for tensor in (*inputs, *outputs):
            if tensor is None:
                continue
            role = "weight" if tensor.is_constant else "input"
            role = "output" if any(tensor is out for out in outputs) else role
            whole = rows * ways * spans["K"] * spans["C"]
            operands.append(
                Operand(tensor.name, role, tensor.format.bits, frozenset(spans),
                        share=(tensor.size, whole))
            )  # fmt: skip
        extents = (rows, ways, spans["K"], spans["C"], 1, 1, 1, 1)
        return LoopNest(Unit.ARRAY, extents, tuple(operands), splits=frozenset())

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """The recurrence in float32."""
        for tensor in (inputs[0], *outputs):
            if tensor is None or tensor.format != FP32:
                what = f"{self.kind} runs on float32 only"
                raise UnsupportedModelError(Problem(outputs[0].name, what))
        constants = [None if t is None else real_constant(self, t) for t in inputs]
        return _RecurrentKernel(self, kernels, tuple(constants))


@dataclass(frozen=True, eq=False)
class _RecurrentKernel:
    """Runs each direction over the whole sequence, whatever the tile: it is a host's operator."""

    op: Recurrent
    kernels: Kernels
    constants: tuple[Array | None, ...]

    def compute(self, inputs: Sequence[Array], outputs: Sequence[Array], tile: Tile) -> None:
        given: list[Any] = [
            x if c is None else c for x, c in zip(inputs, self.constants, strict=True)
        ]
        given += [None] * (SEQUENCE_AND_WEIGHTS + self.op.states - len(given))
        x, weights = given[0], given[1:SEQUENCE_AND_WEIGHTS]
        y, *states = outputs
        for state, first in zip(states, given[SEQUENCE_AND_WEIGHTS:], strict=True):
            state[...] = 0.0 if first is None else first
        for way, backwards in enumerate(self.op.direction.value):
            order = slice(None, None, -1) if backwards else slice(None)
            own = [None if each is None else each[way] for each in weights]
            last = [state[way] for state in states]
            self.op.walk(self.kernels, x[order], own, last, y[order, way])
