"""C windows and sums over axes, in the form that `npusim.kernels.averages` asks for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.kernels.averages import window_fits
from npusim.kernels.checks import EIGHT_BIT, require_array
from npusim.kernels.native.memory import contiguous, element_strides, int64s, lib, pointer
from npusim.numerics.onnx_runtime import RealRescale

Array = np.ndarray


def window_sum(x: Array, tile: Sequence[int], geometry: Sequence[int]) -> Array:
    """Sums int64 [b, oy, ox, k] over the taps inside the image."""
    b0, b1, _, _, k0, k1, _, _, y0, y1, x0, x1 = tile
    sums = np.empty((b1 - b0, y1 - y0, x1 - x0, k1 - k0), np.int64)
    lib.npusim_window_sum(*_image(x), int64s(tile), int64s(geometry), pointer(sums))
    return sums


def row_sum(x: Array) -> Array:
    """Sums int64 [...] of x [..., taps] over the last axis."""
    kept = x.shape[:-1]
    rows = x.reshape((1,) * (3 - x.ndim) + x.shape) if x.ndim < 3 else x
    if rows.ndim > 3:
        rows = rows.reshape(-1, *rows.shape[-2:])
    sums = np.empty(rows.shape[:2], np.int64)
    lib.npusim_row_sum(
        pointer(rows), int64s(rows.shape), element_strides(rows), rows.dtype == np.int8,
        pointer(sums),
    )  # fmt: skip
    return sums.reshape(kept)


def max_pool_exact(
    x: Array, out: Array, tile: Sequence[int], geometry: Sequence[int], clamp: tuple[int, int]
) -> None:
    """See the reference."""
    window_fits(x, out, tile, geometry)
    require_array("out", out, (x.dtype,), out.shape)
    place = pointer(out), element_strides(out)
    lib.npusim_window_max(*_image(x), int64s(tile), int64s(geometry), *clamp, *place)


def average_pool_onnx(
    x: Array, out: Array, tile: Sequence[int], geometry: Sequence[int], divisors: Array,
    p: RealRescale,
) -> None:  # fmt: skip
    """See the reference."""
    window_fits(x, out, tile, geometry)
    require_array("out", out, EIGHT_BIT, out.shape)
    require_array("divisors", divisors, (np.dtype(np.int64),), out.shape[1:3])
    counts = contiguous(divisors, np.int64)
    lib.npusim_average_pool_onnx(
        *_image(x), int64s(tile), int64s(geometry), pointer(counts), p.x_zero,
        float(p.x_scale), float(p.y_scale), p.y_zero, p.low, p.high,
        pointer(out), element_strides(out),
    )  # fmt: skip


def _image(x: Array) -> tuple[object, object, object, bool]:
    return pointer(x), int64s(x.shape), element_strides(x), x.dtype == np.int8
