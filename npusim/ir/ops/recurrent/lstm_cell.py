"""One time step of TFLite's integer LSTM behind its products: gates to cell and hidden values.

Inputs: gates of all inputs int16 [B, T, G N] or [T, B, G N] (G = 4 gates i, f, g, o; 3 without i),
gates of the last output int32 [B, G N], cell int16 [B, N], three peephole weights int16 [N] or
None. Outputs: hidden values int8 [B, N], new cell int16 [B, N].

The vector unit is taken to need one operation for each addition, multiplication and lookup of an
element, all at the rate of lookups, which is the slowest of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from npusim.ir.loopnest import LoopNest, Operand, Tile, Unit
from npusim.ir.operator import Operator, VectorKernel
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.lstm import fixed_point_cell
from npusim.numerics.profiles import Profile

_OPERATIONS = 10
"""Per cell: logistic of f and o, tanh of g and c', products f c, i g and o tanh(c'), f c + i g, the
output's scale and zero point."""
_OPERATIONS_PER_GATE = 1
"""The sum of what inputs and last output give."""
_OPERATIONS_PER_PEEPHOLE = 3
"""A product, its scale, a sum."""


@dataclass(frozen=True)
class LstmCell(Operator):
    """Attributes of a time step; `coupled`: input gate = 1 - forget gate.

    `cell_clip` is a real number, 0 for none; the hidden values have a scale of their own.
    """

    step: int
    time_axis: int
    coupled: bool
    cell_clip: float
    hidden_scale: float
    hidden_zero: int

    kind: ClassVar[str] = "lstm_cell"
    quantizable: ClassVar[bool] = False

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """[B, N] twice."""
        gates, recurrent, cell = inputs[:3]
        assert gates is not None and recurrent is not None and cell is not None
        rows, units = cell.shape
        both = (rows, (3 if self.coupled else 4) * units)
        rest = [*gates.shape]
        steps = rest.pop(self.time_axis)
        if tuple(rest) != both or recurrent.shape != both or not 0 <= self.step < steps:
            raise ValueError(
                f"step {self.step} of gates {gates.shape} and {recurrent.shape} does not fit "
                f"cells {cell.shape}"
            )
        return [cell.shape, cell.shape]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """B = rows, K = cells; a cell reads all its gates, those of the inputs at one step only."""
        rows, units = outputs[0].shape
        gates, peepholes = (3 if self.coupled else 4), 0
        operands = []
        for at, tensor in enumerate(inputs):
            if tensor is None:
                continue
            own = frozenset({"K"}) if at > 2 else frozenset({"B", "K"})
            role = "weight" if tensor.is_constant else "input"
            each = gates if at < 2 else 1
            operands.append(Operand(tensor.name, role, each * tensor.format.bits, own))
            peepholes += at > 2
        for out in outputs:
            operands.append(Operand(out.name, "output", out.format.bits, frozenset({"B", "K"})))
        operations = _OPERATIONS + gates * _OPERATIONS_PER_GATE
        operations += 1 + peepholes * _OPERATIONS_PER_PEEPHOLE
        return LoopNest(
            Unit.VECTOR, (rows, 1, units, 1, 1, 1, 1, 1), tuple(operands), rate="lut",
            vector_ops=rows * units * operations, splits=frozenset({"B", "K"}),
        )  # fmt: skip

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """Fixed point of 16 bits under every profile."""
        cell = inputs[2]
        assert cell is not None and cell.quantization is not None
        parameters = fixed_point_cell(
            cell.quantization, self.hidden_scale, self.hidden_zero, self.coupled, self.cell_clip,
            [None if tensor is None else tensor.quantization for tensor in inputs[3:6]],
        )  # fmt: skip
        arithmetic = profile.arithmetic(self.kind, cell.format.name)
        return _CellKernel(self, kernels.get(f"lstm_cell_{arithmetic}"), parameters)


@dataclass(frozen=True, eq=False)
class _CellKernel:
    op: LstmCell
    function: Any
    parameters: Any

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        rows, units = slice(tile.b0, tile.b1), slice(tile.k0, tile.k1)
        gates = np.take(inputs[0], self.op.step, self.op.time_axis)
        cell = inputs[2]
        both = (
            x.reshape(x.shape[0], -1, cell.shape[1])[rows, :, units] for x in (gates, inputs[1])
        )
        given = [*inputs[3:6], None, None, None][:3]
        peephole = [None if x is None else x[units] for x in given]
        parts = (out[rows, units] for out in outputs)
        self.function(*both, cell[rows, units], peephole, *parts, self.parameters)
