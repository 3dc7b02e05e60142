"""ReLU with a tensor of slopes, fixed-point factors that round twice (TFLite's kernels)."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import rescale, store
from npusim.numerics.prelu import FixedPointPRelu

Array = np.ndarray


def prelu_double_rounding(x: Array, slope: Array, out: Array, p: FixedPointPRelu) -> None:
    """x, slope, out int8|uint8 of one shape."""
    centred = x.astype(np.int64) - p.x_zero
    product = centred * (slope.astype(np.int64) - p.slope_zero)
    above = rescale(centred, p.multiplier, p.shift)
    below = rescale(product, p.slope_multiplier, p.slope_shift)
    store(np.where(centred >= 0, above, below), p.y_zero, p.low, p.high, out)
