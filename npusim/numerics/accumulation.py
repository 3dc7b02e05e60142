"""How the products of a MAC array become a sum: formats, order, rounding, overflow.

Per output, the reduction runs over the tiles of the input channels as the schedule cut them; within
a tile over taps (rows, then columns of the filter), within a tap over its channels upwards. Each
group of `tree` consecutive channels of a tap is first summed by a balanced adder tree (neighbours
in pairs; an odd one out goes up a level as it is; the last group of a tap may be smaller), then its
sum is added to the accumulator: `tree` = 1 is one product after the other.

Integers: products and trees are exact, only the accumulator has `format`: its sum wraps to that
width, or saturates after each addition. The order matters for saturation alone.

Floats: the operands are numbers of `compute`, or their own where it is None. `products` says
whether a product stays exact until its addition rounds once (fused multiply-add), or is rounded to
`format` first. Every addition, in a tree too, rounds to `format` (to nearest, ties to even). A
result beyond the format's greatest number becomes infinity, or that number (`saturate`). With
`subnormals: flush`, operands that are subnormal in their format and results that are subnormal in
`format` become zeros of their sign.
"""

from __future__ import annotations

from dataclasses import dataclass

from npusim.numerics.formats import INT32, Format


@dataclass(frozen=True)
class Accumulation:
    """See the module's docstring. `on_overflow` is wrap or saturate (integers), infinity or
    saturate (floats); `products` exact or rounded; `subnormals` keep or flush."""

    format: Format = INT32
    on_overflow: str = "wrap"
    tree: int = 1
    products: str = "exact"
    subnormals: str = "keep"
    compute: Format | None = None
