"""Sum of centred values times a float32 factor, ties away from zero (TFLite's built-in Sum)."""

from __future__ import annotations

import numpy as np

from npusim.kernels.reference.fixed_point import store
from npusim.numerics.pooling import FloatMean
from npusim.numerics.requantize import half_away, wrap_int32

Array = np.ndarray


def mean_float32_half_away(x: Array, out: Array, p: FloatMean) -> None:
    """x int16 [..., taps], out int16 [...]; the sum wraps to int32."""
    total = wrap_int32((x.astype(np.int64) - p.x_zero).sum(axis=-1))
    scaled = (total.astype(np.float32) * p.scale).astype(np.float64)
    store(half_away(scaled), p.y_zero, p.low, p.high, out)
