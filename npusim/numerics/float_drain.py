"""From a floating-point accumulator to a stored output: the roundings of the output stage.

y = f32(acc) * scale[k]        one rounding to float32; left out without a scale
y = y + bias[k]                one rounding to float32; left out without a bias
y = low if y < low, high if y > high, else y      (a NaN and the sign of a zero pass)
y = y / out_scale              one float32 division; left out without an output scale
out = y rounded once to `out`, beyond its greatest number as `encode` of `numerics/floats.py`.

A NaN is stored as the positive quiet one without payload, wherever it came from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from npusim.numerics.floats import encode
from npusim.numerics.formats import FP32, Format

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class FloatDrain:
    """The parameters of one drain: float32 factors and biases of channels [k], clamp, format."""

    scale: Array | None = None
    bias: Array | None = None
    low: float | np.float32 = -np.inf
    high: float | np.float32 = np.inf
    out_scale: float | np.float32 | None = None
    out: Format = FP32
    saturate: bool = False

    def apply(self, acc: Array) -> Array:
        """Stored numbers of `out` for float32 `acc` [..., k]."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            y = acc.astype(np.float32)
            if self.scale is not None:
                y = y * self.scale.astype(np.float32)
            if self.bias is not None:
                y = y + self.bias.astype(np.float32)
            y = np.where(y < np.float32(self.low), np.float32(self.low), y)
            y = np.where(y > np.float32(self.high), np.float32(self.high), y)
            if self.out_scale is not None:
                y = y / np.float32(self.out_scale)
        return encode(np.where(np.isnan(y), np.float32(np.nan), y), self.out, self.saturate)

    def channels(self, chosen: Array) -> FloatDrain:
        """The drain of the channels with the given indices only."""
        scale = None if self.scale is None else self.scale[chosen]
        bias = None if self.bias is None else self.bias[chosen]
        return FloatDrain(scale, bias, self.low, self.high, self.out_scale, self.out, self.saturate)
