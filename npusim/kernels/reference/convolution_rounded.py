"""Convolution and matrix product in floating point, with the order and roundings of an MAC array.

acc[b, y, x, g, k] gets the products
    x[b, y*sy + fy*dy - py, x*sx + fx*dx - px, g, c] * w[g, k, fy, fx, c]
of a tile added as `npusim.numerics.accumulation` says: taps in order, channels upwards, groups of
`tree` channels of a tap through an adder tree, then into the accumulator. Outside the image x is
+0, and is multiplied like any other value.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.kernels.reference.convolution import patch
from npusim.numerics.accumulation import Accumulation
from npusim.numerics.float_sums import add, stored_sum

Array = np.ndarray


@np.errstate(invalid="ignore")
def conv_accumulate_float(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    accumulation: Accumulation,
) -> None:  # fmt: skip
    """Add the products of `tile` to `acc`, in place.

    x float32 [B, H, W, G, C] and w float32 [G, K, FY, FX, C]: the values of the operands, already
    in `accumulation.compute` and, where subnormals are flushed, flushed. acc float32
    [b, oy, ox, g, k], the extents of the tile: numbers of `accumulation.format`. `tile` the twelve
    bounds of `Tile`; `geometry` = (stride_y, stride_x, dilation_y, dilation_x, pad_top, pad_left).
    Which NaN a NaN is stays open.
    """
    b0, b1, g0, g1, k0, k1, c0, c1, y0, y1, x0, x1 = tile
    weights = w[g0:g1, k0:k1, :, :, c0:c1].astype(np.float64)
    total = acc.astype(np.float64)
    for fy in range(w.shape[2]):
        for fx in range(w.shape[3]):
            seen = patch(x, (y0, y1, x0, x1), (fy, fx), geometry, 0, np.float64)
            seen = seen[b0:b1, :, :, g0:g1, c0:c1]
            for first in range(0, c1 - c0, accumulation.tree):
                group = slice(first, first + accumulation.tree)
                terms = _products(seen[..., group], weights[:, :, fy, fx, group], accumulation)
                total = add(total, _tree(terms, accumulation), accumulation)
    acc[...] = total


def _products(seen: Array, weights: Array, accumulation: Accumulation) -> list[Array]:
    """Products of [b, y, x, g, c] and [g, k, c], one array [b, y, x, g, k] a channel."""
    exact = [seen[..., None, c] * weights[None, None, None, :, :, c] for c in range(seen.shape[-1])]
    if accumulation.products == "rounded":
        return [stored_sum(product, accumulation) for product in exact]
    return exact


def _tree(terms: list[Array], accumulation: Accumulation) -> Array:
    """The sum of `terms` by neighbours in pairs; an odd one out goes up as it is."""
    while len(terms) > 1:
        pairs = [add(a, b, accumulation) for a, b in zip(terms[::2], terms[1::2], strict=False)]
        terms = pairs + terms[2 * len(pairs) :]
    return terms[0]
