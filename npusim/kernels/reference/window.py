"""Sums, maxima and counts over the taps of a pooling window; padding takes no part.

Output pixel (y, x) sees the inputs (y*sy + fy*dy - py, x*sx + fx*dx - px) for all taps (fy, fx)
that lie inside the image.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

Array = np.ndarray
Geometry = tuple[int, int, int, int, int, int, int, int]
"""(taps_y, taps_x, stride_y, stride_x, dilation_y, dilation_x, pad_top, pad_left)."""


def window_sum(
    x: Array, tile: Sequence[int], geometry: Geometry, dtype: np.typing.DTypeLike = np.int64
) -> tuple[Array, Array]:
    """Sum (`dtype` [b, oy, ox, k]) and number of taps inside (int64 [oy, ox]) for one tile.

    x [B, H, W, K]; `tile` the twelve bounds of `Tile`.
    """
    b0, b1, _, _, k0, k1, _, _, y0, y1, x0, x1 = tile
    total = np.zeros((b1 - b0, y1 - y0, x1 - x0, k1 - k0), dtype)
    count = np.zeros((y1 - y0, x1 - x0), np.int64)
    for where, values in taps(x[b0:b1, :, :, k0:k1], (y0, y1, x0, x1), geometry, dtype):
        total[np.ix_(np.arange(b1 - b0), *where)] += values
        count[np.ix_(*where)] += 1
    return total, count


def window_max(
    x: Array, tile: Sequence[int], geometry: Geometry, lowest: float,
    dtype: np.typing.DTypeLike = np.int64,
) -> Array:  # fmt: skip
    """Largest tap inside the image (`dtype` [b, oy, ox, k]), `lowest` where there is none."""
    b0, b1, _, _, k0, k1, _, _, y0, y1, x0, x1 = tile
    largest = np.full((b1 - b0, y1 - y0, x1 - x0, k1 - k0), lowest, dtype)
    for where, values in taps(x[b0:b1, :, :, k0:k1], (y0, y1, x0, x1), geometry, dtype):
        index = np.ix_(np.arange(b1 - b0), *where)
        largest[index] = np.maximum(largest[index], values)
    return largest


def taps(
    x: Array, region: tuple[int, int, int, int], geometry: Geometry,
    dtype: np.typing.DTypeLike = np.int64,
) -> Iterator[tuple[tuple[Array, Array], Array]]:  # fmt: skip
    """For each tap the output pixels (masks of rows, columns) that it serves, and its values."""
    taps_y, taps_x, stride_y, stride_x, dilation_y, dilation_x, pad_top, pad_left = geometry
    y0, y1, x0, x1 = region
    for fy in range(taps_y):
        rows = np.arange(y0, y1) * stride_y + fy * dilation_y - pad_top
        inside_y = (rows >= 0) & (rows < x.shape[1])
        for fx in range(taps_x):
            cols = np.arange(x0, x1) * stride_x + fx * dilation_x - pad_left
            inside_x = (cols >= 0) & (cols < x.shape[2])
            values = x[:, rows[inside_y]][:, :, cols[inside_x]].astype(dtype)
            yield (inside_y, inside_x), values
