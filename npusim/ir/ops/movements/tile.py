"""Tile: the whole of x repeated along each axis.

Input: x, any rank. Output: axis i has repeats[i] times its extent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.ops.movements.movement import Movement, data_of
from npusim.ir.tensor import Tensor


@dataclass(frozen=True)
class Repeat(Movement):
    """Attributes of a tiling: how often each axis is repeated."""

    repeats: tuple[int, ...]

    kind: ClassVar[str] = "tile"
    keeps_axes: ClassVar[bool] = True
    only_enlarges: ClassVar[bool] = True

    def infer_shapes(self, inputs: Sequence[Tensor | None]) -> list[tuple[int, ...]]:
        """Each extent times its repeats."""
        x = data_of(self, inputs)
        if len(self.repeats) != len(x.shape) or min(self.repeats, default=1) < 1:
            raise ValueError(f"repeats {list(self.repeats)} do not fit shape {list(x.shape)}")
        return [tuple(e * n for e, n in zip(x.shape, self.repeats, strict=True))]

    def moved(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """See `Movement`."""
        return np.tile(inputs[0], self.repeats)
