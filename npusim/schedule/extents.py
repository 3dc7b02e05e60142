"""What the operands of a step take over all candidate sizes, as products of two small tables.

The bytes of a tile are those of its channels times those of its pixels. A table over the sizes in
G, K and C and one over the spatial tiles give them for every tiling, without a walk through the
step. The tables depend on neither room nor streams nor objective, so that all searches of a kind of
step share them. They are never more than the exact bytes: nothing is rounded up to whole bytes,
bursts and pieces. Each row of a table is a column of numbers, one a size, for loops over all sizes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.jit import compiled
from npusim.schedule.candidates import Space, set_block
from npusim.schedule.corners import padded_channels
from npusim.schedule.grid import grid_of, last_move
from npusim.schedule.tiles import Part, ceil_div, channels_of

NOTHING_KNOWN = -1e300
"""Bytes of all tiles of an operand of which the tables say nothing."""

OUTER, CHANNEL_TURNS, REDUCTION_TURNS, CHANNELS, BLOCK_ROWS = 0, 4, 5, 6, 7
"""Rows of `ExtentTables.blocks`. From OUTER on: turns of G and K down to the innermost one that
moves, for each of four sets of them (1: G, 2: K)."""
INNER, TILES, AREA, FEWEST, TURN_ROWS = 0, 8, 9, 10, 20
"""Rows of `ExtentTables.turns`. From INNER on: turns of the loops over pixels down to the innermost
one that moves, for each of eight sets of them (1: B, 2: OY, 4: OX). From FEWEST on the same for the
fewest turns that a tile or one behind it has, and the least area of a tile and those before it."""
PIXEL_ROWS, GRID_COLUMNS = 5, 10


class ExtentTables(NamedTuple):
    """`channels` float64 [2, operands, blocks] are those of a tile, and those of all tiles by the
    turns of the loops that move the operand; a block is a choice of sizes in G, K and C. `pixels`
    float64 [PIXEL_ROWS, operands, spatial] are bytes a channel: of a tile, and of all tiles by
    their turns; the least of a tile and those before it; the least of all tiles, and of one, for it
    and those behind it. Where nothing is known of all tiles they are far below 0.

    `blocks` float64 [BLOCK_ROWS, blocks] and `turns` float64 [TURN_ROWS, spatial] are turns of
    loops, and channels and pixels of a tile. `grids` int64 [spatial, GRID_COLUMNS] are sizes
    (b, oy, ox) of a spatial tile; its tiles a loop; windows as in `Grid`.
    """

    channels: np.ndarray
    pixels: np.ndarray
    blocks: np.ndarray
    turns: np.ndarray
    grids: np.ndarray


@compiled
def fill_extents(step: np.void, operands: np.ndarray, space: Space, extents: ExtentTables) -> None:
    """Fill the tables of `step`."""
    channels, pixels, blocks, turns, grids = extents
    _fill_grids(step, space.spatial, grids)
    _fill_turns(grids, turns)
    for n in range(blocks.shape[1]):
        set_block(step, space, n)
        _fill_block(step, blocks, n)
        for row in range(channels.shape[1]):
            operand = operands[step["operand_start"] + row]
            alike = _first_alike(operand, space, n)
            if alike < n:
                channels[0, row, n] = channels[0, row, alike]
                channels[1, row, n] = channels[1, row, alike]
            else:
                _fill_channels(step, operand, channels, row, n)
    for row in range(pixels.shape[1]):
        _fill_pixels(step, operands[step["operand_start"] + row], grids, pixels, row)


@compiled
def _first_alike(operand: np.void, space: Space, n: int) -> int:
    """The first block with the sizes of the `n`-th in the loops that move `operand`."""
    c, rest = n % space.c.size, n // space.c.size
    k, g = rest % space.k.size, rest // space.k.size
    first = (g if operand["has_g"] else 0) * space.k.size + (k if operand["has_k"] else 0)
    return int(first * space.c.size + (c if operand["has_c"] else 0))


@compiled
def _fill_channels(step: np.void, operand: np.void, channels: np.ndarray, row: int, n: int) -> None:
    part = Part(1, step["tile_g"], step["tile_k"], step["tile_c"], 1, 1, 0, 0)
    turns = ceil_div(step["g"], step["tile_g"]) if operand["has_g"] else 1
    turns *= ceil_div(step["k"], step["tile_k"]) if operand["has_k"] else 1
    turns *= ceil_div(step["c"], step["tile_c"]) if operand["has_c"] else 1
    channels[0, row, n] = channels_of(step, operand, part)
    channels[1, row, n] = padded_channels(step, operand) / turns


@compiled
def _fill_block(step: np.void, blocks: np.ndarray, n: int) -> None:
    g, k = ceil_div(step["g"], step["tile_g"]), ceil_div(step["k"], step["tile_k"])
    for loops in range(4):
        blocks[OUTER + loops, n] = last_move(0, loops & 1, loops & 2, 1, g, k)
    blocks[CHANNEL_TURNS, n] = g * k
    blocks[REDUCTION_TURNS, n] = ceil_div(step["c"], step["tile_c"])
    blocks[CHANNELS, n] = step["tile_g"] * step["tile_k"]


@compiled
def _fill_pixels(
    step: np.void, operand: np.void, grids: np.ndarray, pixels: np.ndarray, row: int
) -> None:
    """Fill the table of the operand in `row`.

    Reads in pieces may move less than the tile has; a share of a window counts nothing in
    `traffic_of`. Of both nothing is known here.
    """
    taps = float(step["fy"] * step["fx"] if operand["has_taps"] else 1)
    if operand["stored_of"]:
        taps *= operand["stored_bytes"] / operand["stored_of"]
    else:
        taps *= operand["bits"] / 8
        if operand["share"] != operand["share_of"]:
            taps *= operand["share"] / operand["share_of"]
    window = operand["window"] == 1
    known = operand["piece"] == 0 and not (window and operand["share"] != operand["share_of"])
    least = np.inf
    for s in range(grids.shape[0]):
        one, every, turns = taps, taps, 1
        if operand["has_b"]:
            one, every, turns = one * grids[s, 0], every * step["b"], grids[s, 3]
        if window:
            one *= grids[s, 8] * grids[s, 9]
        if operand["has_y"]:
            one *= 1 if window else grids[s, 1]
            every *= grids[s, 6] if window else step["oy"]
            turns *= grids[s, 4]
        if operand["has_x"]:
            one *= 1 if window else grids[s, 2]
            every *= grids[s, 7] if window else step["ox"]
            turns *= grids[s, 5]
        least = min(least, one)
        every = every if known else NOTHING_KNOWN
        pixels[0, row, s], pixels[1, row, s], pixels[2, row, s] = one, every / turns, least
        pixels[3, row, s], pixels[4, row, s] = every, one
    _fill_behind(operand, grids, pixels, row)


@compiled
def _fill_behind(operand: np.void, grids: np.ndarray, pixels: np.ndarray, row: int) -> None:
    """The least bytes of a spatial tile and those behind it, from those of each."""
    every, one = np.inf, np.inf
    b = y = x = 1 << 62
    for s in range(grids.shape[0] - 1, -1, -1):
        b, y, x = min(b, grids[s, 3]), min(y, grids[s, 4]), min(x, grids[s, 5])
        every, one = min(every, pixels[3, row, s]), min(one, pixels[4, row, s])
        turns = b if operand["has_b"] else 1
        turns *= y if operand["has_y"] else 1
        turns *= x if operand["has_x"] else 1
        pixels[3, row, s], pixels[4, row, s] = every / turns, one


@compiled
def _fill_grids(step: np.void, spatial: np.ndarray, grids: np.ndarray) -> None:
    for s in range(spatial.shape[0]):
        b, oy, ox = spatial[s, 0], spatial[s, 1], spatial[s, 2]
        step["tile_b"], step["tile_oy"], step["tile_ox"] = b, oy, ox
        grid = grid_of(step)
        grids[s, 0], grids[s, 1], grids[s, 2] = b, oy, ox
        grids[s, 3], grids[s, 4], grids[s, 5] = grid.b, grid.y, grid.x
        grids[s, 6], grids[s, 7] = grid.all_rows, grid.all_cols
        grids[s, 8], grids[s, 9] = grid.most_rows, grid.most_cols


@compiled
def _fill_turns(grids: np.ndarray, turns: np.ndarray) -> None:
    least = 1 << 62
    for s in range(grids.shape[0]):
        area = grids[s, 0] * grids[s, 1] * grids[s, 2]
        least = min(least, area)
        turns[AREA, s], turns[FEWEST + AREA, s] = area, least
        _fill_loops(grids[s, 3], grids[s, 4], grids[s, 5], turns, 0, s)
    b = y = x = 1 << 62
    for s in range(grids.shape[0] - 1, -1, -1):
        b, y, x = min(b, grids[s, 3]), min(y, grids[s, 4]), min(x, grids[s, 5])
        _fill_loops(b, y, x, turns, FEWEST, s)


@compiled
def _fill_loops(b: int, y: int, x: int, turns: np.ndarray, at: int, s: int) -> None:
    for loops in range(8):
        turns[at + INNER + loops, s] = last_move(loops & 1, loops & 2, loops & 4, b, y, x)
    turns[at + TILES, s] = b * y * x
