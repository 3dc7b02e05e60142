"""Dot-product array, input channels first: one filter tap at a time over blocks of channels.

`rows` products are summed at once for `cols` output channels and a small block of pixels. A pass
takes `channel_block` input channels of one tap (channel_block / rows cycles, charged whole) and
walks the pixel blocks of the tile; meanwhile the next weights arrive at `weight_rate`. With one
pixel block only, nothing hides the pipeline delay between passes.

    passes = taps * ceil(k / cols) * ceil(c / channel_block) * g
    cycles = passes * max(weight time, channel_block / rows * pixel blocks / rate)

where rate is MACs per unit and cycle; an array that can't hide weight loads takes the sum of the
two instead of the longer one. An input element is read once for each output pixel of the
tile: the array's own buffer keeps it over taps and output channels. Depthwise layers have no
channels to sum and run as in `part_kernel`. Source: the block cost of Arm's Vela 5.2.0 for
Ethos-U55/U65, as a mechanism.
"""

from __future__ import annotations

from npusim.cost.part_kernel import part_kernel
from npusim.cost.transfer import cycles_at
from npusim.cost.types import ArrayParams, Extents, TileCost
from npusim.jit import compiled


@compiled
def depth_first(tile: Extents, array: ArrayParams) -> TileCost:
    """Cost of one tile; see the module's docstring."""
    if tile.c == 1 and tile.g > 1:
        return part_kernel(tile, array)
    taps = tile.fy * tile.fx
    blocks = tile.b * -(-tile.oy // array.pixels_y) * -(-tile.ox // array.pixels_x)
    stream = cycles_at(array.channel_block // array.rows * blocks, array.macs_per_unit)
    passes = tile.g * taps * -(-tile.k // array.cols) * -(-tile.c // array.channel_block)
    weight_time = cycles_at(array.channel_block * array.cols, array.weight_rate)
    exposed = max(0, weight_time - stream) if array.hide_weight_load else weight_time
    delay = array.pipeline_delay * passes if blocks == 1 else 0
    busy = passes * (stream + exposed)
    return TileCost(
        busy + delay,
        delay,
        passes * exposed,
        busy * (taps - 1) // taps,
        array.pipeline_delay,
        0,
        tile.g * tile.c * tile.b * tile.oy * tile.ox,
        tile.g * tile.k * tile.c * taps,
    )
