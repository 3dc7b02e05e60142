"""Maximum over a window; values keep their scale, so no arithmetic is involved but the clamp.

Input: x int8, uint8 or float32 [B, H, W, K] (or channels first). Output [B, OY, OX, K].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from npusim.ir.loopnest import Tile
from npusim.ir.operator import VectorKernel
from npusim.ir.ops.vector import part, quantized, require_same_quantization
from npusim.ir.ops.windows.pooling import Pooling
from npusim.ir.tensor import Tensor
from npusim.ir.views import channels_last
from npusim.kernels.table import Kernels
from npusim.numerics.formats import FP32, INT8, UINT8
from npusim.numerics.profiles import Profile
from npusim.numerics.quantization import clamp_range

Clamp = tuple[float | None, float | None]


@dataclass(frozen=True)
class MaxPool(Pooling):
    """Attributes of a maximum pooling."""

    kind: ClassVar[str] = "max_pool"
    moves: ClassVar[bool] = True

    def bind(
        self, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor],
        profile: Profile, kernels: Kernels,
    ) -> VectorKernel:  # fmt: skip
        """The same comparison under every profile."""
        x, out = inputs[0], outputs[0]
        assert x is not None
        require_same_quantization(self, x, out)
        if x.format == FP32:
            clamp: Clamp = self.activation.value
        elif x.quantization is None and x.format in (INT8, UINT8):
            clamp = (x.format.low, x.format.high)
        else:
            rounding = profile.clamp(self.kind, out.format.name)
            clamp = clamp_range(self.activation, out.format, quantized(self, out), rounding)
        name = f"max_pool_{profile.arithmetic(self.kind, x.format.name)}"
        return _MaxPoolKernel(self, kernels, name, clamp)


@dataclass(frozen=True, eq=False)
class _MaxPoolKernel:
    op: MaxPool
    kernels: Kernels
    name: str
    clamp: Clamp

    def compute(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], tile: Tile
    ) -> None:
        x = channels_last(inputs[0], self.op.channel_axis)
        out = part(channels_last(outputs[0], self.op.channel_axis), tile)
        self.kernels.get(self.name)(x, out, tile, self.op.window.geometry, self.clamp)
