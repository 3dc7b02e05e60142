"""What a tiling is expected to cost, in closed form: the judge of the tile search.

The estimate adds what cannot overlap (first load, last drain and store) to the longest of what can
(array, bus, output stage); with single buffers nothing overlaps. Only the ragged last tiles are
costed one by one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.cost.array import INPUT_STATIONARY, OUTPUT_STATIONARY, WEIGHT_STATIONARY
from npusim.cost.machine import Machine
from npusim.cost.transfer import cycles_at
from npusim.jit import compiled
from npusim.schedule.corners import corner_of, even_loops, padded_channels, shared_bytes
from npusim.schedule.tables import ARRAY, INPUTS, OUTPUTS, RESIDENT, WEIGHTS
from npusim.schedule.tiles import (
    Part,
    bus_bytes,
    ceil_div,
    cols_behind,
    inner_window,
    least_cols,
    least_rows,
    operand_bytes,
    rows_behind,
    stream_bytes,
    tile_count,
)
from npusim.schedule.work import array_work, vector_work


class Objective(NamedTuple):
    """What the search minimizes: cycles^cycles_power * energy^energy_power.

    Energy = DRAM bytes * (dram_pj + sram_pj) + cycles * static_pj_per_cycle.
    """

    cycles_power: int
    energy_power: int
    dram_pj: float
    sram_pj: float
    static_pj_per_cycle: float


LATENCY = Objective(1, 0, 0.0, 0.0, 0.0)


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


class Traffic(NamedTuple):
    """What a step moves: bus bytes and transfers of its loads and of its stores; the bus bytes of
    the first loads and of one store; bytes and transfers of the loads that come a step early."""

    load_bytes: float
    store_bytes: float
    loads: int
    stores: int
    first_bytes: int
    last_bytes: int
    early_bytes: float
    early_loads: int


@compiled
def grid_of(step: np.void) -> Grid:
    """The tile grid of `step`."""
    all_rows = most_rows = 0
    for start in range(0, step["oy"], step["tile_oy"]):
        rows = rows_behind(step, start, min(step["oy"], start + step["tile_oy"]))
        all_rows += rows
        most_rows = max(most_rows, rows)
    all_cols = most_cols = 0
    for start in range(0, step["ox"], step["tile_ox"]):
        cols = cols_behind(step, start, min(step["ox"], start + step["tile_ox"]))
        all_cols += cols
        most_cols = max(most_cols, cols)
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
def largest_part(step: np.void, grid: Grid) -> Part:
    """Extents of a full tile with the largest window that any tile has: what buffers must hold."""
    return Part(
        step["tile_b"], step["tile_g"], step["tile_k"], step["tile_c"],
        step["tile_oy"], step["tile_ox"], grid.most_rows, grid.most_cols,
    )  # fmt: skip


@compiled
def set_buffers(step: np.void, operands: np.ndarray, most: int) -> int:
    """Set the number of buffers of each stream; returns the bytes that they take.

    A stream that moves once needs one buffer, any other as many as the hardware has.
    """
    grid = grid_of(step)
    return buffer_bytes(step, operands, most, grid, largest_part(step, grid))


@compiled
def one_of_each(step: np.void, operands: np.ndarray, part: Part) -> int:
    """Bytes of one buffer for each stream: no loop order needs less."""
    return (
        stream_bytes(step, operands, WEIGHTS, part)
        + stream_bytes(step, operands, INPUTS, part)
        + stream_bytes(step, operands, OUTPUTS, part)
    )


@compiled
def buffer_bytes(step: np.void, operands: np.ndarray, most: int, grid: Grid, part: Part) -> int:
    """`set_buffers` for a known grid and tile."""
    step["buffers_weights"] = min(most, moves(step, operands, WEIGHTS, grid))
    step["buffers_inputs"] = min(most, moves(step, operands, INPUTS, grid))
    step["buffers_outputs"] = min(most, moves(step, operands, OUTPUTS, grid))
    return (
        stream_bytes(step, operands, WEIGHTS, part) * step["buffers_weights"]
        + stream_bytes(step, operands, INPUTS, part) * step["buffers_inputs"]
        + stream_bytes(step, operands, OUTPUTS, part) * step["buffers_outputs"]
    )


@compiled
def sums_fit(step: np.void, machine: Machine) -> bool:
    """True if the partial sums of a tile fit the accumulators.

    A systolic array that has the whole reduction in a tile needs room for one column of output
    channels only; one that does not keeps all channels of the tile, as dot-product arrays always
    do. Output-stationary arrays hold their sums in place, for a whole reduction. Input-stationary
    arrays have pixels in their columns: one column of them for a whole reduction, or all.
    """
    if step["unit"] != ARRAY:
        return True
    whole = step["tile_c"] == step["c"]
    if step["dataflow"] == OUTPUT_STATIONARY:
        return bool(whole)
    array = machine.array
    pixels = step["tile_b"] * step["tile_oy"] * step["tile_ox"]
    if step["dataflow"] == INPUT_STATIONARY:
        columns = 1 if whole else step["tile_g"] * ceil_div(pixels, array.cols)
        return bool(columns * step["tile_k"] * step["buffers_sums"] <= array.accumulators)
    channels = ceil_div(step["tile_g"] * step["tile_k"], array.cols)
    if step["dataflow"] == WEIGHT_STATIONARY and whole:
        channels = 1
    return bool(pixels * channels * step["buffers_sums"] <= array.accumulators)


@compiled
def moves(step: np.void, operands: np.ndarray, stream: int, grid: Grid) -> int:
    """How often a tile of `stream` is moved: once for each change along the loops.

    A loop that moves the stream repeats it for every turn of itself and of all loops around it.
    """
    b = g = k = c = y = x = False
    for row in range(step["operand_start"], step["operand_stop"]):
        operand = operands[row]
        if operand["stream"] == stream:
            b |= operand["has_b"] != 0
            g |= operand["has_g"] != 0
            k |= operand["has_k"] != 0
            c |= operand["has_c"] != 0
            y |= operand["has_y"] != 0
            x |= operand["has_x"] != 0
    channels = grid.g * grid.k
    pixels = grid.b * grid.y * grid.x
    if c and grid.c > 1:
        return channels * pixels * grid.c
    if step["order"] == 0:
        inner = _last_move(b, y, x, grid.b, grid.y, grid.x)
        outer = _last_move(False, g, k, 1, grid.g, grid.k)
        return channels * inner if inner > 1 else outer
    inner = _last_move(False, g, k, 1, grid.g, grid.k)
    outer = _last_move(b, y, x, grid.b, grid.y, grid.x)
    return pixels * inner if inner > 1 else outer


@compiled
def _last_move(
    has_0: bool, has_1: bool, has_2: bool, count_0: int, count_1: int, count_2: int
) -> int:
    """Turns of three nested loops down to the innermost one that moves; 1 if none does."""
    if has_2 and count_2 > 1:
        return count_0 * count_1 * count_2
    if has_1 and count_1 > 1:
        return count_0 * count_1
    if has_0 and count_0 > 1:
        return count_0
    return 1


@compiled
def least_cycles(step: np.void, operands: np.ndarray, machine: Machine, work: float) -> float:
    """No tiling of `step` takes less if its array is busy for at least `work` cycles.

    Every streamed byte crosses the bus once; of `overlapped_cycles` only what no tile can avoid.
    """
    whole = Part(
        step["b"], step["g"], step["k"], step["c"], step["oy"], step["ox"],
        least_rows(step), least_cols(step),
    )  # fmt: skip
    weights = stream_bytes(step, operands, WEIGHTS, whole) / machine.dram_bytes_per_cycle
    inputs = stream_bytes(step, operands, INPUTS, whole) / machine.dram_bytes_per_cycle
    storing = stream_bytes(step, operands, OUTPUTS, whole) / machine.dram_bytes_per_cycle
    late = inputs if step["prefetch"] else weights + inputs
    longest = max(work, weights + inputs + storing, 0.5 * (work + late))
    return step["dispatch_cycles"] + longest


@compiled
def traffic_of(
    step: np.void, operands: np.ndarray, machine: Machine, grid: Grid, part: Part
) -> Traffic:
    """All transfers of the tiling in `step`."""
    load_bytes = store_bytes = early_bytes = 0.0
    loads = stores = first = last = early_loads = 0
    for stream in range(3):
        count = moves(step, operands, stream, grid)
        bus = 0
        total = 0.0
        for row in range(step["operand_start"], step["operand_stop"]):
            operand = operands[row]
            if operand["stream"] == stream and operand["stream"] != RESIDENT:
                own = bus_bytes(step, operand, part, machine.burst_bytes)
                tile = operand_bytes(step, operand, part)
                total += _all_bytes(step, operand, grid, count) * (own / max(tile, 1))
                bus += own
        if stream == OUTPUTS:
            store_bytes = total
            stores = count if bus else 0
            last = bus
        else:
            load_bytes += total
            loads += count if bus else 0
            if stream == WEIGHTS and step["prefetch"] and bus:
                early_loads = min(count, step["buffers_weights"])
                early_bytes = total * early_loads / count
            else:
                first += bus
    return Traffic(load_bytes, store_bytes, loads, stores, first, last, early_bytes, early_loads)


@compiled
def _all_bytes(step: np.void, operand: np.void, grid: Grid, count: int) -> float:
    """Bytes of `operand` over `count` moves of its stream, halo and repeats included."""
    elements = 1.0
    own = 1
    if operand["has_b"]:
        elements *= step["b"]
        own *= grid.b
    if operand["has_g"]:
        own *= grid.g
    if operand["has_k"]:
        own *= grid.k
    if operand["has_c"]:
        own *= grid.c
    elements *= padded_channels(step, operand)
    if operand["has_taps"]:
        elements *= step["fy"] * step["fx"]
    if operand["has_y"]:
        elements *= grid.all_rows if operand["window"] else step["oy"]
        own *= grid.y
    if operand["has_x"]:
        elements *= grid.all_cols if operand["window"] else step["ox"]
        own *= grid.x
    if operand["share"] != operand["share_of"] or operand["stored_of"]:
        return shared_bytes(step, operand) * (count / own)
    return elements * operand["bits"] / 8 * (count / own)


@compiled
def overlapped_cycles(step: np.void, machine: Machine, traffic: Traffic, work: float) -> float:
    """Cycles of the step if its array (or vector unit) is busy for `work` cycles.

    With two buffers a load may start when the tile before last is done, so a load and a tile in
    turn take at least half their sum each; likewise a drain and its store. With one buffer they
    take all of it. The last tile follows the last load; loads that come a step early (`prefetch`)
    take the bus but are not waited for.
    """
    outputs = float(step["b"] * step["g"] * step["k"] * step["oy"] * step["ox"])
    drain = outputs / step["post_rate"] if step["unit"] == ARRAY else 0.0
    access = float(machine.dma_setup + machine.dram_latency)
    load_rate = min(machine.dram_bytes_per_cycle, machine.sram_write_bytes_per_cycle)
    store_rate = min(machine.dram_bytes_per_cycle, machine.sram_read_bytes_per_cycle)
    late_bytes = traffic.load_bytes - traffic.early_bytes
    loading = late_bytes / load_rate + access * (traffic.loads - traffic.early_loads)
    storing = traffic.store_bytes / store_rate + access * traffic.stores
    first_data = traffic.first_bytes / load_rate
    last_data = traffic.last_bytes / store_rate
    first_load = first_data + (access if traffic.first_bytes > 0 else 0.0)
    last_store = last_data + (access if traffic.last_bytes > 0 else 0.0)
    last_drain = drain * (
        step["tile_b"] * step["tile_g"] * step["tile_k"] * step["tile_oy"] * step["tile_ox"]
    ) / outputs  # fmt: skip
    last_work = work / tile_count(step)
    ahead = 1.0 if max(step["buffers_weights"], step["buffers_inputs"]) < 2 else 0.5
    behind = 1.0 if step["buffers_outputs"] < 2 else 0.5
    behind_work = drain if step["unit"] == ARRAY else work
    loads_in_turn = ahead * (work + loading) - first_load
    stores_in_turn = behind * (behind_work + storing) - last_store
    early_data = traffic.early_bytes / load_rate
    late_data = late_bytes / load_rate + traffic.store_bytes / store_rate
    bus = late_data + max(last_work, early_data) - first_data - last_data
    late_transfers = traffic.loads - traffic.early_loads + traffic.stores
    channel = float(late_transfers * machine.dma_setup) + last_work
    longest = max(max(work, drain), max(max(bus, channel), max(loads_in_turn, stores_in_turn)))
    return step["dispatch_cycles"] + first_load + longest + last_drain + last_store


@compiled
def objective_value(objective: Objective, cycles: float, bus: float, tiles: int) -> float:
    """What the search minimizes. A tile weighs a millionth of the whole: of schedules that are as
    good as equal the one with fewer jobs wins, and then the one with fewer bytes.
    """
    cycles *= 1.0 + 1e-6 * tiles
    if objective.energy_power == 0:
        return cycles + 1e-9 * bus
    energy = bus * (objective.dram_pj + objective.sram_pj)
    energy += cycles * objective.static_pj_per_cycle
    return energy**objective.energy_power * cycles**objective.cycles_power


@compiled
def busy_cycles(step: np.void, operands: np.ndarray, machine: Machine) -> float:
    """Cycles of all tiles on the array or the vector unit, ragged ones counted as they are.

    A tile takes accumulators until its last sums have left, `tail` cycles after it; with two sets
    of them a tile and its tail take at least half their sum.
    """
    total = held = 0.0
    whole = even_loops(step)
    for corner in range(64):
        if corner & whole:
            continue
        b, times_b = corner_of(step["b"], step["tile_b"], corner & 1)
        g, times_g = corner_of(step["g"], step["tile_g"], corner & 2)
        k, times_k = corner_of(step["k"], step["tile_k"], corner & 4)
        c, times_c = corner_of(step["c"], step["tile_c"], corner & 8)
        y, times_y = corner_of(step["oy"], step["tile_oy"], corner & 16)
        x, times_x = corner_of(step["ox"], step["tile_ox"], corner & 32)
        outputs = times_b * times_g * times_k * times_y * times_x
        if outputs * times_c == 0:
            continue
        if step["unit"] != ARRAY:
            rows = inner_window(y, step["stride_y"], step["fy"], step["dilation_y"], step["in_h"])
            cols = inner_window(x, step["stride_x"], step["fx"], step["dilation_x"], step["in_w"])
            part = Part(b, g, k, c, y, x, rows, cols)
            total += outputs * times_c * vector_work(step, operands, part, machine).cycles
            continue
        work = array_work(step, operands, Part(b, g, k, c, y, x, 0, 0), machine)
        total += outputs * times_c * work.cycles
        if corner & 8 == 0:
            drain = cycles_at(b * g * k * y * x, step["post_rate"])
            if machine.array.hide_drain:
                held += outputs * max(work.tail, work.first_output + drain - work.cycles)
            else:
                held += outputs * (work.tail + drain)
    return max(total, (total + held) / step["buffers_sums"])
