"""Convolution and matrix product of float32: products summed in float64, then rounded once.

y[b, y, x, g, k] = bias[g, k] + sum over c, fy, fx of
    x[b, y*sy + fy*dy - py, x*sx + fx*dx - px, g, c] * w[g, k, fy, fx, c]

Frameworks add in float32 in an order of their own, which depends on the machine. The sum here is
the nearest float32 to the exact one for all but pathological sums, whatever the order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.kernels.reference.convolution import patch

Array = np.ndarray


def convolution_float32(
    x: Array, w: Array, bias: Array | None, out: Array, geometry: Sequence[int]
) -> None:
    """x float32 [B, H, W, G, C]; w float32 [G, K, FY, FX, C]; bias float32 [G, K]; out float32
    [B, OY, OX, G, K]; `geometry` = (stride_y, stride_x, dilation_y, dilation_x, pad_top, pad_left).
    """
    region = (0, out.shape[1], 0, out.shape[2])
    total = np.zeros(out.shape, np.float64)
    for fy in range(w.shape[2]):
        for fx in range(w.shape[3]):
            seen = patch(x, region, (fy, fx), geometry, 0, np.float64)
            total += _products(seen, w[:, :, fy, fx].astype(np.float64))
    if bias is not None:
        total += bias
    out[...] = total.astype(np.float32)


def _products(seen: Array, weights: Array) -> Array:
    """[B, OY, OX, G, C] times [G, K, C], summed over C."""
    if weights.shape[1] == weights.shape[2] == 1:
        scaled: Array = seen * weights[:, :, 0]
        return scaled
    groups, filters, depth = weights.shape
    rows = np.moveaxis(seen, 3, 0).reshape(groups, -1, depth)
    product = np.matmul(rows, np.swapaxes(weights, 1, 2))
    return np.moveaxis(product.reshape(groups, *seen.shape[:3], filters), 0, 3)
