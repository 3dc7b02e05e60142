"""Maximum over a window, clamped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.kernels.reference.window import Geometry, window_max

Array = np.ndarray


def max_pool_exact(
    x: Array, out: Array, tile: Sequence[int], geometry: Geometry, clamp: tuple[int, int]
) -> None:
    """x int8|uint8 [B, H, W, K]; out [b, oy, ox, k] of `tile`."""
    low, high = clamp
    out[...] = np.clip(window_max(x, tile, geometry, low), low, high).astype(out.dtype)
