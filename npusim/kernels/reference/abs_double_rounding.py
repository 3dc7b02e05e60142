"""Absolute value with a fixed-point factor that rounds twice (TFLite's kernels)."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import rescale, store
from npusim.numerics.rescale import FixedPointRescale

Array = np.ndarray


def abs_double_rounding(x: Array, out: Array, p: FixedPointRescale) -> None:
    """x, out int8|uint8 of one shape."""
    size = np.abs(x.astype(np.int64) - p.x_zero)
    store(rescale(size, p.multiplier, p.shift), p.y_zero, p.low, p.high, out)
