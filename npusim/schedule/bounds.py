"""What no tiling of a step can beat: lower bounds that let the search skip tilings unseen.

Every streamed byte crosses the bus at least once, and once more for every turn of the loops that
make its tile come again. For given sizes in G, K and C, spatial tiles that cannot fit beside them
are left out, so that the largest of the others sets the least number of turns. The bounds leave out
partly filled bursts and whatever only a full estimate knows; `estimate.py` is never below them.

Many sizes are bounded at once: what they need lies in columns, one number a size, and loops over
columns have neither calls nor branches, so that the compiler takes several sizes in one step.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from npusim.cost.machine import Machine
from npusim.jit import compiled, inlined
from npusim.schedule.estimate import Objective
from npusim.schedule.extents import (
    AREA,
    CHANNEL_TURNS,
    CHANNELS,
    FEWEST,
    INNER,
    OUTER,
    REDUCTION_TURNS,
    TILES,
    ExtentTables,
)
from npusim.schedule.grid import Loops
from npusim.schedule.tables import ARRAY, INPUTS, MOST_BUFFERS, OUTPUTS, RESIDENT, WEIGHTS

SLACK = 1.0 - 1e-12
"""Bounds are sums in another order than estimates: rounding must not lift them above."""

TILE, EACH, MOVES, ALL = 0, 3, 6, 9
"""Rows of columns, one of each for each stream: bytes of a tile, of one on average, how many tiles
move, and bytes of all of them."""
WORK, PARTS, COUNT, DRAIN, CYCLES, COLUMNS = 12, 13, 14, 15, 16, 17
"""More rows: cycles of the array, tiles among which they are, tiles that weigh in the objective
(infinite where none fits), cycles of the last drain, and a place for cycles."""


class Rates(NamedTuple):
    """Cycles of a byte loaded and stored, of an access, of its set-up, of an output through the
    output stage, of all of them, and of the dispatch; how many buffers a stream has at most, and
    whether the first weights come during the step before (0 or 1)."""

    load: float
    store: float
    access: float
    setup: float
    output: float
    outputs: float
    dispatch: float
    buffers: float
    early: float


@compiled
def rates_of(step: np.void, machine: Machine, buffers: int) -> Rates:
    """What bounds of `step` need of the machine."""
    output = 1.0 / step["post_rate"] if step["unit"] == ARRAY else 0.0
    outputs = step["b"] * step["g"] * step["k"] * step["oy"] * step["ox"]
    return Rates(
        1.0 / min(machine.dram_bytes_per_cycle, machine.sram_write_bytes_per_cycle),
        1.0 / min(machine.dram_bytes_per_cycle, machine.sram_read_bytes_per_cycle),
        float(machine.dma_setup + machine.dram_latency), float(machine.dma_setup), output,
        output * outputs, float(step["dispatch_cycles"]),
        float(MOST_BUFFERS if step["banks"] > 0 else buffers), float(step["prefetch"]),
    )  # fmt: skip


@compiled
def fill_values(
    columns: np.ndarray, works: np.ndarray, rates: Rates, objective: Objective, values: np.ndarray
) -> None:
    """The objective at least of the first of `columns` float64 [COLUMNS, .]: `values` float64 [n],
    infinite where nothing fits. The array is busy for `works` float64 [n] at least; of numbers
    below 0 the sign is not looked at.
    """
    if objective.energy_power == 0:
        _fill_sums(columns, works, rates, 1.0, 1e-9, values)
        return
    bus = objective.dram_pj + objective.sram_pj
    _fill_sums(columns, works, rates, objective.static_pj_per_cycle, bus, values)
    if objective.cycles_power == 0 and objective.energy_power == 1:
        return
    cycles = columns[CYCLES]
    _fill_sums(columns, works, rates, 1.0, 0.0, cycles)
    for n in range(values.size):
        power = cycles[n] ** objective.cycles_power
        values[n] = SLACK * (values[n] ** objective.energy_power * power)


@compiled
def _fill_sums(
    columns: np.ndarray, all_works: np.ndarray, rates: Rates, cycles_weigh: float,
    bytes_weigh: float, values: np.ndarray,
) -> None:  # fmt: skip
    """Weighted sums of `estimate.cycles_of` at least and of bytes on the bus.

    The output stage is busy for DRAIN cycles by the last tile, the array for its work by all of
    them and for work / PARTS by one. All streams have as many buffers as there can be.
    """
    weight_tile, input_tile = columns[TILE + WEIGHTS], columns[TILE + INPUTS]
    output_tile, weights = columns[TILE + OUTPUTS], columns[ALL + WEIGHTS]
    inputs, outputs = columns[ALL + INPUTS], columns[ALL + OUTPUTS]
    weight_moves, input_moves = columns[MOVES + WEIGHTS], columns[MOVES + INPUTS]
    output_moves, parts = columns[MOVES + OUTPUTS], columns[PARTS]
    counts, drains = columns[COUNT], columns[DRAIN]
    late = 1.0 - rates.early
    for n in range(values.size):
        work, drain, moved_in, moved = abs(all_works[n]), drains[n], input_moves[n], weight_moves[n]
        last = work / parts[n]
        ahead = rates.early * min(moved, rates.buffers)
        own = weights[n] * (1.0 - ahead / max(1.0, moved)) + inputs[n]
        first = input_tile[n] if moved_in > 0.0 else 0.0
        first += late * weight_tile[n] if moved > 0.0 else 0.0
        first_access = rates.access if first > 0.0 else 0.0
        last_bytes = output_tile[n] if output_moves[n] > 0.0 else 0.0
        last_access = rates.access if last_bytes > 0.0 else 0.0
        start = first * rates.load + first_access
        end = drain + last_bytes * rates.store + last_access
        stored = outputs[n] * rates.store
        data = (weights[n] + inputs[n]) * rates.load + stored
        loads = own * rates.load + rates.access * (moved - ahead + moved_in)
        setups = last + rates.setup * (moved - ahead + moved_in + output_moves[n])
        behind = rates.outputs if rates.output > 0.0 else work
        stores = behind + stored + rates.access * output_moves[n]
        cycles = start + max(max(work, rates.outputs), setups) + end
        in_turn = max(data, own * rates.load + stored + last)
        cycles = max(cycles, in_turn + first_access + drain + last_access)
        cycles = max(cycles, 0.5 * (work + loads) + end)
        cycles = max(cycles, 0.5 * stores + start + drain)
        cycles = SLACK * (rates.dispatch + cycles) * (1.0 + 1e-6 * counts[n])
        bytes_ = weights[n] + inputs[n] + outputs[n]
        value = SLACK * (cycles_weigh * cycles + bytes_weigh * bytes_)
        values[n] = value if max(counts[n], work) < np.inf else np.inf


@compiled
def _clear(columns: np.ndarray, size: int) -> None:
    for row in range(TILE, EACH + 3):
        column = columns[row]
        for n in range(size):
            column[n] = 0.0


@inlined
def fill_spatial(
    step: np.void, operands: np.ndarray, extents: ExtentTables, n: int, rates: Rates,
    columns: np.ndarray,
) -> None:  # fmt: skip
    """What all spatial tiles have beside the `n`-th sizes in G, K and C, whatever the order."""
    channels, pixels, blocks, turns, _ = extents
    size = turns.shape[1]
    _clear(columns, size)
    for row in range(channels.shape[1]):
        stream = operands[step["operand_start"] + row]["stream"]
        if stream != RESIDENT:
            tile, each = columns[TILE + stream], columns[EACH + stream]
            one, every = pixels[0, row], pixels[1, row]
            of_one, of_every = channels[0, row, n], channels[1, row, n]
            for s in range(size):
                tile[s] += of_one * one[s]
            for s in range(size):
                each[s] += of_every * every[s]
    drain, area, channel = columns[DRAIN], turns[AREA], rates.output * blocks[CHANNELS, n]
    for s in range(size):
        drain[s] = channel * area[s]


@inlined
def fill_order(
    step: np.void, loops: Loops, extents: ExtentTables, n: int, order: int, rates: Rates, room: int,
    columns: np.ndarray,
) -> None:  # fmt: skip
    """What all spatial tiles move in a loop order, and which of them may fit into `room` bytes."""
    blocks, turns = extents.blocks, extents.turns
    size = turns.shape[1]
    channels, reduction = blocks[CHANNEL_TURNS, n], blocks[REDUCTION_TURNS, n]
    for stream in range(3):
        own = _loops_of_stream(loops, stream)
        outer = blocks[OUTER + (own >> 1 & 3), n]
        by_tiles, by_inner, by_one = 0.0, 1.0, 0.0
        if own & 8 and reduction > 1.0:
            by_tiles, by_inner = channels * reduction, 0.0
        elif order == 0:
            by_inner, by_one = channels, outer - channels
        elif outer > 1.0:
            by_tiles, by_inner = outer, 0.0
        inner, tiles = turns[INNER + (own & 1 | own >> 3 & 6)], turns[TILES]
        each, moves, all_bytes = (
            columns[EACH + stream],
            columns[MOVES + stream],
            columns[ALL + stream],
        )
        for s in range(size):
            count = by_tiles * tiles[s] + by_inner * inner[s] + (by_one if inner[s] <= 1.0 else 0.0)
            moves[s] = count if each[s] > 0.0 else 0.0
        for s in range(size):
            all_bytes[s] = moves[s] * each[s]
    _fill_counts(step, extents, n, rates, room, columns)


@inlined
def _fill_counts(
    step: np.void, extents: ExtentTables, n: int, rates: Rates, room: int, columns: np.ndarray
) -> None:
    """Tiles of a tiling; infinite where its buffers do not fit into `room` bytes. Of SRAM that is
    split in banks nothing is said."""
    tiles, area, size = extents.turns[TILES], extents.turns[AREA], extents.turns.shape[1]
    turns = extents.blocks[CHANNEL_TURNS, n] * extents.blocks[REDUCTION_TURNS, n]
    parts, counts = columns[PARTS], columns[COUNT]
    for s in range(size):
        parts[s] = tiles[s] * turns
    weight_tile, weight_moves = columns[TILE + WEIGHTS], columns[MOVES + WEIGHTS]
    input_tile, input_moves = columns[TILE + INPUTS], columns[MOVES + INPUTS]
    output_tile, output_moves = columns[TILE + OUTPUTS], columns[MOVES + OUTPUTS]
    most_w = 1.0 if step["single_weights"] else rates.buffers
    most_i = 1.0 if step["single_inputs"] else rates.buffers
    most_o = 1.0 if step["single_outputs"] else rates.buffers
    most_o = 0.0 if step["direct_store"] else most_o
    part = float(step["weight_part"]) if step["weight_part"] > 0 else np.inf
    sum_bytes = extents.blocks[CHANNELS, n] * step["sum_bits"] / 8.0
    space = np.inf if step["banks"] > 0 else float(room)
    for s in range(size):
        weights = min(part, weight_tile[s] * min(most_w, max(1.0, weight_moves[s])))
        inputs = input_tile[s] * min(most_i, max(1.0, input_moves[s]))
        outputs = output_tile[s] * min(most_o, max(1.0, output_moves[s]))
        sums = math.floor(sum_bytes * area[s])
        need = SLACK * (weights + inputs + max(outputs, sums))
        counts[s] = parts[s] if need <= space else np.inf


@inlined
def fill_least(
    step: np.void, operands: np.ndarray, extents: ExtentTables, first: np.ndarray, rates: Rates,
    columns: np.ndarray,
) -> None:  # fmt: skip
    """What all sizes in G, K and C have at least, with the spatial tiles from `first` int16 [sizes]
    on, whatever the order."""
    channels, pixels, blocks, turns, _ = extents
    size, spatial = blocks.shape[1], turns.shape[1]
    _clear(columns, size)
    for row in range(channels.shape[1]):
        stream = operands[step["operand_start"] + row]["stream"]
        if stream != RESIDENT:
            tile, each = columns[TILE + stream], columns[EACH + stream]
            one, every = pixels[4, row], pixels[3, row]
            of_one, of_every = channels[0, row], channels[1, row]
            for n in range(size):
                s = min(first[n], spatial - 1)
                tile[n] += of_one[n] * one[s]
                each[n] += of_every[n] * every[s]
    drain, parts, counts = columns[DRAIN], columns[PARTS], columns[COUNT]
    channel_turns, reduction, block = (
        blocks[CHANNEL_TURNS],
        blocks[REDUCTION_TURNS],
        blocks[CHANNELS],
    )
    most = float(step["b"] * step["oy"] * step["ox"])
    least = rates.output * turns[FEWEST + AREA, spatial - 1]
    tiles = turns[FEWEST + TILES]
    for n in range(size):
        drain[n] = least * block[n]
        parts[n] = most * channel_turns[n] * reduction[n]
        fewest = tiles[min(first[n], spatial - 1)] * channel_turns[n] * reduction[n]
        counts[n] = fewest if first[n] < spatial else np.inf


@inlined
def fill_least_order(
    loops: Loops, extents: ExtentTables, first: np.ndarray, order: int, columns: np.ndarray
) -> None:
    """What all sizes in G, K and C move at least in a loop order, after `fill_least`."""
    blocks, turns = extents.blocks, extents.turns
    size, spatial = blocks.shape[1], turns.shape[1]
    channels, reduction = blocks[CHANNEL_TURNS], blocks[REDUCTION_TURNS]
    for stream in range(3):
        own = _loops_of_stream(loops, stream)
        outer = blocks[OUTER + (own >> 1 & 3)]
        inner, tiles = turns[FEWEST + INNER + (own & 1 | own >> 3 & 6)], turns[FEWEST + TILES]
        each, moves, all_bytes = (
            columns[EACH + stream],
            columns[MOVES + stream],
            columns[ALL + stream],
        )
        for n in range(size):
            s = min(first[n], spatial - 1)
            count = channels[n] * inner[s] if inner[s] > 1.0 else outer[n]
            if order != 0:
                count = outer[n] * tiles[s] if outer[n] > 1.0 else inner[s]
            if own & 8 and reduction[n] > 1.0:
                count = channels[n] * tiles[s] * reduction[n]
            moves[n] = count if each[n] > 0.0 else 0.0
        for n in range(size):
            all_bytes[n] = moves[n] * each[n]


@compiled
def _loops_of_stream(loops: Loops, stream: int) -> int:
    if stream == WEIGHTS:
        return loops.weights
    return loops.inputs if stream == INPUTS else loops.outputs
