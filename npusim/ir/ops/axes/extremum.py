"""What maximum and minimum along axes share: they compare, so stored integers will do.

An output of another scale is followed by the profile's requantization.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.operator import VectorKernel
from npusim.ir.ops.axes.reduction import Reduction, RowsKernel
from npusim.ir.ops.pairs.broadcast import is_plain
from npusim.ir.ops.vector import quantized, rescaled
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.profiles import Profile


@dataclass(frozen=True)
class Extremum(Reduction):
    """Base of the largest and the smallest element along axes."""

    rate: ClassVar[str] = "pool"

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """The comparison, and a requantization where the scale changes."""
        x, out = inputs[0], outputs[0]
        assert x is not None
        if is_plain(out):
            return super().bind(inputs, outputs, profile, kernels)
        qx = quantized(self, x)
        quantized(self, out)
        function = kernels.get("reduce_plain")
        kernel = RowsKernel(function, self.kind, self.reduced(x.shape), out.channel_axis)
        clamp = (out.format.low, out.format.high)
        return rescaled(kernel, qx, out, clamp, profile, kernels)
