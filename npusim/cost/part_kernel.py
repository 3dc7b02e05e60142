"""Dot-product array, filter taps first: blocks of `tap_block` taps over `rows` input channels.

Used where there are few input channels; a pass (see `passes.py`) takes tap_block taps of `rows`
channels (tap_block cycles, charged whole, so a 3x3 filter needs three passes of four). A depthwise
layer has one channel a group: its groups lie along the columns and the rows are idle but for one.

    passes = ceil(taps / tap_block) * ceil(k / cols) * ceil(c / rows) * g     (depthwise: g along k)
    cycles = passes * max(weight time, tap_block * pixel blocks / rate)

where rate is MACs per unit and cycle; an array that can't hide weight loads takes the sum of the
two instead of the longer one. Filters larger than `max_taps` are cut into sub-filters, each
rounded up on its own. Source: the block cost of Arm's Vela 5.2.0 for Ethos-U55/U65, as a mechanism.
"""

from __future__ import annotations

from npusim.cost.passes import cost_of_passes, pixel_blocks
from npusim.cost.transfer import cycles_at
from npusim.cost.types import ArrayParams, Extents, TileCost
from npusim.jit import compiled


@compiled
def part_kernel(tile: Extents, array: ArrayParams) -> TileCost:
    """Cost of one tile; see the module's docstring."""
    tap_passes = 0
    for top in range(0, tile.fy, array.max_taps_y):
        for left in range(0, tile.fx, array.max_taps_x):
            taps = min(array.max_taps_y, tile.fy - top) * min(array.max_taps_x, tile.fx - left)
            tap_passes += -(-taps // array.tap_block)
    if tile.c == 1 and tile.g > 1:
        passes = tap_passes * -(-(tile.g * tile.k) // array.cols)
        depth = 1
    else:
        depth = array.rows
        passes = tap_passes * -(-tile.k // array.cols) * -(-tile.c // depth) * tile.g
    stream = cycles_at(array.tap_block * pixel_blocks(tile, array), tile.macs_per_unit)
    weight_time = cycles_at(array.tap_block * depth * array.cols, array.weight_rate)
    return cost_of_passes(tile, array, passes, tap_passes, stream, weight_time)
