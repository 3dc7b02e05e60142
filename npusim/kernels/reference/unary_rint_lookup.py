"""A function of each 8-bit element by XNNPACK's table: rint(y * (1 / y_scale) + y_zero)."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.unary_float32 import dequantized
from npusim.numerics.unary import RealFunction

Array = np.ndarray


def unary_rint_lookup(x: Array, out: Array, p: RealFunction) -> None:
    """x, out int8|uint8 of one shape; the zero point is added in float32, before rounding."""
    with np.errstate(over="ignore", invalid="ignore"):
        steps = p.function(dequantized(x, p), *p.attributes) * (np.float32(1.0) / p.y_scale)
        shifted = np.nan_to_num(steps + np.float32(p.y_zero), nan=-np.inf)
    out[...] = np.rint(np.clip(shifted, p.low, p.high)).astype(out.dtype)
