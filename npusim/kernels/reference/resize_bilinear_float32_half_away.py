"""Linear resize in float32, in TFLite's order of products; the sum is rounded half away from 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.kernels.reference.bilinear import corners
from npusim.numerics.resize_linear import Taps

Array = np.ndarray


def resize_bilinear_float32_half_away(
    x: Array, out: Array, tile: Sequence[int], taps: tuple[Taps, Taps]
) -> None:
    """x int8|uint8 [B, H, W, K]; out [b, oy, ox, k] of `tile`."""
    c = corners(x, tile, taps, np.float32)
    total = c.top_left * c.top * c.left
    total += c.bottom_left * c.bottom * c.left
    total += c.top_right * c.top * c.right
    total += c.bottom_right * c.bottom * c.right
    wide = total.astype(np.float64)
    out[...] = np.trunc(wide + np.copysign(0.5, wide)).astype(out.dtype)
