"""Integer products into an accumulator that saturates: the order of additions decides the sum.

The order is that of `npusim/numerics/accumulation.py`: taps row by row, within a tap groups of
`tree` consecutive channels of the tile. The sum of a group is exact; after each addition of one the
accumulator is clamped to `bits` bits, two's complement.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.kernels.reference.convolution import patch

Array = np.ndarray


def conv_accumulate_saturating(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array, bits: int, tree: int,
) -> None:  # fmt: skip
    """Add the products of `tile` to `acc`, group by group.

    The arrays of `conv_accumulate` with x and w of 8 or 16 bits; acc int64 [b, oy, ox, g, k] holds
    values of `bits` bits, 2..62; `tree` >= 1. Outside the image an input adds nothing.
    """
    b0, b1, g0, g1, k0, k1, c0, c1, y0, y1, x0, x1 = tile
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    weights = w[g0:g1, k0:k1, :, :, c0:c1].astype(np.int64)
    weights -= w_zero[g0:g1, k0:k1, None, None, None]
    total = acc.astype(np.int64)
    for fy in range(w.shape[2]):
        for fx in range(w.shape[3]):
            seen = patch(x, (y0, y1, x0, x1), (fy, fx), geometry, x_zero)
            seen = seen[b0:b1, :, :, g0:g1, c0:c1]
            for c in range(0, c1 - c0, tree):
                group = slice(c, c + tree)
                added = np.einsum(
                    "byxgc,gkc->byxgk", seen[..., group], weights[:, :, fy, fx, group]
                )
                total = np.clip(total + added, low, high)
    acc[...] = total
