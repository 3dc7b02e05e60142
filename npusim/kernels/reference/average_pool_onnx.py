"""Average over a window of float32 reals, added row by row (ONNX Runtime's QLinearAveragePool)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.kernels.reference.window import Geometry, taps
from npusim.numerics.onnx_runtime import RealRescale

Array = np.ndarray


def average_pool_onnx(
    x: Array, out: Array, tile: Sequence[int], geometry: Geometry, divisors: Array, p: RealRescale
) -> None:
    """x int8|uint8 [B, H, W, K]; out [b, oy, ox, k] of `tile`; divisors int64 [oy, ox].

    Padding adds nothing, whether or not the divisor counts it.
    """
    b0, b1, _, _, k0, k1, _, _, y0, y1, x0, x1 = tile
    total = np.zeros((b1 - b0, y1 - y0, x1 - x0, k1 - k0), np.float32)
    for where, values in taps(x[b0:b1, :, :, k0:k1], (y0, y1, x0, x1), geometry):
        real = (values - p.x_zero).astype(np.float32) * p.x_scale
        total[np.ix_(np.arange(b1 - b0), *where)] += real
    mean = total / divisors[:, :, None].astype(np.float32)
    rounded = np.rint(mean / p.y_scale + np.float32(p.y_zero))
    out[...] = np.clip(rounded, p.low, p.high).astype(out.dtype)
