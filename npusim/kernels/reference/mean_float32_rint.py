"""Mean of centred values: exact sum, a float32 factor, round half to even (XNNPACK)."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import store
from npusim.numerics.pooling import FloatMean

Array = np.ndarray


def mean_float32_rint(x: Array, out: Array, p: FloatMean) -> None:
    """x int8|uint8 [..., taps], out int8|uint8 [...]."""
    total = (x.astype(np.int64) - p.x_zero).sum(axis=-1)
    scaled = np.rint(total.astype(np.float32) * p.scale)
    store(scaled.astype(np.int64), p.y_zero, p.low, p.high, out)
