"""Rows of a matrix product as the pixels of an image: what an array with blocks works on.

A block of such an array covers rows and columns of an image; loop B is not among them. So its
compiler lays n rows out as h x w pixels, and one block takes weights for many of them:

    w = the first divisor of n from max(n / 16, ceil(sqrt(n))) on,  h = n / w

Source: fully connected layers in ethos-u-vela 5.2.0. A convolution of one pixel and one tap is such
a product too, a row an image. Matrices that are computed, both of them, are taken in the same way.
"""

from __future__ import annotations

import math
from dataclasses import replace

from npusim.ir.loopnest import LoopNest, Operand, Tile, Unit

_MOST_ROWS = 16


def rectangle_of(nest: LoopNest) -> LoopNest | None:
    """`nest` with its loop B in OY and OX; None if it is no product of several rows.

    A tile takes whole lines of the rectangle, so that its rows of the product follow each other.
    """
    b, g, k, c, *pixel = nest.extents
    one_pixel = max(*pixel, *nest.input_size) == 1 and not any(nest.padding)
    if nest.unit is not Unit.ARRAY or b < 2 or not one_pixel or "B" not in nest.splits:
        return None
    height, width = sides_of(b)
    uncut = {"OX"} if height > 1 else set()
    return replace(
        nest, extents=(1, g, k, c, height, width, 1, 1), stride=(1, 1), dilation=(1, 1),
        operands=tuple(_spread(operand) for operand in nest.operands),
        input_size=(height, width), splits=nest.splits - uncut, keeps_rows=False,
    )  # fmt: skip


def sides_of(rows: int) -> tuple[int, int]:
    """Height and width of the rectangle of `rows` pixels."""
    width = max(rows // _MOST_ROWS, math.isqrt(rows - 1) + 1)
    while rows % width:
        width += 1
    return rows // width, width


def _spread(operand: Operand) -> Operand:
    if "B" not in operand.dims:
        return operand
    return replace(operand, dims=operand.dims - {"B"} | {"OY", "OX"}, window=False)


def rows_of(tile: Tile, width: int) -> Tile:
    """A tile of a rectangle with lines of `width`, as rows of the product: its loop B again."""
    first, last = tile.y0 * width + tile.x0, (tile.y1 - 1) * width + tile.x1
    return tile._replace(b0=first, b1=last, y0=0, y1=1, x0=0, x1=1)
