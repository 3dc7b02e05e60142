"""Running sums along an axis, in the order of the elements.

Input: x, any rank: float32, or integers that mean themselves; on 8 bits with scales between a
dequantization and a quantization.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from npusim.ir.operator import VectorKernel
from npusim.ir.ops.movements.movement import normal_axis
from npusim.ir.ops.norms.normalization import Normalization
from npusim.ir.ops.pairs.broadcast import is_plain, require_number
from npusim.ir.ops.whole import WholeKernel
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.profiles import Profile


@dataclass(frozen=True)
class CumSum(Normalization):
    """`exclusive` leaves each element out of its own sum, `reverse` starts at the end."""

    axis: int
    exclusive: bool = False
    reverse: bool = False

    kind: ClassVar[str] = "cum_sum"
    rate: ClassVar[str] = "add"

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """The sums in the arithmetic of `profile`; those of plain integers wrap."""
        x, out = inputs[0], outputs[0]
        assert x is not None
        if is_plain(x) and x.format.is_integer and out.format == x.format:
            require_number(self, x)
            sums = partial(self.normalized, kernels.get("cum_sum_plain"))
            return WholeKernel(sums, out.channel_axis)
        return super().bind(inputs, outputs, profile, kernels)

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
