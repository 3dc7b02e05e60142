"""Convolution and matrix product into an accumulator that wraps: of int32, or of int64.

acc[b, y, x, g, k] += sum over c, fy, fx of
    (x[b, y*sy + fy*dy - py, x*sx + fx*dx - px, g, c] - x_zero)
    * (w[g, k, fy, fx, c] - w_zero[g, k])

Outside the image the input equals x_zero, so padding adds nothing. A matrix product is the case of
one pixel and one tap.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Array = np.ndarray


def conv_accumulate(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array,
) -> None:  # fmt: skip
    """Add the products of `tile` to `acc`.

    x int8|uint8 [B, H, W, G, C]; w int8|uint8 [G, K, FY, FX, C]; w_zero int32 [G, K];
    acc int32 [b, oy, ox, g, k], the extents of the tile; `tile` the twelve bounds of `Tile`;
    `geometry` = (stride_y, stride_x, dilation_y, dilation_x, pad_top, pad_left). As
    `conv_accumulate_wide`, x and w are of 8 or 16 bits and acc is int64.
    """
    b0, b1, g0, g1, k0, k1, c0, c1, y0, y1, x0, x1 = tile
    weights = w[g0:g1, k0:k1, :, :, c0:c1].astype(np.int64)
    weights -= w_zero[g0:g1, k0:k1, None, None, None]
    total = acc.astype(np.int64)
    for fy in range(w.shape[2]):
        for fx in range(w.shape[3]):
            seen = patch(x, (y0, y1, x0, x1), (fy, fx), geometry, x_zero)
            seen = seen[b0:b1, :, :, g0:g1, c0:c1]
            total += np.einsum("byxgc,gkc->byxgk", seen, weights[:, :, fy, fx, :])
    acc[...] = total.astype(acc.dtype)


def depthwise_accumulate(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array,
) -> None:  # fmt: skip
    """`conv_accumulate` for one input channel a group (C = 1): same arrays, same meaning."""
    conv_accumulate(x, w, acc, tile, geometry, x_zero, w_zero)


def patch(
    x: Array, region: tuple[int, int, int, int], tap: tuple[int, int],
    geometry: Sequence[int], x_zero: int, dtype: np.typing.DTypeLike = np.int64,
) -> Array:  # fmt: skip
    """Inputs minus x_zero under one tap for pixels y0..y1, x0..x1: `dtype` [B, oy, ox, G, C]."""
    stride_y, stride_x, dilation_y, dilation_x, pad_top, pad_left = geometry
    y0, y1, x0, x1 = region
    rows = np.arange(y0, y1) * stride_y + tap[0] * dilation_y - pad_top
    cols = np.arange(x0, x1) * stride_x + tap[1] * dilation_x - pad_left
    inside_y = (rows >= 0) & (rows < x.shape[1])
    inside_x = (cols >= 0) & (cols < x.shape[2])
    seen = np.zeros((x.shape[0], rows.size, cols.size, *x.shape[3:]), dtype)
    found = x[:, rows[inside_y]][:, :, cols[inside_x]].astype(dtype) - x_zero
    seen[np.ix_(np.arange(x.shape[0]), inside_y, inside_x)] = found
    return seen
