"""Mean of centred values: exact sum, then one fixed-point factor that rounds twice (TFLite)."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import rescale, store
from npusim.numerics.pooling import FixedPointMean

Array = np.ndarray


def mean_double_rounding(x: Array, out: Array, p: FixedPointMean) -> None:
    """x int8|uint8 [..., taps], out int8|uint8 [...]."""
    total = (x.astype(np.int64) - p.x_zero).sum(axis=-1)
    store(rescale(total, p.multiplier, p.shift), p.y_zero, p.low, p.high, out)
