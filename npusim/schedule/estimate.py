"""What a tiling is expected to cost, in closed form: the judge of the tile search.

The estimate adds what cannot overlap (first load, last drain and store) to the longest of what can
(array, bus, output stage); with single buffers nothing overlaps. Only the ragged last tiles are
costed one by one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.cost.machine import Machine
from npusim.jit import compiled
from npusim.schedule.tables import ARRAY, INPUTS, OUTPUTS, RESIDENT, WEIGHTS
from npusim.schedule.tiles import (
    Index,
    bus_bytes,
    operand_bytes,
    set_bounds,
    stream_bytes,
    tile_count,
    window,
)
from npusim.schedule.work import array_work


class Objective(NamedTuple):
    """What the search minimizes: cycles^cycles_power * energy^energy_power.

    Energy = DRAM bytes * dram_pj + SRAM bytes * sram_pj + cycles * static_pj_per_cycle.
    """

    cycles_power: int
    energy_power: int
    dram_pj: float
    sram_pj: float
    static_pj_per_cycle: float


LATENCY = Objective(1, 0, 0.0, 0.0, 0.0)


@compiled
def sums_fit(step: np.void, machine: Machine) -> bool:
    """True if the partial sums of a tile fit the accumulators.

    A systolic array that has the whole reduction in a tile needs room for one column of output
    channels only; one that does not keeps all channels of the tile, as dot-product arrays always
    do. Output-stationary arrays hold their sums in place, for a whole reduction.
    """
    if step["unit"] != ARRAY:
        return True
    whole = step["tile_c"] == step["c"]
    if step["dataflow"] == 1:
        return bool(whole)
    array = machine.array
    pixels = step["tile_b"] * step["tile_oy"] * step["tile_ox"]
    channels = -(-(step["tile_g"] * step["tile_k"]) // array.cols)
    if step["dataflow"] == 0 and whole:
        channels = 1
    return bool(pixels * channels * step["buffers_sums"] <= array.accumulators)


@compiled
def set_buffers(step: np.void, operands: np.ndarray, most: int) -> int:
    """Set the number of buffers of each stream; returns the bytes that they take.

    A stream that moves once needs one buffer, any other as many as the hardware has.
    """
    bounds = np.zeros(12, np.int64)
    _inner_tile(step, bounds)
    total = 0
    for stream in range(3):
        size = stream_bytes(step, operands, stream, bounds)
        moves = _moves(step, operands, stream)
        count = min(most, moves)
        if stream == WEIGHTS:
            step["buffers_weights"] = count
        elif stream == INPUTS:
            step["buffers_inputs"] = count
        else:
            step["buffers_outputs"] = count
        total += size * count
    return total


@compiled
def _inner_tile(step: np.void, bounds: np.ndarray) -> None:
    """Bounds of a full tile whose window touches as little padding as possible."""
    n_y = -(-step["oy"] // step["tile_oy"])
    n_x = -(-step["ox"] // step["tile_ox"])
    y = 1 if n_y > 2 else 0
    x = 1 if n_x > 2 else 0
    set_bounds(step, Index(0, 0, 0, 0, y, x), bounds)


@compiled
def _moves(step: np.void, operands: np.ndarray, stream: int) -> int:
    """How often a tile of `stream` is moved: once for each change along the loops."""
    counts, moving = _loops(step, operands, stream)
    innermost = -1
    for level in range(6):
        if moving[level] and counts[level] > 1:
            innermost = level
    total = 1
    for level in range(innermost + 1):
        total *= counts[level]
    return total


@compiled
def _loops(step: np.void, operands: np.ndarray, stream: int) -> tuple[np.ndarray, np.ndarray]:
    """Tile loops from outer to inner: counts int64 [6], and whether they move `stream` [6]."""
    n = np.empty(6, np.int64)
    has = np.zeros(6, np.int64)
    n[0] = -(-step["g"] // step["tile_g"])
    n[1] = -(-step["k"] // step["tile_k"])
    n[2] = -(-step["b"] // step["tile_b"])
    n[3] = -(-step["oy"] // step["tile_oy"])
    n[4] = -(-step["ox"] // step["tile_ox"])
    n[5] = -(-step["c"] // step["tile_c"])
    for row in range(step["operand_start"], step["operand_stop"]):
        operand = operands[row]
        if operand["stream"] == stream:
            has[0] |= operand["has_g"]
            has[1] |= operand["has_k"]
            has[2] |= operand["has_b"]
            has[3] |= operand["has_y"]
            has[4] |= operand["has_x"]
            has[5] |= operand["has_c"]
    if step["order"] == 0:
        return n, has
    order = np.array([2, 3, 4, 0, 1, 5])
    return n[order], has[order]


@compiled
def tiling_cost(step: np.void, operands: np.ndarray, machine: Machine, objective: Objective) -> float:
    """The objective of the tiling in `step`."""
    traffic, transfers, first, last = _traffic(step, operands, machine)
    work = _compute(step, operands, machine)
    outputs = float(step["b"] * step["g"] * step["k"] * step["oy"] * step["ox"])
    post = outputs / step["post_rate"] if step["unit"] == ARRAY else 0.0
    tiles = tile_count(step) / -(-step["c"] // step["tile_c"])
    bus = traffic / machine.dram_bytes_per_cycle
    access = float(machine.dma_setup + machine.dram_latency)
    if step["buffers_weights"] < 2 and step["buffers_inputs"] < 2 and transfers > 3:
        cycles = bus + access * transfers + work + post
    else:
        channel = transfers * machine.dma_setup
        ends = (first + last) / machine.dram_bytes_per_cycle
        ends += (access if first > 0 else 0.0) + (access if last > 0 else 0.0)
        cycles = ends + max(max(work, post), max(bus - ends, channel)) + post / tiles
    cycles += step["dispatch_cycles"]
    if objective.energy_power == 0:
        return cycles * (1.0 + 1e-9 * traffic / (1.0 + traffic)) + 1e-9 * traffic
    moved = traffic * (objective.dram_pj + objective.sram_pj)
    energy = moved + cycles * objective.static_pj_per_cycle
    return float(energy**objective.energy_power * cycles**objective.cycles_power)


@compiled
def _traffic(
    step: np.void, operands: np.ndarray, machine: Machine
) -> tuple[float, int, float, float]:
    """Bus bytes of the step, its transfers, and the bytes of its first loads and last store."""
    bounds = np.zeros(12, np.int64)
    _inner_tile(step, bounds)
    total = 0.0
    transfers = 0
    ends = np.zeros(3)
    used = np.zeros(3, np.int64)
    for row in range(step["operand_start"], step["operand_stop"]):
        operand = operands[row]
        stream = operand["stream"]
        if stream == RESIDENT:
            continue
        tile = operand_bytes(step, operand, bounds)
        bus = bus_bytes(step, operand, bounds, machine.burst_bytes)
        inflation = bus / tile if tile > 0 else 1.0
        total += _all_bytes(step, operands, operand) * inflation
        ends[stream] += bus
        used[stream] = 1
    for stream in range(3):
        if used[stream]:
            transfers += _moves(step, operands, stream)
    return total, transfers, ends[WEIGHTS] + ends[INPUTS], ends[OUTPUTS]


@compiled
def _all_bytes(step: np.void, operands: np.ndarray, operand: np.void) -> float:
    """Bytes of `operand` over all its moves, halo and repeats included."""
    counts, _ = _loops(step, operands, operand["stream"])
    own = 1
    for loop in range(6):
        has = _has(step, operand, loop)
        if has:
            own *= counts[loop]
    repeats = _moves(step, operands, operand["stream"]) / own
    elements = 1.0
    if operand["has_b"]:
        elements *= step["b"]
    if operand["has_g"]:
        elements *= step["g"]
    if operand["has_k"]:
        elements *= step["k"]
    if operand["has_c"]:
        elements *= step["c"]
    if operand["has_taps"]:
        elements *= step["fy"] * step["fx"]
    if operand["window"]:
        rows = 0
        for start in range(0, step["oy"], step["tile_oy"]):
            rows += window(
                start, min(step["oy"], start + step["tile_oy"]), step["stride_y"], step["fy"],
                step["dilation_y"], step["pad_top"], step["in_h"],
            )  # fmt: skip
        cols = 0
        for start in range(0, step["ox"], step["tile_ox"]):
            cols += window(
                start, min(step["ox"], start + step["tile_ox"]), step["stride_x"], step["fx"],
                step["dilation_x"], step["pad_left"], step["in_w"],
            )  # fmt: skip
        elements *= rows * cols
    else:
        if operand["has_y"]:
            elements *= step["oy"]
        if operand["has_x"]:
            elements *= step["ox"]
    return float(elements * operand["bits"] / 8 * repeats)


@compiled
def _has(step: np.void, operand: np.void, loop: int) -> bool:
    """True if `operand` walks the `loop`-th tile loop of the step's order."""
    outer = loop if step["order"] == 0 else (2, 3, 4, 0, 1, 5)[loop]
    if outer == 0:
        return bool(operand["has_g"])
    if outer == 1:
        return bool(operand["has_k"])
    if outer == 2:
        return bool(operand["has_b"])
    if outer == 3:
        return bool(operand["has_y"])
    if outer == 4:
        return bool(operand["has_x"])
    return bool(operand["has_c"])


@compiled
def _compute(step: np.void, operands: np.ndarray, machine: Machine) -> float:
    """Cycles of all tiles on the array or the vector unit, ragged ones counted as they are."""
    if step["unit"] != ARRAY:
        outputs = step["b"] * step["g"] * step["k"] * step["oy"] * step["ox"]
        return float(outputs * step["ops_per_output"] / step["vector_rate"])
    extents = np.array([step["b"], step["g"], step["k"], step["c"], step["oy"], step["ox"]])
    tiles = np.array(
        [step["tile_b"], step["tile_g"], step["tile_k"], step["tile_c"], step["tile_oy"],
         step["tile_ox"]]
    )  # fmt: skip
    ragged = extents % tiles
    bounds = np.zeros(12, np.int64)
    total = 0.0
    for corner in range(64):
        times = 1
        for dim in range(6):
            if corner >> dim & 1:
                bounds[2 * dim + 1] = ragged[dim]
                times *= 1 if ragged[dim] else 0
            else:
                bounds[2 * dim + 1] = tiles[dim]
                times *= extents[dim] // tiles[dim]
        if times:
            total += times * array_work(step, operands, bounds, machine).cycles
    return total
