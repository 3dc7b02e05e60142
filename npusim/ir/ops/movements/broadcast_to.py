"""Broadcast to a shape: axes of extent 1, and axes that are missing in front, are repeated.

Input: x, any rank. Output: the shape that x and `shape` broadcast to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.ops.movements.movement import Movement, data_of
from npusim.ir.tensor import Tensor


@dataclass(frozen=True)
class BroadcastTo(Movement):
    """Attributes of a broadcast: the shape to reach; an extent of 1 keeps that of x."""

    shape: tuple[int, ...]

    kind: ClassVar[str] = "broadcast_to"
    keeps_axes: ClassVar[bool] = True
    only_enlarges: ClassVar[bool] = True

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """The common shape."""
        x = data_of(self, inputs)
        try:
            return [np.broadcast_shapes(x.shape, self.shape)]
        except ValueError:
            given = f"{list(x.shape)} and {list(self.shape)}"
            raise ValueError(f"shapes {given} do not broadcast") from None

    def moved(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """See `Movement`."""
        x = inputs[0]
        return np.broadcast_to(x, np.broadcast_shapes(x.shape, self.shape))
