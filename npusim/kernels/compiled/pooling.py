"""Numba windows and sums over axes, in the form that `npusim.kernels.averages` asks for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.jit import compiled
from npusim.kernels.averages import window_fits
from npusim.kernels.checks import require_array

Array = np.ndarray


def window_sum(x: Array, tile: Sequence[int], geometry: Sequence[int]) -> Array:
    """Sums int64 [b, oy, ox, k] over the taps inside the image."""
    return _reduce(x, tile, geometry, False, 0).astype(np.int64)


def row_sum(x: Array) -> Array:
    """Sums int64 [...] of x [..., taps] over the last axis."""
    sums: Array = x.sum(axis=-1, dtype=np.int64)
    return sums


def max_pool_exact(
    x: Array, out: Array, tile: Sequence[int], geometry: Sequence[int], clamp: tuple[int, int]
) -> None:
    """See the reference."""
    window_fits(x, out, tile, geometry)
    require_array("out", out, (x.dtype,), out.shape)
    low, high = clamp
    out[...] = np.clip(_reduce(x, tile, geometry, True, low), low, high)


def _reduce(
    x: Array, tile: Sequence[int], geometry: Sequence[int], largest: bool, start: int
) -> Array:
    """Sum or maximum over the taps inside the image, from `start`: int32 [b, oy, ox, k]."""
    b0, b1, _, _, k0, k1, _, _, y0, y1, x0, x1 = tile
    values = np.ascontiguousarray(x[b0:b1, :, :, k0:k1], np.int32)
    result = np.full((b1 - b0, y1 - y0, x1 - x0, k1 - k0), start, np.int32)
    _walk(values, np.array([y0, x0, *geometry], np.int64), largest, result)
    return result


@compiled
def _walk(x: Array, numbers: Array, largest: bool, result: Array) -> None:
    y0, x0, taps_y, taps_x, stride_y, stride_x, dilation_y, dilation_x, top, left = numbers
    images, rows, cols, channels = result.shape
    for b in range(images):
        for y in range(rows):
            for col in range(cols):
                found = result[b, y, col]
                for fy in range(taps_y):
                    in_y = (y0 + y) * stride_y + fy * dilation_y - top
                    for fx in range(taps_x):
                        in_x = (x0 + col) * stride_x + fx * dilation_x - left
                        if 0 <= in_y < x.shape[1] and 0 <= in_x < x.shape[2]:
                            values = x[b, in_y, in_x]
                            for k in range(channels):
                                if not largest:
                                    found[k] += values[k]
                                elif values[k] > found[k]:
                                    found[k] = values[k]
