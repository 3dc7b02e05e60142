"""Averages whose sums are fast and whose rounding is the reference's.

The sums over taps touch every input element; what follows touches only outputs. So a fast path adds
up, and the reference kernel finishes: it is given the sums as if each were a window of one tap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from npusim.kernels.checks import EIGHT_BIT, require_writable

Array = np.ndarray
Kernel = Callable[..., Any]

WindowSum = Callable[[Array, Sequence[int], Sequence[int]], Array]
"""(x, tile, geometry) to int64 [b, oy, ox, k]: sums over the taps inside the image."""
RowSum = Callable[[Array], Array]
"""x [..., taps] to int64 [...]: sums over the last axis."""

WINDOWS = ("average_pool_integer",)
"""Averages over a window that depend on the centred integer sum only."""
ROWS = ("mean_double_rounding", "mean_float32_bias", "mean_float32_rint")
"""Means that depend on the integer sum only, centred if their parameters have an `x_zero`."""

_ONE_TAP = (1, 1, 1, 1, 1, 1, 0, 0)


def average_kernels(
    reference: Mapping[str, Kernel], window_sum: WindowSum, row_sum: RowSum
) -> dict[str, Kernel]:
    """The averages of `reference` named in WINDOWS and ROWS, with these sums."""
    found = {name: _average(reference[name], window_sum) for name in WINDOWS}
    found.update((name, _mean(reference[name], row_sum)) for name in ROWS)
    return found


def _average(kernel: Kernel, window_sum: WindowSum) -> Kernel:
    def average(
        x: Array, out: Array, tile: Sequence[int], geometry: Sequence[int], divisors: Array, p: Any
    ) -> None:
        """See the reference."""
        window_fits(x, out, tile, geometry)
        total = window_sum(x, tile, geometry)
        # The reference centres by what lies inside the image; a window of one tap counts one.
        total += ((1 - taps_inside(x.shape, tile, geometry)) * p.x_zero)[:, :, None]
        b, rows, cols, k = out.shape
        whole = (0, b, 0, 1, 0, k, 0, 1, 0, rows, 0, cols)
        kernel(total, out, whole, _ONE_TAP, divisors, p)

    return average


def _mean(kernel: Kernel, row_sum: RowSum) -> Kernel:
    def mean(x: Array, out: Array, p: Any) -> None:
        """See the reference."""
        if x.ndim < 1 or x.dtype not in EIGHT_BIT or x.shape[:-1] != out.shape:
            raise ValueError(f"x {x.dtype} {x.shape} does not fit out {out.shape}")
        require_writable("out", out)
        total = row_sum(x)
        if hasattr(p, "x_zero"):
            total -= x.shape[-1] * p.x_zero
            p = p._replace(x_zero=0)
        kernel(total[..., None], out, p)

    return mean


def taps_inside(x_shape: Sequence[int], tile: Sequence[int], geometry: Sequence[int]) -> Array:
    """Number of taps inside the image, int64 [oy, ox], for the output pixels of `tile`."""
    taps, strides, dilations, padding = (geometry[i : i + 2] for i in (0, 2, 4, 6))
    counts = []
    for axis, (first, last) in enumerate((tile[8:10], tile[10:12])):
        seen = np.arange(first, last)[:, None] * strides[axis] - padding[axis]
        seen = seen + np.arange(taps[axis]) * dilations[axis]
        counts.append(((seen >= 0) & (seen < x_shape[1 + axis])).sum(axis=1))
    rows, cols = counts
    inside: Array = rows[:, None] * cols
    return inside


def window_fits(x: Array, out: Array, tile: Sequence[int], geometry: Sequence[int]) -> None:
    """ValueError unless x [B, H, W, K], out [b, oy, ox, k], tile and geometry fit together."""
    if x.ndim != 4 or x.dtype not in EIGHT_BIT or out.ndim != 4:
        raise ValueError(f"x {x.dtype} {x.shape} and out {out.shape} must have four dimensions")
    if len(tile) != 12 or len(geometry) != 8:
        raise ValueError(f"a tile has 12 bounds, a window 8 numbers: {tile}, {geometry}")
    b0, b1, _, _, k0, k1, _, _, y0, y1, x0, x1 = tile
    if not (0 <= b0 <= b1 <= x.shape[0] and 0 <= k0 <= k1 <= x.shape[3]):
        raise ValueError(f"tile {tuple(tile)} leaves x {x.shape}")
    if not (0 <= y0 <= y1 < 2**31 and 0 <= x0 <= x1 < 2**31):
        raise ValueError(f"tile {tuple(tile)} has no such pixels")
    if out.shape != (b1 - b0, y1 - y0, x1 - x0, k1 - k0):
        raise ValueError(f"out {out.shape} does not have the extents of tile {tuple(tile)}")
    if min(geometry[:6]) < 1 or max(abs(value) for value in geometry) > 1 << 24:
        raise ValueError(f"not a window: {tuple(geometry)}")
    require_writable("out", out)
