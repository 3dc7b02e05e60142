"""The operands of a tile in plain memory: what loops over widened integers read.

The input region under a tile stands without padding or strides left to think about; weights stand
with 16 output channels side by side, a panel, so that an inner loop runs over them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Array = np.ndarray

PANEL = 16
"""Output channels of a panel of weights; the last panel is filled up with zeros."""


def region(
    x: Array, taps: tuple[int, int], tile: Sequence[int], geometry: Sequence[int],
    minus: int, outside: int, dtype: np.typing.DTypeLike,
) -> Array:  # fmt: skip
    """Inputs under the tile minus `minus`: `dtype` [b, rows, cols, g, c].

    Outside the image stands `outside`. x [B, H, W, G, C]; `tile` and `geometry` as
    `conv_accumulate` has them; `taps` is (FY, FX).
    """
    b0, b1, g0, g1, _, _, c0, c1, y0, y1, x0, x1 = tile
    stride_y, stride_x, dilation_y, dilation_x, top, left = geometry
    first_row, first_col = y0 * stride_y - top, x0 * stride_x - left
    rows = max(0, (y1 - y0 - 1) * stride_y + (taps[0] - 1) * dilation_y + 1)
    cols = max(0, (x1 - x0 - 1) * stride_x + (taps[1] - 1) * dilation_x + 1)
    filled = np.full((b1 - b0, rows, cols, g1 - g0, c1 - c0), outside, dtype)
    inside_y = slice(max(first_row, 0), max(0, min(first_row + rows, x.shape[1])))
    inside_x = slice(max(first_col, 0), max(0, min(first_col + cols, x.shape[2])))
    found = x[b0:b1, inside_y, inside_x, g0:g1, c0:c1]
    at_y, at_x = inside_y.start - first_row, inside_x.start - first_col
    target = filled[:, at_y : at_y + found.shape[1], at_x : at_x + found.shape[2]]
    if minus == 0:
        target[...] = found
    else:
        wide = np.result_type(np.int16, filled.dtype, found.dtype)
        np.subtract(found, wide.type(minus), out=target, dtype=wide, casting="unsafe")
    return filled


def grouped(filled: Array) -> Array:
    """A region with the channels of a group side by side: contiguous [b, g, rows, cols, c]."""
    return np.ascontiguousarray(filled.transpose(0, 3, 1, 2, 4))


def panels(w: Array, dtype: np.typing.DTypeLike) -> Array:
    """Weights [g, k, FY, FX, c] as contiguous `dtype` [g, panels, FY, FX, c, PANEL]."""
    g, k, taps_y, taps_x, c = w.shape
    count = -(-k // PANEL)
    filled = np.zeros((g, count * PANEL, taps_y, taps_x, c), dtype)
    filled[:, :k] = w
    split = filled.reshape(g, count, PANEL, taps_y, taps_x, c)
    return np.ascontiguousarray(split.transpose(0, 1, 3, 4, 5, 2))
