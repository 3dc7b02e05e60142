"""ONNX's LSTM on float32: a layer of a recurrent network over a whole sequence, on the host.

Inputs: x [T, B, I], w [D, 4H, I], r [D, 4H, H], optional bias [D, 8H], optional initial h and c
[D, B, H]; D is 2 if both directions are run. The gates stand in the order i, o, f, c.
Outputs: y [T, D, B, H], the last h and the last c [D, B, H].
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from npusim.errors import Problem, UnsupportedModelError
from npusim.ir.loopnest import LoopNest, Operand, Tile, Unit
from npusim.ir.operator import Operator, VectorKernel
from npusim.ir.ops.real_products import real_constant
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.formats import FP32
from npusim.numerics.profiles import Profile

GATES = 4
OPERANDS = 6
"""Sequence, two weights, bias, two states."""


class Direction(enum.Enum):
    """Which way the sequence is walked."""

    FORWARD = (False,)
    REVERSE = (True,)
    BOTH = (False, True)


@dataclass(frozen=True)
class Lstm(Operator):
    """Attributes of an LSTM with its usual activations (logistic, tanh, tanh)."""

    hidden: int
    direction: Direction = Direction.FORWARD

    kind: ClassVar[str] = "lstm"
    quantizable: ClassVar[bool] = False
    host_only: ClassVar[bool] = True

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """[T, D, B, H] and twice [D, B, H]."""
        x, w, r = inputs[0], inputs[1], inputs[2]
        if x is None or w is None or r is None or len(x.shape) != 3 or self.hidden < 1:
            raise ValueError("an LSTM has a sequence [T, B, I] and weights")
        steps, batch, depth = x.shape
        ways = len(self.direction.value)
        state = (ways, batch, self.hidden)
        expected = (
            x.shape, (ways, GATES * self.hidden, depth), (ways, GATES * self.hidden, self.hidden),
            (ways, 2 * GATES * self.hidden), state, state,
        )  # fmt: skip
        for tensor, shape in zip(inputs, expected, strict=False):
            if tensor is not None and tensor.shape != shape:
                raise ValueError(f"'{tensor.name}' has shape {tensor.shape}, expected {shape}")
        return [(steps, ways, batch, self.hidden), state, state]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """B = time steps and samples, G = directions, K = gates, C = input and state together.

        The steps depend on each other; only a host, which runs an operator whole, may take it.
        """
        x = inputs[0]
        assert x is not None
        steps, batch, depth = x.shape
        rows, ways = steps * batch, len(self.direction.value)
        spans = {"B": rows, "G": ways, "K": GATES * self.hidden, "C": depth + self.hidden}
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
        return _LstmKernel(kernels, self.direction.value, tuple(constants))


@dataclass(frozen=True, eq=False)
class _LstmKernel:
    """Runs each direction over the whole sequence, whatever the tile: it is a host's operator."""

    kernels: Kernels
    reversed: tuple[bool, ...]
    constants: tuple[np.ndarray | None, ...]

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        given: list[Any] = [
            x if c is None else c for x, c in zip(inputs, self.constants, strict=True)
        ]
        x, w, r, bias, h, c = given + [None] * (OPERANDS - len(given))
        y, last_h, last_c = outputs
        function = self.kernels.get("lstm_float32")
        for way, backwards in enumerate(self.reversed):
            order = slice(None, None, -1) if backwards else slice(None)
            shift = None if bias is None else bias[way].reshape(2, -1).sum(axis=0)
            last_h[way] = 0.0 if h is None else h[way]
            last_c[way] = 0.0 if c is None else c[way]
            state = last_h[way], last_c[way]
            function(x[order], w[way], r[way], shift, *state, y[order, way])
