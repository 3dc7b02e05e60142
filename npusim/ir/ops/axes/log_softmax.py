"""Logarithm of a softmax along an axis: x - max - log(sum(exp(x - max))).

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
class LogSoftmax(Normalization):
    """`axis` is the one that is summed over."""

    axis: int = -1

    kind: ClassVar[str] = "log_softmax"
    rate: ClassVar[str] = "softmax"

    def reduced(self, rank: int) -> frozenset[int]:
        """The axis."""
        return frozenset({normal_axis(self.axis, rank)})

    def parameter_axes(self, rank: int) -> tuple[int, ...]:
        """None: there is neither scale nor shift. ValueError if the axis is outside `rank`."""
        normal_axis(self.axis, rank)
        return ()

    def normalized(self, function: Callable[..., None], inputs: Sequence[np.ndarray]) -> np.ndarray:
        """See `Normalization`."""
        rows = np.moveaxis(inputs[0], self.axis, -1)
        out = np.empty_like(inputs[0])
        function(rows, np.moveaxis(out, self.axis, -1))
        return out
