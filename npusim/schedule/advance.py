"""From a tile of a step to the next one in its loop order, without a division.

A tile is its twelve bounds. The innermost loop that has a next tile goes on, and those inside it
begin anew. A stream that only some loops move goes on from the innermost of these loops: the place
of a loop counts from 0, the reduction, which is innermost always.
"""

from __future__ import annotations

import numpy as np

from npusim.jit import inlined
from npusim.schedule.tiles import set_bounds, tile_index


@inlined
def set_tile(step: np.void, iteration: int, bounds: np.ndarray) -> None:
    """Write the bounds of the `iteration`-th tile."""
    set_bounds(step, tile_index(step, iteration), bounds)


@inlined
def set_next_tile(step: np.void, place: int, bounds: np.ndarray) -> None:
    """Write the bounds of the tile after that in `bounds`, without the loops inside `place`, which
    are in their first turn; the first tile after the last one."""
    if place <= 0 and _goes_on(step["c"], step["tile_c"], bounds, 6):
        return
    if step["order"] == 0:
        if place <= 1 and _goes_on(step["ox"], step["tile_ox"], bounds, 10):
            return
        if place <= 2 and _goes_on(step["oy"], step["tile_oy"], bounds, 8):
            return
        if place <= 3 and _goes_on(step["b"], step["tile_b"], bounds, 0):
            return
        if place <= 4 and _goes_on(step["k"], step["tile_k"], bounds, 4):
            return
        _goes_on(step["g"], step["tile_g"], bounds, 2)
    else:
        if place <= 1 and _goes_on(step["k"], step["tile_k"], bounds, 4):
            return
        if place <= 2 and _goes_on(step["g"], step["tile_g"], bounds, 2):
            return
        if place <= 3 and _goes_on(step["ox"], step["tile_ox"], bounds, 10):
            return
        if place <= 4 and _goes_on(step["oy"], step["tile_oy"], bounds, 8):
            return
        _goes_on(step["b"], step["tile_b"], bounds, 0)


@inlined
def _goes_on(extent: int, tile: int, bounds: np.ndarray, loop: int) -> bool:
    """The next turn of a loop; False at its end, when it begins anew."""
    start = bounds[loop + 1]
    if start < extent:
        bounds[loop] = start
        bounds[loop + 1] = min(extent, start + tile)
        return True
    bounds[loop] = 0
    bounds[loop + 1] = min(extent, tile)
    return False


@inlined
def copy_bounds(source: np.ndarray, first: int, target: np.ndarray) -> None:
    """Twelve bounds, from place `first` of `source` on."""
    for n in range(12):
        target[n] = source[first + n]
