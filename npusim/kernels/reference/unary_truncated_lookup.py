"""A function of each 8-bit element, divided by y_scale and cut to an integer (TFLite's Sqrt)."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.unary_float32 import dequantized
from npusim.numerics.unary import RealFunction

Array = np.ndarray


def unary_truncated_lookup(x: Array, out: Array, p: RealFunction) -> None:
    """x, out int8|uint8 of one shape; what is not a number becomes `low`."""
    with np.errstate(over="ignore", invalid="ignore"):
        steps = p.function(dequantized(x, p), *p.attributes) / p.y_scale
    bounded = np.clip(np.nan_to_num(steps, nan=-np.inf), p.low - p.y_zero, p.high - p.y_zero)
    out[...] = (np.trunc(bounded).astype(np.int32) + p.y_zero).astype(out.dtype)
