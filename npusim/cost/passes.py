"""What the orders of a dot-product array share: a tile is a number of equal passes over its pixels.

    cycles = passes * (stream + weight time that nothing hides) + pipeline delay

A pass streams the pixel blocks of the tile while the next weights arrive. With one pixel block
only, nothing hides the pipeline delay between passes. Source: the block cost of Arm's Vela 5.2.0
for Ethos-U55/U65, as a mechanism.
"""

from __future__ import annotations

from npusim.cost.types import ArrayParams, Extents, TileCost
from npusim.jit import compiled


@compiled
def pixel_blocks(tile: Extents, array: ArrayParams) -> int:
    """Blocks of pixels side by side in `tile`."""
    return tile.b * -(-tile.oy // array.pixels_y) * -(-tile.ox // array.pixels_x)


@compiled
def cost_of_passes(
    tile: Extents, array: ArrayParams, passes: int, passes_an_output: int, stream: int,
    weight_time: int,
) -> TileCost:  # fmt: skip
    """Cost of `passes` passes of `stream` and `weight_time` cycles each.

    The first outputs leave with the last of the `passes_an_output` passes that add to them. An
    input element is read once for each output pixel: the array's own buffer keeps it over taps and
    output channels.
    """
    exposed = max(0, weight_time - stream) if array.hide_weight_load else weight_time
    delay = array.pipeline_delay * passes if pixel_blocks(tile, array) == 1 else 0
    busy = passes * (stream + exposed)
    return TileCost(
        busy + delay,
        delay,
        passes * exposed,
        busy * (passes_an_output - 1) // passes_an_output,
        array.pipeline_delay,
        0,
        tile.g * tile.c * tile.b * tile.oy * tile.ox,
        tile.g * tile.k * tile.c * tile.fy * tile.fx,
    )
