"""What the linear resizes share: the four neighbours of each output element, and their weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from npusim.numerics.resize_linear import Taps

Array = np.ndarray


class Corners(NamedTuple):
    """Neighbours [b, oy, ox, k] above and below, left and right; weights that broadcast to them."""

    top_left: Array
    top_right: Array
    bottom_left: Array
    bottom_right: Array
    top: Array
    bottom: Array
    left: Array
    right: Array


def corners(
    x: Array, tile: Sequence[int], taps: tuple[Taps, Taps], dtype: np.typing.DTypeLike
) -> Corners:
    """The neighbours of `tile` in x [B, H, W, K] as `dtype`; `taps` of the rows and columns."""
    rows, cols = taps
    ys, xs = slice(tile[8], tile[9]), slice(tile[10], tile[11])
    part = x[tile[0] : tile[1], :, :, tile[4] : tile[5]]
    above, below = (part[:, which[ys]].astype(dtype) for which in (rows.low, rows.high))
    left, right = cols.low[xs], cols.high[xs]
    return Corners(
        above[:, :, left], above[:, :, right], below[:, :, left], below[:, :, right],
        rows.low_weight[ys][:, None, None], rows.high_weight[ys][:, None, None],
        cols.low_weight[xs][:, None], cols.high_weight[xs][:, None],
    )  # fmt: skip
