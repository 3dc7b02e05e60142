"""What fast paths prepare of the operands of wide, saturating and blocked sums, and prove of them.

16-bit unsigned inputs are read as signed ones 2^15 lower. Where a path multiplies stored inputs
instead of differences to their zero point, it takes `zero * sum of weights` off at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from npusim.kernels.regions import grouped, region

Array = np.ndarray

INT32_MOST = 2**31 - 1
"""The greatest value of an int32."""
INT16_MOST = 2**15
"""The greatest magnitude of an int16."""


@dataclass(frozen=True)
class Stored16:
    """How inputs of one type pass as int16: stored - `minus`, with zero point `zero`."""

    minus: int
    zero: int

    @staticmethod
    def of(dtype: np.dtype, x_zero: int) -> Stored16 | None:
        """None if the zero point is no int16."""
        minus = INT16_MOST if dtype == np.uint16 else 0
        zero = x_zero - minus
        return Stored16(minus, zero) if -INT16_MOST <= zero < INT16_MOST else None


def tile_weights(w: Array, tile: Sequence[int], w_zero: Array) -> Array:
    """Weights of the tile minus their zero points: int32 [g, k, FY, FX, c].

    `w_zero` is [G, K], or has the rank of w, 1 where all share one, and all channels.
    """
    g0, g1, k0, k1, c0, c1 = tile[2:8]
    zeros = w_zero[g0:g1, k0:k1]
    zeros = zeros[..., None, None, None] if w_zero.ndim == 2 else zeros[..., c0:c1]
    differences: Array = w[g0:g1, k0:k1, :, :, c0:c1].astype(np.int32) - zeros
    return differences


def tile_inputs(
    x: Array, taps: tuple[int, int], tile: Sequence[int], geometry: Sequence[int], x_zero: int
) -> Array:
    """Inputs of the tile minus their zero point: contiguous int32 [b, g, rows, cols, c]."""
    return grouped(region(x, taps, tile, geometry, x_zero, 0, np.int32))


def is_empty(tile: Sequence[int], taps: tuple[int, int]) -> bool:
    """True if a tile has no products."""
    return 0 in taps or any(tile[at] == tile[at + 1] for at in range(0, 12, 2))


def magnitude(values: Array) -> int:
    """The greatest absolute value; 0 of none."""
    return int(max(-int(values.min()), int(values.max()))) if values.size else 0


def greatest_input(dtype: np.dtype, x_zero: int) -> int:
    """The greatest |stored - x_zero| of integers of `dtype`."""
    info = np.iinfo(dtype)
    return max(int(info.max) - x_zero, x_zero - int(info.min))
