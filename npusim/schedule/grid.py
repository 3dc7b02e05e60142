"""The tiles of a step as a grid, and how often each stream moves along its loops."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.jit import compiled
from npusim.schedule.tables import INPUTS, OUTPUTS, WEIGHTS
from npusim.schedule.tiles import (
    Part,
    ceil_div,
    window,
)


class Grid(NamedTuple):
    """Tiles per loop; input rows and columns that all tiles together read, and the most of one."""

    b: int
    g: int
    k: int
    c: int
    y: int
    x: int
    all_rows: int
    all_cols: int
    most_rows: int
    most_cols: int


class Loops(NamedTuple):
    """The loops that move each stream: a bit for each of b, g, k, c, oy, ox."""

    weights: int
    inputs: int
    outputs: int


@compiled
def grid_of(step: np.void) -> Grid:
    """The tile grid of `step`."""
    all_rows, most_rows = _windows(
        step["oy"], step["tile_oy"], step["stride_y"], step["fy"], step["dilation_y"],
        step["pad_top"], step["in_h"],
    )  # fmt: skip
    all_cols, most_cols = _windows(
        step["ox"], step["tile_ox"], step["stride_x"], step["fx"], step["dilation_x"],
        step["pad_left"], step["in_w"],
    )  # fmt: skip
    return Grid(
        ceil_div(step["b"], step["tile_b"]),
        ceil_div(step["g"], step["tile_g"]),
        ceil_div(step["k"], step["tile_k"]),
        ceil_div(step["c"], step["tile_c"]),
        ceil_div(step["oy"], step["tile_oy"]),
        ceil_div(step["ox"], step["tile_ox"]),
        all_rows, all_cols, most_rows, most_cols,
    )  # fmt: skip


@compiled
def _windows(
    extent: int, tile: int, stride: int, taps: int, dilation: int, pad: int, size: int
) -> tuple[int, int]:
    """Input rows (or columns) of all tiles together, and the most of one.

    Full tiles away from the padding have windows of one size; they are counted, not visited.
    """
    total = most = start = 0
    inner = (tile - 1) * stride + (taps - 1) * dilation + 1
    while start < extent:
        low = start * stride - pad
        fits = min((extent - start) // tile, (size - low - inner) // (tile * stride) + 1)
        if low >= 0 and fits > 0:
            rows, tiles = inner, fits
        else:
            stop = min(extent, start + tile)
            rows, tiles = window(start, stop, stride, taps, dilation, pad, size), 1
        total += tiles * rows
        most = max(most, rows)
        start += tiles * tile
    return total, most


@compiled
def largest_part(step: np.void, grid: Grid) -> Part:
    """Extents of a full tile with the largest window that any tile has: what buffers must hold."""
    return Part(
        step["tile_b"], step["tile_g"], step["tile_k"], step["tile_c"],
        step["tile_oy"], step["tile_ox"], grid.most_rows, grid.most_cols,
    )  # fmt: skip


@compiled
def loops_of(step: np.void, operands: np.ndarray) -> Loops:
    """The loops that move each stream of `step`."""
    weights = inputs = outputs = 0
    for row in range(step["operand_start"], step["operand_stop"]):
        operand = operands[row]
        loops = 1 if operand["has_b"] else 0
        loops |= 2 if operand["has_g"] else 0
        loops |= 4 if operand["has_k"] else 0
        loops |= 8 if operand["has_c"] else 0
        loops |= 16 if operand["has_y"] else 0
        loops |= 32 if operand["has_x"] else 0
        if operand["stream"] == WEIGHTS:
            weights |= loops
        elif operand["stream"] == INPUTS:
            inputs |= loops
        elif operand["stream"] == OUTPUTS:
            outputs |= loops
    return Loops(weights, inputs, outputs)


@compiled
def moves(step: np.void, operands: np.ndarray, stream: int, grid: Grid) -> int:
    """How often a tile of `stream` is moved: once for each change along the loops."""
    loops = loops_of(step, operands)
    own = loops.weights if stream == WEIGHTS else loops.inputs
    return moves_of(loops.outputs if stream == OUTPUTS else own, step["order"], grid)


@compiled
def moves_of(loops: int, order: int, grid: Grid) -> int:
    """Moves of a stream that `loops` move.

    A loop that moves the stream repeats it for every turn of itself and of all loops around it.
    """
    channels = grid.g * grid.k
    pixels = grid.b * grid.y * grid.x
    if loops & 8 and grid.c > 1:
        return channels * pixels * grid.c
    inner = last_move(loops & 1, loops & 16, loops & 32, grid.b, grid.y, grid.x)
    outer = last_move(0, loops & 2, loops & 4, 1, grid.g, grid.k)
    if order == 0:
        return channels * inner if inner > 1 else outer
    return pixels * outer if outer > 1 else inner


@compiled
def last_move(has_0: int, has_1: int, has_2: int, count_0: int, count_1: int, count_2: int) -> int:
    """Turns of three nested loops down to the innermost one that moves; 1 if none does."""
    if has_2 and count_2 > 1:
        return count_0 * count_1 * count_2
    if has_1 and count_1 > 1:
        return count_0 * count_1
    if has_0 and count_0 > 1:
        return count_0
    return 1
