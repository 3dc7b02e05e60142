"""Linear resize with weights of 11 bits, columns first, one rounding at the end (XNNPACK)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.kernels.reference.bilinear import corners
from npusim.numerics.resize_linear import WEIGHT_BITS, Taps

Array = np.ndarray


def resize_bilinear_fixed11(
    x: Array, out: Array, tile: Sequence[int], taps: tuple[Taps, Taps]
) -> None:
    """x int8|uint8 [B, H, W, K]; out [b, oy, ox, k] of `tile`."""
    c = corners(x, tile, taps, np.int64)
    above = c.top_left * c.left + c.top_right * c.right
    below = c.bottom_left * c.left + c.bottom_right * c.right
    total = above * c.top + below * c.bottom
    half = 1 << (2 * WEIGHT_BITS - 1)
    out[...] = ((total + half) >> (2 * WEIGHT_BITS)).astype(out.dtype)
