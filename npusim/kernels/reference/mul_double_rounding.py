"""Multiply, then rescale with a fixed-point factor that rounds twice (TFLite's kernels)."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import rescale, store
from npusim.numerics.elementwise import FixedPointProduct

Array = np.ndarray


def mul_double_rounding(a: Array, b: Array, out: Array, p: FixedPointProduct) -> None:
    """a, b, out int8|uint8 of one shape."""
    product = (a.astype(np.int64) - p.a_zero) * (b.astype(np.int64) - p.b_zero)
    store(rescale(product, p.multiplier, p.shift), p.y_zero, p.low, p.high, out)
