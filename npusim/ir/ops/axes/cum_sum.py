"""Running sums along an axis, in the order of the elements.

Input: x float32, any rank; on 8 bits between a dequantization and a quantization.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.ops.movements.movement import normal_axis
from npusim.ir.ops.norms.normalization import Normalization


@dataclass(frozen=True)
class CumSum(Normalization):
    """`exclusive` leaves each element out of its own sum, `reverse` starts at the end."""

    axis: int
    exclusive: bool = False
    reverse: bool = False

    kind: ClassVar[str] = "cum_sum"
    rate: ClassVar[str] = "add"

    def reduced(self, rank: int) -> frozenset[int]:
        """The axis."""
        return frozenset({normal_axis(self.axis, rank)})

    def parameter_axes(self, rank: int) -> tuple[int, ...]:
        """None: there is neither scale nor shift. ValueError if the axis is outside `rank`."""
        normal_axis(self.axis, rank)
        return ()

    def normalized(self, function: Callable[..., None], inputs: Sequence[np.ndarray]) -> np.ndarray:
        """See `Normalization`."""
        out = np.empty_like(inputs[0])
        x, y = (np.moveaxis(array, self.axis, -1) for array in (inputs[0], out))
        if self.reverse:
            x, y = x[..., ::-1], y[..., ::-1]
        function(x, y, self.exclusive)
        return out
