"""Linear resize in float32, in ONNX Runtime's order of products and sums."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.kernels.reference.bilinear import corners
from npusim.numerics.resize_linear import Taps

Array = np.ndarray


def resize_bilinear_float32(
    x: Array, out: Array, tile: Sequence[int], taps: tuple[Taps, Taps]
) -> None:
    """x [B, H, W, K]; out [b, oy, ox, k] of `tile`, whose integers are truncated sums."""
    c = corners(x, tile, taps, np.float32)
    total = c.left * c.top * c.top_left
    total += c.right * c.top * c.top_right
    total += c.left * c.bottom * c.bottom_left
    total += c.right * c.bottom * c.bottom_right
    out[...] = total.astype(out.dtype)
