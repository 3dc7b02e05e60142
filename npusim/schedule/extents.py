"""What the operands of a step take over all candidate sizes, as products of two small tables.

The bytes of a tile are those of its channels times those of its pixels. A table over the sizes in
G, K and C that move an operand and one over the spatial tiles give them for every tiling, without a
walk through the step. The tables depend on neither room nor streams nor objective, so that all
searches of a kind of step share them. They are never more than the exact bytes: nothing is rounded
up to whole bytes, bursts and pieces.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.jit import compiled
from npusim.schedule.candidates import Space
from npusim.schedule.corners import padded_channels
from npusim.schedule.grid import grid_of
from npusim.schedule.tables import INPUTS, RESIDENT, WEIGHTS
from npusim.schedule.tiles import Part, ceil_div, channels_of

NOTHING_KNOWN = -1e300
"""Bytes of all tiles of an operand of which the tables say nothing."""


class ExtentTables(NamedTuple):
    """`channels` float64 [., 2] are those of a tile, and those of all tiles by the turns of the
    loops that move the operand. `pixels` float64 [operands, spatial, 5] are bytes a channel: of a
    tile, and of all tiles by their turns; the least of a tile and those before it; the least of all
    tiles, and of one, for it and those behind it. Where nothing is known of all tiles they are far
    below 0.
    `places` int64 [operands, 4] say where an operand is in `channels`: its first row, then the
    strides in G, K and C.

    `grids` int64 [spatial, 14] are sizes (b, oy, ox) of a spatial tile; its tiles a loop; windows
    as in `Grid`; the fewest pixels of this tile and those before it; the fewest tiles a loop of
    this one and those behind it.
    """

    channels: np.ndarray
    pixels: np.ndarray
    places: np.ndarray
    grids: np.ndarray


class Streams(NamedTuple):
    """Bytes by stream."""

    weights: float
    inputs: float
    outputs: float


@compiled
def fill_extents(step: np.void, operands: np.ndarray, space: Space, extents: ExtentTables) -> None:
    """Fill the tables of `step`."""
    channels, pixels, places, grids = extents
    _fill_grids(step, space.spatial, grids)
    all_g, all_k, all_c = space.g, space.k, space.c
    row = 0
    for n in range(places.shape[0]):
        operand = operands[step["operand_start"] + n]
        c = all_c.size if operand["has_c"] else 1
        k = all_k.size if operand["has_k"] else 1
        g = all_g.size if operand["has_g"] else 1
        places[n, 0] = row
        places[n, 1] = k * c if operand["has_g"] else 0
        places[n, 2] = c if operand["has_k"] else 0
        places[n, 3] = 1 if operand["has_c"] else 0
        for at_g in range(g):
            step["tile_g"] = all_g[at_g]
            for at_k in range(k):
                step["tile_k"] = all_k[at_k]
                for at_c in range(c):
                    step["tile_c"] = all_c[at_c]
                    _fill_channels(step, operand, channels, row)
                    row += 1
        _fill_pixels(step, operand, grids, pixels, n)


@compiled
def _fill_channels(step: np.void, operand: np.void, channels: np.ndarray, row: int) -> None:
    part = Part(1, step["tile_g"], step["tile_k"], step["tile_c"], 1, 1, 0, 0)
    turns = ceil_div(step["g"], step["tile_g"]) if operand["has_g"] else 1
    turns *= ceil_div(step["k"], step["tile_k"]) if operand["has_k"] else 1
    turns *= ceil_div(step["c"], step["tile_c"]) if operand["has_c"] else 1
    channels[row, 0] = channels_of(step, operand, part)
    channels[row, 1] = padded_channels(step, operand) / turns


@compiled
def _fill_pixels(
    step: np.void, operand: np.void, grids: np.ndarray, pixels: np.ndarray, n: int
) -> None:
    """Fill the table of the `n`-th operand.

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
        pixels[n, s, 0], pixels[n, s, 1], pixels[n, s, 2] = one, every / turns, least
        pixels[n, s, 3], pixels[n, s, 4] = every, one
    every, one = np.inf, np.inf
    for s in range(grids.shape[0] - 1, -1, -1):
        every, one = min(every, pixels[n, s, 3]), min(one, pixels[n, s, 4])
        turns = grids[s, 11] if operand["has_b"] else 1
        turns *= grids[s, 12] if operand["has_y"] else 1
        turns *= grids[s, 13] if operand["has_x"] else 1
        pixels[n, s, 3], pixels[n, s, 4] = every / turns, one


@compiled
def _fill_grids(step: np.void, spatial: np.ndarray, grids: np.ndarray) -> None:
    least = 1 << 62
    for s in range(spatial.shape[0]):
        b, oy, ox = spatial[s, 0], spatial[s, 1], spatial[s, 2]
        step["tile_b"], step["tile_oy"], step["tile_ox"] = b, oy, ox
        grid = grid_of(step)
        grids[s, 0], grids[s, 1], grids[s, 2] = b, oy, ox
        grids[s, 3], grids[s, 4], grids[s, 5] = grid.b, grid.y, grid.x
        grids[s, 6], grids[s, 7] = grid.all_rows, grid.all_cols
        grids[s, 8], grids[s, 9] = grid.most_rows, grid.most_cols
        least = min(least, b * oy * ox)
        grids[s, 10] = least
    for s in range(spatial.shape[0] - 1, -1, -1):
        behind = min(s + 1, spatial.shape[0] - 1)
        for loop in range(3):
            fewest = grids[behind, 11 + loop] if behind > s else grids[s, 3 + loop]
            grids[s, 11 + loop] = min(grids[s, 3 + loop], fewest)


@compiled
def set_channels(
    channels: np.ndarray, places: np.ndarray, g: int, k: int, c: int, own: np.ndarray
) -> None:
    """Write into `own` float64 [operands, 2] the `channels` of the `g`, `k`, `c`-th sizes."""
    for n in range(own.shape[0]):
        row = places[n, 0] + g * places[n, 1] + k * places[n, 2] + c * places[n, 3]
        own[n, 0] = channels[row, 0]
        own[n, 1] = channels[row, 1]


@compiled
def streams_of(
    step: np.void, operands: np.ndarray, own: np.ndarray, pixels: np.ndarray, s: int, place: int
) -> Streams:
    """Column `place` of `pixels` for the `s`-th spatial tile, times the channels that each operand
    has of its `own`, by stream."""
    weights = inputs = outputs = 0.0
    column = place & 1
    start = step["operand_start"]
    for n in range(own.shape[0]):
        stream = operands[start + n]["stream"]
        size = own[n, column] * pixels[n, s, place]
        if stream == WEIGHTS:
            weights += size
        elif stream == INPUTS:
            inputs += size
        elif stream != RESIDENT:
            outputs += size
    return Streams(weights, inputs, outputs)
