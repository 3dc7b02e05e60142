"""From floating-point sums to stored outputs: scale, bias, clamp, one rounding.

    y = clamp(f32(f32(acc) * scale) + bias), stored = encode(f32(y / out_scale))

Every step is one float32 operation with one rounding; `scale` is absent where nothing is quantized,
and the last division where the output is not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from npusim.numerics.formats import Format

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class FloatDrain:
    """Parameters of one drain: `scale` and `bias` float32 [k] or None, clamp [low, high]."""

    scale: Array | None
    bias: Array | None
    low: float
    high: float
    out_scale: np.float32 | None
    format: Format
    saturate: bool

    def channels(self, chosen: Array) -> FloatDrain:
        """The parameters of the channels with the given indices only."""
        return replace(
            self,
            scale=None if self.scale is None else self.scale[chosen],
            bias=None if self.bias is None else self.bias[chosen],
        )
