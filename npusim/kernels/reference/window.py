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


def window_sum(x: Array, tile: Sequence[int], geometry: Geometry) -> tuple[Array, Array]:
    """Sum (int64 [b, oy, ox, k]) and number of taps inside (int64 [oy, ox]) for one tile.

    x int8|uint8 [B, H, W, K]; `tile` the twelve bounds of `Tile`.
    """
    b0, b1, _, _, k0, k1, _, _, y0, y1, x0, x1 = tile
    total = np.zeros((b1 - b0, y1 - y0, x1 - x0, k1 - k0), np.int64)
    count = np.zeros((y1 - y0, x1 - x0), np.int64)
    for where, values in taps(x[b0:b1, :, :, k0:k1], (y0, y1, x0, x1), geometry):
        total[np.ix_(np.arange(b1 - b0), *where)] += values
        count[np.ix_(*where)] += 1
    return total, count


def window_max(x: Array, tile: Sequence[int], geometry: Geometry, lowest: int) -> Array:
    """Largest tap inside the image (int64 [b, oy, ox, k]), `lowest` where there is none."""
    b0, b1, _, _, k0, k1, _, _, y0, y1, x0, x1 = tile
    largest = np.full((b1 - b0, y1 - y0, x1 - x0, k1 - k0), lowest, np.int64)
    for where, values in taps(x[b0:b1, :, :, k0:k1], (y0, y1, x0, x1), geometry):
        index = np.ix_(np.arange(b1 - b0), *where)
        largest[index] = np.maximum(largest[index], values)
    return largest


def taps(
    x: Array, region: tuple[int, int, int, int], geometry: Geometry
) -> Iterator[tuple[tuple[Array, Array], Array]]:
    """For each tap the output pixels (masks of rows, columns) that it serves, and its values."""
    taps_y, taps_x, stride_y, stride_x, dilation_y, dilation_x, pad_top, pad_left = geometry
    y0, y1, x0, x1 = region
    for fy in range(taps_y):
        rows = np.arange(y0, y1) * stride_y + fy * dilation_y - pad_top
        inside_y = (rows >= 0) & (rows < x.shape[1])
        for fx in range(taps_x):
            cols = np.arange(x0, x1) * stride_x + fx * dilation_x - pad_left
            inside_x = (cols >= 0) & (cols < x.shape[2])
            values = x[:, rows[inside_y]][:, :, cols[inside_x]].astype(np.int64)
            yield (inside_y, inside_x), values
