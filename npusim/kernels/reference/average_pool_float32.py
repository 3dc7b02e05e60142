"""Average of float32 values over a window: summed in float64, rounded once, clamped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.kernels.reference.window import Geometry, window_sum

Array = np.ndarray


def average_pool_float32(
    x: Array, out: Array, tile: Sequence[int], geometry: Geometry, divisors: Array,
    clamp: tuple[float | None, float | None],
) -> None:  # fmt: skip
    """x float32 [B, H, W, K]; out [b, oy, ox, k] of `tile`; divisors int64 [oy, ox].

    Padding adds nothing, whether or not the divisor counts it; a bound of None is open.
    """
    total, _ = window_sum(x, tile, geometry, np.float64)
    mean = (total / divisors[:, :, None]).astype(np.float32)
    out[...] = mean if clamp == (None, None) else np.clip(mean, *clamp)
