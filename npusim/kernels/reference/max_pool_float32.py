"""Maximum of float32 values over a window, clamped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.kernels.reference.window import Geometry, window_max

Array = np.ndarray


def max_pool_float32(
    x: Array, out: Array, tile: Sequence[int], geometry: Geometry,
    clamp: tuple[float | None, float | None],
) -> None:  # fmt: skip
    """x float32 [B, H, W, K]; out [b, oy, ox, k] of `tile`; a bound of None is open."""
    largest = window_max(x, tile, geometry, -np.inf, np.float32)
    out[...] = largest if clamp == (None, None) else np.clip(largest, *clamp)
