"""What the searches of a kind of step share: extents, array cycles, and which tiles may fit.

A network's schedule takes several searches of a kind, for other rooms, objectives or dataflows; a
design space takes them again and again, beside other memories. What does not differ between them is
worked out once, and only when it is asked for.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.cost.array import DIRECT_CONVOLUTION, IN_MEMORY, ROW_STATIONARY, tile_cost
from npusim.cost.machine import Machine
from npusim.jit import compiled, inlined
from npusim.schedule.bounds import SLACK
from npusim.schedule.buffers import most_pixels
from npusim.schedule.candidates import Space, set_block
from npusim.schedule.corners import corner_of
from npusim.schedule.estimate import busy_cycles
from npusim.schedule.extents import AREA, FEWEST, ExtentTables
from npusim.schedule.tables import ARRAY, INPUTS, RESIDENT, WEIGHTS
from npusim.schedule.tiles import Part
from npusim.schedule.work import extents_of

ROUNDED = 1.0 - 1e-3
"""Work of less than a millionth of a cycle is not counted (`transfer.cycles_at`)."""
ROOMS = 24
"""Rooms, each with a choice of streams, of which a kind of step remembers what may fit."""
LARGEST = 3
"""Where in `Known.rooms` the numbers of the largest tilings are."""
NOT_ASKED = -2
"""The number of the largest tiling where nobody asked for it."""


class Known(NamedTuple):
    """What searches of a kind of step share. A block is a choice of sizes in G, K and C; a choice
    one of dataflow and split.

    `works` float64 [choices, blocks] are array cycles with all pixels in one tile: the least of
    each block, below 0 where they are not known yet. `busy` float64 [choices, blocks, spatial] are
    those of each tile, or if they are not known that of `works` below 0; infinite where sums do not
    fit. `rooms` int64 [ROOMS, 4] are the rooms that were asked for: bytes, streams, when, and the
    number of the largest tiling; `first` int16 [ROOMS, blocks] their first spatial tiles that may
    fit.
    """

    space: Space
    extents: ExtentTables
    works: np.ndarray
    busy: np.ndarray
    rooms: np.ndarray
    first: np.ndarray


@compiled
def peak_work(step: np.void, machine: Machine) -> float:
    """Array cycles at the peak rate; nothing of other units."""
    if step["unit"] != ARRAY:
        return 0.0
    macs = step["b"] * step["g"] * step["k"] * step["c"] * step["oy"] * step["ox"]
    peak = machine.mac_units * step["mac_rate"] / step["density"]
    return float(ROUNDED * macs * step["fy"] * step["fx"] / peak)


@compiled
def learn_block(
    step: np.void, operands: np.ndarray, machine: Machine, known: Known, n: int
) -> None:
    """Find the array cycles that the `n`-th sizes in G, K and C take at least, which `step` has."""
    dataflows, splits = known.space.dataflows, known.space.splits
    turns, busy = known.extents.turns, known.busy
    spatial = turns.shape[1]
    step["tile_b"], step["tile_oy"], step["tile_ox"] = step["b"], step["oy"], step["ox"]
    for choice in range(dataflows.size * splits.size):
        dataflow = dataflows[choice // splits.size]
        step["dataflow"], step["split"] = dataflow, splits[choice % splits.size]
        most, work = most_pixels(step, machine, dataflow), np.inf
        if turns[FEWEST + AREA, spatial - 1] <= most:
            work = _work_of_all_pixels(step, operands, machine)
        known.works[choice, n] = work
        for s in range(spatial):
            busy[choice, n, s] = -work if turns[AREA, s] <= most else np.inf


@compiled
def _work_of_all_pixels(step: np.void, operands: np.ndarray, machine: Machine) -> float:
    """Array cycles of the tile in `step`, which has all pixels; no cut of them takes less.

    To cut pixels may save reads where blocks of them fetch the same again, and what shows of a
    load of weights behind stripes; so only the array's own cycles count. A row-stationary array may
    take the strips of a cut better, an array in memory writes weights beside other tiles: both are
    bounded by their peak.
    """
    if step["unit"] != ARRAY:
        return busy_cycles(step, operands, machine)
    if step["dataflow"] in (ROW_STATIONARY, IN_MEMORY):
        return peak_work(step, machine)
    total = 0
    for corner in range(8):
        g, times_g = corner_of(step["g"], step["tile_g"], corner & 1)
        k, times_k = corner_of(step["k"], step["tile_k"], corner & 2)
        c, times_c = corner_of(step["c"], step["tile_c"], corner & 4)
        times = times_g * times_k * times_c
        if times > 0:
            part = Part(step["b"], g, k, c, step["oy"], step["ox"], 0, 0)
            tile = extents_of(step, part)
            cost = tile_cost(step["dataflow"], step["split"], tile, machine.array)
            own = cost.occupied
            if step["dataflow"] == DIRECT_CONVOLUTION:
                own -= cost.weight_load
            total += times * own
    return float(total)


@inlined
def busy_at(
    step: np.void, operands: np.ndarray, machine: Machine, known: Known, choice: int, n: int, s: int
) -> float:  # fmt: skip
    """`busy_cycles` of the tiling in `step`, remembered where no loop order changes them."""
    found = float(known.busy[choice, n, s])
    if found > 0.0:
        return found
    found = busy_cycles(step, operands, machine)
    if step["dataflow"] != IN_MEMORY:
        known.busy[choice, n, s] = found
    return found


@inlined
def place_of_room(
    step: np.void, operands: np.ndarray, machine: Machine, room: int, known: Known
) -> int:
    """Where in `known.first` are the tiles that may fit into `room` bytes with the streams of
    `operands`."""
    streams, rooms = 0, known.rooms
    for row in range(step["operand_start"], step["operand_stop"]):
        streams = 5 * streams + operands[row]["stream"] + 2
    known_by_streams = step["operand_stop"] - step["operand_start"] <= 24
    oldest = latest = 0
    for n in range(ROOMS):
        if rooms[n, 0] == room and rooms[n, 1] == streams and known_by_streams:
            return n
        oldest = n if rooms[n, 2] < rooms[oldest, 2] else oldest
        latest = max(latest, rooms[n, 2])
    rooms[oldest, 0], rooms[oldest, 1], rooms[oldest, 2] = room, streams, latest + 1
    rooms[oldest, LARGEST] = NOT_ASKED
    _fill_first(step, operands, machine, room, known, known.first[oldest])
    return oldest


@compiled
def _fill_first(
    step: np.void, operands: np.ndarray, machine: Machine, room: int, known: Known,
    first: np.ndarray,
) -> None:  # fmt: skip
    """The first spatial tile that may fit beside each of the sizes in G, K and C; their number if
    none does.

    All before it take more: what a tile and those before it take at least falls with each.
    """
    guess = 0
    for n in range(first.size):
        set_block(step, known.space, n)
        most = 0
        for dataflow in known.space.dataflows:
            most = max(most, most_pixels(step, machine, dataflow))
        guess = guess if n % known.space.c.size > 0 else 0
        guess = _first_fit(step, operands, known.extents, n, room, most, guess)
        first[n] = guess


@compiled
def _first_fit(
    step: np.void, operands: np.ndarray, extents: ExtentTables, n: int, room: int, most: int,
    guess: int,
) -> int:  # fmt: skip
    """The first spatial tile of at most `most` pixels that may fit; `guess` is a place to start."""
    first, spatial = guess, extents.turns.shape[1]
    while first > 0 and _may_fit(step, operands, extents, n, room, most, first - 1):
        first -= 1
    if first == guess:
        while first < spatial and not _may_fit(step, operands, extents, n, room, most, first):
            first += 1
    return first


@compiled
def _may_fit(
    step: np.void, operands: np.ndarray, extents: ExtentTables, n: int, room: int, most: int, s: int
) -> bool:  # fmt: skip
    """False if the `s`-th spatial tile and all before it take too much, each with one buffer. Of
    SRAM that is split in banks nothing is said."""
    area = int(extents.turns[FEWEST + AREA, s])
    if area > most:
        return False
    if step["banks"] > 0:
        return True
    weights = inputs = outputs = 0.0
    for row in range(extents.channels.shape[1]):
        stream = operands[step["operand_start"] + row]["stream"]
        size = extents.channels[0, row, n] * extents.pixels[2, row, s]
        if stream == WEIGHTS:
            weights += size
        elif stream == INPUTS:
            inputs += size
        elif stream != RESIDENT and step["direct_store"] == 0:
            outputs += size
    if step["weight_part"] > 0:
        weights = min(weights, float(step["weight_part"]))
    sums = area * step["tile_g"] * step["tile_k"] * step["sum_bits"] // 8
    return bool(SLACK * (weights + inputs + max(outputs, float(sums))) <= room)
