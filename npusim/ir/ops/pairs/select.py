"""One of two tensors, element by element, as a truth value says.

Inputs: a, b, condition (bool), whose shapes broadcast; a and b int8 or uint8 with scales of their
own, float32, or integers that mean themselves; a float32 constant may stand beside a quantized
tensor. Output: the format of a and b.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.loopnest import Tile
from npusim.ir.operator import VectorKernel
from npusim.ir.ops.pairs.broadcast import Broadcast, is_plain, require_format
from npusim.ir.ops.through_float import affine_of
from npusim.ir.ops.vector import ElementwiseKernel, part, quantized
from npusim.ir.tensor import Tensor
from npusim.ir.views import channels_last
from npusim.kernels.table import Kernels
from npusim.numerics.formats import BOOL, FP32
from npusim.numerics.profiles import Profile
from npusim.numerics.rescale import RESCALE_PARAMETERS


@dataclass(frozen=True)
class Select(Broadcast):
    """A selection has no attributes."""

    kind: ClassVar[str] = "select"
    rate: ClassVar[str] = "copy"
    data_inputs: ClassVar[int | None] = 2
    real_constants: ClassVar[bool] = True

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """Both values in the scale of the output, by the requantization of `profile`."""
        a, b, condition = inputs
        assert condition is not None and a is not None and b is not None
        out = outputs[0]
        require_format(self, condition, BOOL, out)
        sides = [self._side(side, out, profile, kernels) for side in (a, b)]
        return _SelectKernel(sides[0], sides[1], out.channel_axis)

    def _side(
        self, x: Tensor, out: Tensor, profile: Profile, kernels: Kernels
    ) -> ElementwiseKernel | None:
        """What brings `x` to the output's scale, None if it has it already; reals are quantized."""
        if is_plain(out):
            require_format(self, x, out.format, out)
            return None
        if is_plain(x):
            require_format(self, x, FP32, out)
            rounding = profile.arithmetic("quantize", out.format.name)
            quantize = kernels.get(f"quantize_{rounding}")
            return ElementwiseKernel(quantize, affine_of(self, out), out.channel_axis)
        qx, qy = quantized(self, x), quantized(self, out)
        if x.format == out.format and qx.same_as(qy):
            return None
        arithmetic = profile.arithmetic("requantize_other", out.format.name)
        clamp = (out.format.low, out.format.high)
        parameters = RESCALE_PARAMETERS[arithmetic](qx, qy, clamp)
        return ElementwiseKernel(kernels.get(f"rescale_{arithmetic}"), parameters, out.channel_axis)


@dataclass(frozen=True, eq=False)
class _SelectKernel:
    """Brings each side to the output's scale where it has another one, then selects."""

    a: ElementwiseKernel | None
    b: ElementwiseKernel | None
    channel_axis: int

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        out = outputs[0]
        parts = []
        for x, rescale in zip(inputs, (self.a, self.b, None), strict=True):
            whole = np.broadcast_to(x, out.shape)
            if rescale is not None:
                whole = np.empty_like(out)
                rescale.compute([x], [whole], tile)
            parts.append(part(channels_last(whole, self.channel_axis), tile))
        a, b, condition = parts
        part(channels_last(out, self.channel_axis), tile)[...] = np.where(condition, a, b)
