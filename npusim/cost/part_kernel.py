"""Dot-product array, filter taps first: blocks of `tap_block` taps over `rows` input channels.

Used where there are few input channels; a pass takes tap_block taps of `rows` channels
(tap_block cycles, charged whole, so a 3x3 filter needs three passes of four). A depthwise layer has
one channel a group: its groups lie along the columns and the rows are idle but for one.

    passes = ceil(taps / tap_block) * ceil(k / cols) * ceil(c / rows) * g     (depthwise: g along k)
    cycles = passes * max(weight time, tap_block * pixel blocks / rate)

where rate is MACs per unit and cycle; an array that can't hide weight loads takes the sum of the
two instead of the longer one. Filters larger than `max_taps` are cut into sub-filters, each
rounded up on its own. Source: the block cost of Arm's Vela 5.2.0 for Ethos-U55/U65, as a mechanism.
"""

from __future__ import annotations

from npusim.cost.transfer import cycles_at
from npusim.cost.types import ArrayParams, Extents, TileCost
from npusim.jit import compiled


@compiled
def part_kernel(tile: Extents, array: ArrayParams) -> TileCost:
    """Cost of one tile; see the module's docstring."""
    blocks = tile.b * -(-tile.oy // array.pixels_y) * -(-tile.ox // array.pixels_x)
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
    weight_time = cycles_at(array.tap_block * depth * array.cols, array.weight_rate)
    stream = cycles_at(array.tap_block * blocks, array.macs_per_unit)
    exposed = max(0, weight_time - stream) if array.hide_weight_load else weight_time
    delay = array.pipeline_delay * passes if blocks == 1 else 0
    busy = passes * (stream + exposed)
    return TileCost(
        busy + delay,
        delay,
        passes * exposed,
        busy * (tap_passes - 1) // tap_passes,
        array.pipeline_delay,
        0,
        tile.g * tile.c * tile.b * tile.oy * tile.ox,
        tile.g * tile.k * tile.c * tile.fy * tile.fx,
    )
