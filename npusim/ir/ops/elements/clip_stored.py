"""A clamp of stored integers to integer bounds: the scale, if there is one, takes no part.

Input: x of an integer format, any rank. Output: the same shape, format and scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from npusim.ir.operator import VectorKernel
from npusim.ir.ops.elements.same_shape import SameShape
from npusim.ir.ops.vector import ElementwiseKernel, require_same_quantization
from npusim.ir.tensor import Tensor
from npusim.kernels.table import Kernels
from npusim.numerics.profiles import Profile


@dataclass(frozen=True)
class ClipStored(SameShape):
    """Attributes: the bounds, None where there is none."""

    low: int | None = None
    high: int | None = None

    kind: ClassVar[str] = "clip_stored"
    rate: ClassVar[str] = "relu"
    moves: ClassVar[bool] = True

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """The same comparison under every profile."""
        x, out = inputs[0], outputs[0]
        assert x is not None
        require_same_quantization(self, x, out)
        low = x.format.low if self.low is None else max(self.low, x.format.low)
        high = x.format.high if self.high is None else min(self.high, x.format.high)
        return ElementwiseKernel(kernels.get("clip_exact"), (low, high), out.channel_axis)
