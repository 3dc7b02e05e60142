"""A function of each 8-bit element by TFLite's table: times 1 / y_scale, rounded half away."""

from __future__ import annotations

import numpy as np

from npusim.numerics.requantize import half_away
from npusim.numerics.unary import RealFunction

Array = np.ndarray

INT32 = np.iinfo(np.int32)


def unary_lookup(x: Array, out: Array, p: RealFunction) -> None:
    """x, out int8|uint8 of one shape; what int32 can't hold (NaN, infinities) becomes `low`."""
    real = (x.astype(np.int32) - p.x_zero).astype(np.float32) * p.x_scale
    with np.errstate(over="ignore", invalid="ignore"):
        steps = p.function(real, *p.attributes) * (np.float32(1.0) / p.y_scale)
    held = np.abs(steps) < np.float32(INT32.max)
    rounded = half_away(np.where(held, steps, np.float32(0.0)).astype(np.float64)) + p.y_zero
    out[...] = np.where(held, np.clip(rounded, p.low, p.high), p.low).astype(out.dtype)
