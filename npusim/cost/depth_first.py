"""Dot-product array, input channels first: one filter tap at a time over blocks of channels.

`rows` products are summed at once for `cols` output channels and a small block of pixels. A pass
(see `passes.py`) takes `channel_block` input channels of one tap: channel_block / rows cycles a
block of pixels, charged whole. Depthwise layers have no channels to sum and run as in
`part_kernel`.

    passes = taps * ceil(k / cols) * ceil(c / channel_block) * g
    cycles = passes * max(weight time, channel_block / rows * pixel blocks / rate)

where rate is MACs per unit and cycle; an array that can't hide weight loads takes the sum of the
two instead of the longer one. With `clip_channel_block` a layer of fewer channels has shorter
passes. Source: the block cost of Arm's Vela 5.2.0 for Ethos-U55/U65, as a
mechanism.
"""

from __future__ import annotations

from npusim.cost.part_kernel import part_kernel
from npusim.cost.passes import cost_of_passes, pixel_blocks
from npusim.cost.transfer import cycles_at
from npusim.cost.types import ArrayParams, Extents, TileCost
from npusim.jit import compiled


@compiled
def depth_first(tile: Extents, array: ArrayParams) -> TileCost:
    """Cost of one tile; see the module's docstring."""
    if tile.c == 1 and tile.g > 1:
        return part_kernel(tile, array)
    taps = tile.fy * tile.fx
    depth = array.channel_block
    if array.clip_channel_block:
        depth = min(depth, -(-tile.c // array.rows) * array.rows)
    passes = tile.g * taps * -(-tile.k // array.cols) * -(-tile.c // depth)
    blocks = depth // array.rows * pixel_blocks(tile, array)
    stream = cycles_at(blocks, tile.macs_per_unit)
    weight_time = cycles_at(depth * array.cols, array.weight_rate)
    return cost_of_passes(tile, array, passes, taps, stream, weight_time)
