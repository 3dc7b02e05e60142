"""Products with weights that have a scale for each block of input channels.

Within a tap, every `block` channels (counted from channel 0; the last block may be shorter) have a
sum of their own: integer, exact, then wrapped to `bits` bits. It is converted to float32, times the
block's scale, and added to a float32 accumulator:

    acc = f32(acc + f32(f32(sum of block) * scale))

taps row by row, within a tap its blocks upwards. This second level of sums rounds, so its order is
part of the result; a tile that ends inside a block adds the two parts one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.kernels.reference.convolution import patch

Array = np.ndarray


def conv_accumulate_blocked(
    x: Array, w: Array, acc: Array, tile: Sequence[int], geometry: Sequence[int],
    x_zero: int, w_zero: Array, scale: Array, block: int, bits: int,
) -> None:  # fmt: skip
    """Add the products of `tile` to `acc`, block by block.

    The arrays of `conv_accumulate` with x and w of 8 or 16 bits, but for w_zero int32 and scale
    float32 [G, K, FY, FX, blocks of C]; acc float32 [b, oy, ox, g, k]; bits 2..64.
    """
    b0, b1, g0, g1, k0, k1, c0, c1, y0, y1, x0, x1 = tile
    zeros = w_zero.repeat(block, 4)[g0:g1, k0:k1, :, :, c0:c1]
    weights = w[g0:g1, k0:k1, :, :, c0:c1].astype(np.int64) - zeros
    factors = scale[g0:g1, k0:k1]
    for fy in range(w.shape[2]):
        for fx in range(w.shape[3]):
            seen = patch(x, (y0, y1, x0, x1), (fy, fx), geometry, x_zero)
            seen = seen[b0:b1, :, :, g0:g1, c0:c1]
            for at in range(c0 // block, -(-c1 // block)):
                part = slice(max(at * block - c0, 0), (at + 1) * block - c0)
                sums = np.einsum("byxgc,gkc->byxgk", seen[..., part], weights[:, :, fy, fx, part])
                real = wrapped(sums, bits).astype(np.float32)
                acc += real * factors[:, :, fy, fx, at]


def wrapped(sums: Array, bits: int) -> Array:
    """int64 sums in two's complement of `bits` bits, as int64."""
    unused = np.int64(64 - bits)
    kept: Array = (sums << unused) >> unused
    return kept
