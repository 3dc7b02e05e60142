"""All tiles of a tiling from the few sizes that occur: each loop has full tiles and a ragged one.

So sums over tiles take 64 corners (a full or a ragged tile in each of six loops) instead of all.
"""

from __future__ import annotations

import numpy as np

from npusim.jit import compiled
from npusim.schedule.tiles import Part, channels_of, operand_bytes


@compiled
def even_loops(step: np.void) -> int:
    """A bit for each loop (b, g, k, c, oy, ox) that its tiles divide: no tile of it is ragged."""
    even = 1 if step["b"] % step["tile_b"] == 0 else 0
    even |= 2 if step["g"] % step["tile_g"] == 0 else 0
    even |= 4 if step["k"] % step["tile_k"] == 0 else 0
    even |= 8 if step["c"] % step["tile_c"] == 0 else 0
    even |= 16 if step["oy"] % step["tile_oy"] == 0 else 0
    return even | (32 if step["ox"] % step["tile_ox"] == 0 else 0)


@compiled
def corner_of(extent: int, tile: int, ragged: int) -> tuple[int, int]:
    """Size and number of the full tiles of a loop, or of its ragged last one."""
    if ragged:
        rest = extent % tile
        return rest, 1 if rest else 0
    return tile, extent // tile


@compiled
def moving_corner(operand_has: int, extent: int, tile: int, ragged: int) -> tuple[int, int]:
    """`corner_of` a loop; one that does not move the operand has one full tile."""
    if operand_has:
        return corner_of(extent, tile, ragged)
    return tile, 0 if ragged else 1


@compiled
def padded_channels(step: np.void, operand: np.void) -> int:
    """`channels_of` over all tiles of the channel loops that move `operand`."""
    if operand["block"] == 1:
        channels = step["g"] if operand["has_g"] else 1
        channels *= step["k"] if operand["has_k"] else 1
        return int(channels * (step["c"] if operand["has_c"] else 1))
    total = 0
    for corner in range(8):
        g, times_g = moving_corner(operand["has_g"], step["g"], step["tile_g"], corner & 1)
        k, times_k = moving_corner(operand["has_k"], step["k"], step["tile_k"], corner & 2)
        c, times_c = moving_corner(operand["has_c"], step["c"], step["tile_c"], corner & 4)
        tiles = times_g * times_k * times_c
        if tiles > 0:
            total += tiles * channels_of(step, operand, Part(1, g, k, c, 1, 1, 0, 0))
    return total


@compiled
def shared_bytes(step: np.void, operand: np.void) -> int:
    """Bytes of all tiles of an operand whose bytes are rounded up tile by tile: it has a share of
    each, or is stored with padding or in a coding of its own."""
    total = 0
    whole = even_loops(step)
    for corner in range(64):
        if corner & whole:
            continue
        b, times_b = moving_corner(operand["has_b"], step["b"], step["tile_b"], corner & 1)
        g, times_g = moving_corner(operand["has_g"], step["g"], step["tile_g"], corner & 2)
        k, times_k = moving_corner(operand["has_k"], step["k"], step["tile_k"], corner & 4)
        c, times_c = moving_corner(operand["has_c"], step["c"], step["tile_c"], corner & 8)
        y, times_y = moving_corner(operand["has_y"], step["oy"], step["tile_oy"], corner & 16)
        x, times_x = moving_corner(operand["has_x"], step["ox"], step["tile_ox"], corner & 32)
        tiles = times_b * times_g * times_k * times_c * times_y * times_x
        if tiles > 0:
            total += tiles * operand_bytes(step, operand, Part(b, g, k, c, y, x, 0, 0))
    return total
