"""Transpose: the axes in another order.

Input: x, any rank. Output: axis i of it is axis perm[i] of x. Between channels-first and
channels-last images the order in memory can stay; then the output is a view.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.ops.movements.movement import Movement, data_of, memory_order
from npusim.ir.tensor import Tensor


@dataclass(frozen=True)
class Transpose(Movement):
    """Attributes of a transpose: the input's axis for each axis of the output."""

    perm: tuple[int, ...]

    kind: ClassVar[str] = "transpose"

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The extents in their new order."""
        x = data_of(self, inputs)
        if sorted(self.perm) != list(range(len(x.shape))):
            raise ValueError(f"{list(self.perm)} is no order of the axes of shape {list(x.shape)}")
        return [tuple(x.shape[axis] for axis in self.perm)]

    def is_view(self, x: Tensor, out: Tensor) -> bool:
        """True if both name the same axes from the outermost to the innermost.

        Axes of extent 1 may be anywhere.
        """
        before = [axis for axis in memory_order(x) if x.shape[axis] != 1]
        after = [self.perm[axis] for axis in memory_order(out) if out.shape[axis] != 1]
        return before == after

    def moved(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """See `Movement`."""
        return inputs[0].transpose(self.perm)
