"""C convolutions: see `npusim.kernels.reference.convolution` for what they compute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from npusim.kernels.native.memory import (
    EIGHT_BIT,
    contiguous,
    element_strides,
    int64s,
    lib,
    pointer,
    require,
    require_array,
    require_memory,
    require_writable,
)
from npusim.kernels.reference import convolution as reference

Array = np.ndarray

ZERO_POINTS = (-128, 255)
"""Zero points for which a difference of 8-bit values fits the int16 products."""
LARGEST_GEOMETRY = 1 << 16
"""Strides, dilations and paddings beyond this are left to the reference."""


def conv_accumulate(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array,
) -> None:  # fmt: skip
    """See the reference."""
    if _check(x, w, acc, tile, geometry, x_zero, w_zero):
        _call(lib.npusim_conv_accumulate, x, w, acc, tile, geometry, x_zero, w_zero)
    else:
        reference.conv_accumulate(x, w, acc, tile, geometry, x_zero, w_zero)


def depthwise_accumulate(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array,
) -> None:  # fmt: skip
    """See the reference; needs one input and one output channel a group."""
    require(w.ndim == 5 and w.shape[1] == w.shape[4] == 1, f"weights {w.shape} are not depthwise")
    if _check(x, w, acc, tile, geometry, x_zero, w_zero):
        _call(lib.npusim_depthwise_accumulate, x, w, acc, tile, geometry, x_zero, w_zero)
    else:
        reference.depthwise_accumulate(x, w, acc, tile, geometry, x_zero, w_zero)


def _check(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array,
) -> bool:  # fmt: skip
    """ValueError for arguments that do not fit together; False for what C is not made for."""
    require(x.ndim == 5 and w.ndim == 5, "x and w must have five dimensions")
    require(len(tile) == 12 and len(geometry) == 6, "a tile has 12 bounds, a geometry 6 numbers")
    b, _, _, g, c = x.shape
    k = w.shape[1]
    require_array("x", x, EIGHT_BIT, x.shape)
    require_array("w", w, EIGHT_BIT, (g, k, w.shape[2], w.shape[3], c))
    require_array("w_zero", w_zero, ("int32",), (g, k))
    extents = tuple(tile[i + 1] - tile[i] for i in (0, 8, 10, 2, 4))
    require_array("acc", acc, ("int32",), extents)
    require_writable("acc", acc)
    for first, last, extent in zip(tile[0:8:2], tile[1:8:2], (b, g, k, c), strict=True):
        require(0 <= first <= last <= extent, f"tile {tuple(tile)} leaves x {x.shape}, w {w.shape}")
    require(min(tile[8:]) >= 0 and max(tile[8:]) < 2**31, f"tile {tuple(tile)} has no such pixels")
    require(min(geometry[:4]) >= 1, f"strides and dilations start at 1: {tuple(geometry)}")
    low, high = ZERO_POINTS
    return (
        low <= x_zero <= high
        and (w_zero.size == 0 or bool(low <= w_zero.min() and w_zero.max() <= high))
        and all(abs(value) <= LARGEST_GEOMETRY for value in geometry)
    )


def _call(
    function: Any, x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array,
) -> None:  # fmt: skip
    sums = contiguous(acc, np.int32)
    zeros = contiguous(w_zero, np.int32)
    status = function(
        pointer(x), int64s(x.shape), element_strides(x), x.dtype == np.int8,
        pointer(w), int64s(w.shape), element_strides(w), w.dtype == np.int8,
        pointer(zeros), int(x_zero), int64s(tile), int64s(geometry), pointer(sums),
    )  # fmt: skip
    require_memory(status)
    if sums is not acc:
        acc[...] = sums
