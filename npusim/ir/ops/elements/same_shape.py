"""What operators share whose output has the shape of their input, element by element.

Input: x, any rank. Output: the same shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.loopnest import LoopNest
from npusim.ir.operator import Operator
from npusim.ir.ops.vector import vector_nest
from npusim.ir.tensor import Tensor


@dataclass(frozen=True)
class SameShape(Operator):
    """Base of these operators. `rate` is the vector unit's."""

    keeps_axes: ClassVar[bool] = True
    rate: ClassVar[str]

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The shape of x."""
        x = inputs[0]
        assert x is not None
        return [x.shape]

    def loop_nest(self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]) -> LoopNest:
        """One step an element."""
        return vector_nest(inputs, outputs, self.rate)
