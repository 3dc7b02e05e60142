"""Linear resize as ONNX Runtime does it channels last: weights of 1/1024, cut to integers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.kernels.reference.bilinear import corners
from npusim.numerics.resize_linear import GRID_BITS, Taps

Array = np.ndarray


def resize_bilinear_truncated_integer(
    x: Array, out: Array, tile: Sequence[int], taps: tuple[Taps, Taps]
) -> None:
    """x int8|uint8 [B, H, W, K]; out [b, oy, ox, k] of `tile`: the sum, rounded towards zero."""
    c = corners(x, tile, taps, np.int64)
    total = c.top_left * c.top * c.left + c.bottom_left * c.bottom * c.left
    total += c.top_right * c.top * c.right + c.bottom_right * c.bottom * c.right
    out[...] = (np.sign(total) * (np.abs(total) >> (2 * GRID_BITS))).astype(out.dtype)
