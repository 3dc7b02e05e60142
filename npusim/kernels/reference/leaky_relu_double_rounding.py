"""Leaky ReLU with a fixed-point factor a sign, rounding twice (TFLite's kernels)."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import rescale, store
from npusim.numerics.leaky_relu import FixedPointLeakyRelu

Array = np.ndarray


def leaky_relu_double_rounding(x: Array, out: Array, p: FixedPointLeakyRelu) -> None:
    """x, out int8|uint8 of one shape."""
    centred = x.astype(np.int64) - p.x_zero
    below = p.sign * rescale(centred, p.slope_multiplier, p.slope_shift)
    above = rescale(centred, p.multiplier, p.shift)
    store(np.where(centred >= 0, above, below), p.y_zero, p.low, p.high, out)
