"""Average of stored integers, to nearest with ties away from zero; no rescaling (TFLite)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.kernels.reference.window import Geometry, window_sum
from npusim.numerics.pooling import IntegerAverage

Array = np.ndarray


def average_pool_integer(
    x: Array, out: Array, tile: Sequence[int], geometry: Geometry, divisors: Array,
    p: IntegerAverage,
) -> None:  # fmt: skip
    """x int8|uint8 [B, H, W, K]; out [b, oy, ox, k] of `tile`; divisors int64 [oy, ox].

    Where a divisor counts more taps than lie inside the image, the others hold the zero point.
    """
    total, count = window_sum(x, tile, geometry)
    total += ((divisors - count) * p.x_zero)[:, :, None]
    divisor = divisors[:, :, None]
    rounded = np.sign(total) * ((np.abs(total) + divisor // 2) // divisor)
    out[...] = np.clip(rounded, p.low, p.high).astype(out.dtype)
