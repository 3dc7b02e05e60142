"""A function of each element, float32 to float32."""

from __future__ import annotations

import numpy as np

from npusim.numerics.unary import RealFunction

Array = np.ndarray


def unary_float32(x: Array, out: Array, p: RealFunction) -> None:
    """x, out float32 of one shape."""
    out[...] = p.function(x, *p.attributes)


def dequantized(x: Array, p: RealFunction) -> Array:
    """float32 of 8-bit integers; a scale near float32's end gives infinities."""
    with np.errstate(over="ignore"):
        return np.asarray((x.astype(np.int32) - p.x_zero).astype(np.float32) * p.x_scale)
