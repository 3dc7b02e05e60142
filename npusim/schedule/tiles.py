"""Tiles of a step: how many, which bounds the n-th one has, how many bytes an operand takes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.jit import compiled


class Index(NamedTuple):
    """Position of a tile in the tile grid."""

    b: int
    g: int
    k: int
    c: int
    y: int
    x: int


@compiled
def ceil_div(a: int, b: int) -> int:
    """a / b rounded up; a division takes longer than a look at the usual case, one tile."""
    return 1 if b >= a > 0 else -(-a // b)


@compiled
def tile_count(step: np.void) -> int:
    """Number of tiles of `step`, reduction tiles included."""
    return (
        ceil_div(step["b"], step["tile_b"])
        * ceil_div(step["g"], step["tile_g"])
        * ceil_div(step["k"], step["tile_k"])
        * ceil_div(step["c"], step["tile_c"])
        * ceil_div(step["oy"], step["tile_oy"])
        * ceil_div(step["ox"], step["tile_ox"])
    )


@compiled
def tile_index(step: np.void, iteration: int) -> Index:
    """The `iteration`-th tile in the loop order of `step`."""
    rest, c = _turn(iteration, step["c"], step["tile_c"])
    if step["order"] == 0:
        rest, x = _turn(rest, step["ox"], step["tile_ox"])
        rest, y = _turn(rest, step["oy"], step["tile_oy"])
        rest, b = _turn(rest, step["b"], step["tile_b"])
        g, k = _turn(rest, step["k"], step["tile_k"])
        return Index(b, g, k, c, y, x)
    rest, k = _turn(rest, step["k"], step["tile_k"])
    rest, g = _turn(rest, step["g"], step["tile_g"])
    rest, x = _turn(rest, step["ox"], step["tile_ox"])
    b, y = _turn(rest, step["oy"], step["tile_oy"])
    return Index(b, g, k, c, y, x)


@compiled
def _turn(iteration: int, extent: int, tile: int) -> tuple[int, int]:
    """Turns of all outer loops, and of a loop over `extent`, before an iteration."""
    if tile >= extent:
        return iteration, 0
    turns = ceil_div(extent, tile)
    outer = iteration // turns
    return outer, iteration - outer * turns


@compiled
def set_bounds(step: np.void, index: Index, bounds: np.ndarray) -> None:
    """Write the twelve bounds of the tile at `index` (order of `Tile`)."""
    bounds[0] = index.b * step["tile_b"]
    bounds[1] = min(step["b"], bounds[0] + step["tile_b"])
    bounds[2] = index.g * step["tile_g"]
    bounds[3] = min(step["g"], bounds[2] + step["tile_g"])
    bounds[4] = index.k * step["tile_k"]
    bounds[5] = min(step["k"], bounds[4] + step["tile_k"])
    bounds[6] = index.c * step["tile_c"]
    bounds[7] = min(step["c"], bounds[6] + step["tile_c"])
    bounds[8] = index.y * step["tile_oy"]
    bounds[9] = min(step["oy"], bounds[8] + step["tile_oy"])
    bounds[10] = index.x * step["tile_ox"]
    bounds[11] = min(step["ox"], bounds[10] + step["tile_ox"])


@compiled
def window(
    start: int, stop: int, stride: int, taps: int, dilation: int, pad: int, size: int
) -> int:
    """Input rows (or columns) inside the image that output rows start..stop read."""
    low = max(0, start * stride - pad)
    high = min(size, (stop - 1) * stride + (taps - 1) * dilation + 1 - pad)
    return max(0, high - low)


@compiled
def inner_window(count: int, stride: int, taps: int, dilation: int, size: int) -> int:
    """Input rows (or columns) that `count` output rows need away from the padding, without gaps."""
    span = (taps - 1) * dilation + 1
    return min(size, min((count - 1) * stride + span, count * span))


class Part(NamedTuple):
    """Extents of a tile: output loops, and the input rows and columns behind its window."""

    b: int
    g: int
    k: int
    c: int
    oy: int
    ox: int
    in_rows: int
    in_cols: int


@compiled
def part_of(step: np.void, bounds: np.ndarray) -> Part:
    """Extents of the tile with `bounds`."""
    return Part(
        bounds[1] - bounds[0],
        bounds[3] - bounds[2],
        bounds[5] - bounds[4],
        bounds[7] - bounds[6],
        bounds[9] - bounds[8],
        bounds[11] - bounds[10],
        rows_behind(step, bounds[8], bounds[9]),
        cols_behind(step, bounds[10], bounds[11]),
    )


@compiled
def rows_behind(step: np.void, start: int, stop: int) -> int:
    """Input rows that output rows start..stop read."""
    return window(
        start, stop, step["stride_y"], step["fy"], step["dilation_y"], step["pad_top"],
        step["in_h"],
    )  # fmt: skip


@compiled
def cols_behind(step: np.void, start: int, stop: int) -> int:
    """Input columns that output columns start..stop read."""
    return window(
        start, stop, step["stride_x"], step["fx"], step["dilation_x"], step["pad_left"],
        step["in_w"],
    )  # fmt: skip


@compiled
def channels_of(step: np.void, operand: np.void, part: Part) -> int:
    """Channels of `operand` that a tile touches; a block that it cuts counts as a whole."""
    groups = part.g if operand["has_g"] else 1
    inner = 1
    whole = True
    if operand["has_k"]:
        inner *= part.k
        whole = part.k == step["k"]
    if operand["has_c"]:
        inner *= part.c
        whole = whole and part.c == step["c"]
    block = operand["block"]
    if block == 1:
        return groups * inner
    if whole:
        return int(ceil_div(groups * inner, block) * block)
    return int(groups * ceil_div(inner, block) * block)


@compiled
def operand_bytes(step: np.void, operand: np.void, part: Part) -> int:
    """Bytes of `operand` that a tile touches."""
    elements = channels_of(step, operand, part)
    if operand["has_b"]:
        elements *= part.b
    if operand["has_taps"]:
        elements *= step["fy"] * step["fx"]
    if operand["window"]:
        elements *= part.in_rows * part.in_cols
    else:
        if operand["has_y"]:
            elements *= part.oy
        if operand["has_x"]:
            elements *= part.ox
    if operand["stored_of"]:
        return ceil_div(elements * operand["stored_bytes"], operand["stored_of"])
    if operand["share"] != operand["share_of"]:
        elements = ceil_div(elements * operand["share"], operand["share_of"])
    return int((elements * operand["bits"] + 7) // 8)


@compiled
def block_pixels(step: np.void, high: int, wide: int) -> int:
    """Input pixels that the blocks of `high` x `wide` outputs fetch, with the halo of each."""
    rows, cols = min(high, step["block_rows"]), min(wide, step["block_columns"])
    down, across = ceil_div(high, step["block_rows"]), ceil_div(wide, step["block_columns"])
    rows = inner_window(rows, step["stride_y"], step["fy"], step["dilation_y"], step["in_h"])
    cols = inner_window(cols, step["stride_x"], step["fx"], step["dilation_x"], step["in_w"])
    return int(down * across * rows * cols)


@compiled
def stream_bytes(step: np.void, operands: np.ndarray, stream: int, part: Part) -> int:
    """Bytes of all operands of `stream` that a tile touches."""
    total = 0
    for row in range(step["operand_start"], step["operand_stop"]):
        if operands[row]["stream"] == stream:
            total += operand_bytes(step, operands[row], part)
    return total


@compiled
def moving_period(step: np.void, operands: np.ndarray, stream: int) -> tuple[int, int]:
    """Tiles between two moves of `stream`, and the place of the innermost loop that moves it, those
    inside it counted.

    Tile n needs another tile of the stream than tile n - 1 where the period divides n. A stream
    that no loop moves has all tiles of the step as its period.
    """
    b = g = k = c = y = x = 0
    for row in range(step["operand_start"], step["operand_stop"]):
        operand = operands[row]
        if operand["stream"] == stream:
            b |= operand["has_b"]
            g |= operand["has_g"]
            k |= operand["has_k"]
            c |= operand["has_c"]
            y |= operand["has_y"]
            x |= operand["has_x"]
    period, place = 1, 0
    if c and step["tile_c"] < step["c"]:
        return period, place
    period *= ceil_div(step["c"], step["tile_c"])
    place += 1
    for turn in range(2):
        if (turn == 0) == (step["order"] == 0):
            if x and step["tile_ox"] < step["ox"]:
                return period, place
            period *= ceil_div(step["ox"], step["tile_ox"])
            if y and step["tile_oy"] < step["oy"]:
                return period, place + 1
            period *= ceil_div(step["oy"], step["tile_oy"])
            if b and step["tile_b"] < step["b"]:
                return period, place + 2
            period *= ceil_div(step["b"], step["tile_b"])
            place += 3
        else:
            if k and step["tile_k"] < step["k"]:
                return period, place
            period *= ceil_div(step["k"], step["tile_k"])
            if g and step["tile_g"] < step["g"]:
                return period, place + 1
            period *= ceil_div(step["g"], step["tile_g"])
            place += 2
    return period, place
