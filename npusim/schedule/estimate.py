"""What a tiling is expected to cost, in closed form: the judge of the tile search.

The estimate adds what cannot overlap (first load, last drain and store) to the longest of what can
(array, bus, output stage); with single buffers nothing overlaps. Only the ragged last tiles are
costed one by one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.cost.array import (
    DIRECT_CONVOLUTION,
    IN_MEMORY,
    INPUT_STATIONARY,
    OUTPUT_STATIONARY,
    WEIGHT_STATIONARY,
)
from npusim.cost.machine import Machine
from npusim.cost.transfer import cycles_at
from npusim.jit import compiled
from npusim.schedule.corners import corner_of, even_loops, padded_channels, shared_bytes
from npusim.schedule.runs import bus_bytes, row_time
from npusim.schedule.tables import ARRAY, INPUTS, MOST_BUFFERS, OUTPUTS, RESIDENT, WEIGHTS
from npusim.schedule.tiles import (
    Part,
    ceil_div,
    inner_window,
    operand_bytes,
    tile_count,
    window,
)
from npusim.schedule.work import ArrayWork, array_work, holds_weights, vector_work


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


class Loops(NamedTuple):
    """The loops that move each stream: a bit for each of b, g, k, c, oy, ox."""

    weights: int
    inputs: int
    outputs: int


class Sizes(NamedTuple):
    """Bytes of one tile by stream."""

    weights: int
    inputs: int
    outputs: int


class StreamTraffic(NamedTuple):
    """Bus bytes of all tiles of a stream, how many are moved, and bus bytes of one."""

    bytes: float
    moves: int
    tile_bytes: int


class Traffic(NamedTuple):
    """What a step moves: bus bytes and transfers of its loads and of its stores; the bus bytes of
    the first loads and of one store; bytes and transfers of the loads that come a step early.

    The time that a DRAM takes for rows is counted as bytes that the bus could have moved in it.
    """

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
def set_buffers(step: np.void, operands: np.ndarray, most: int) -> int:
    """Set the number of buffers of each stream; returns the bytes that they take.

    A stream that moves once needs one buffer, any other as many as the hardware has.
    """
    grid = grid_of(step)
    sizes = sizes_of(step, operands, largest_part(step, grid))
    return buffer_bytes(step, most, loops_of(step, operands), grid, sizes)


@compiled
def sizes_of(step: np.void, operands: np.ndarray, part: Part) -> Sizes:
    """Bytes of one buffer for each stream."""
    weights = inputs = outputs = 0
    for row in range(step["operand_start"], step["operand_stop"]):
        stream = operands[row]["stream"]
        if stream == RESIDENT:
            continue
        size = operand_bytes(step, operands[row], part)
        if stream == WEIGHTS:
            weights += size
        elif stream == INPUTS:
            inputs += size
        elif step["direct_store"] == 0:
            outputs += size
    return Sizes(weights, inputs, outputs)


@compiled
def buffer_bytes(step: np.void, most: int, loops: Loops, grid: Grid, sizes: Sizes) -> int:
    """`set_buffers` for known loops, grid and tile."""
    if step["banks"] > 0:
        return _banked_bytes(step, loops, grid, sizes)
    order = step["order"]
    weights_most = 1 if step["single_weights"] else most
    inputs_most = 1 if step["single_inputs"] else most
    outputs_most = 1 if step["single_outputs"] else most
    step["buffers_weights"] = min(weights_most, moves_of(loops.weights, order, grid))
    step["buffers_inputs"] = min(inputs_most, moves_of(loops.inputs, order, grid))
    step["buffers_outputs"] = min(outputs_most, moves_of(loops.outputs, order, grid))
    return held_bytes(
        step,
        sizes.weights * step["buffers_weights"],
        sizes.inputs * step["buffers_inputs"],
        sizes.outputs * step["buffers_outputs"],
    )


@compiled
def _banked_bytes(step: np.void, loops: Loops, grid: Grid, sizes: Sizes) -> int:
    """`buffer_bytes` where SRAM is split in banks for inputs and banks for weights.

    Tiles of inputs, and of weights, follow each other in their banks as long as there is room.
    """
    order, bank, data = step["order"], step["bank_bytes"], step["data_banks"]
    if data == 0:
        data = max(1, ceil_div(sizes.inputs, bank))
    left = step["banks"] - data
    step["room_inputs"] = data * bank
    step["room_weights"] = min(left, step["weight_banks"] or left) * bank
    loads = moves_of(loops.weights, order, grid)
    step["buffers_weights"] = min(MOST_BUFFERS, loads)
    step["buffers_inputs"] = min(MOST_BUFFERS, moves_of(loops.inputs, order, grid))
    step["buffers_outputs"] = min(2, moves_of(loops.outputs, order, grid))
    short = max(0, sizes.inputs - step["room_inputs"])
    short += max(0, sizes.weights - step["room_weights"])
    if short > 0:
        return int(step["banks"] * bank + short)
    return int(step["room_inputs"] + min(step["room_weights"], sizes.weights * loads))


@compiled
def held_bytes(step: np.void, weights: int, inputs: int, outputs: int) -> int:
    """SRAM that buffers of these bytes take.

    Weights that stream through a part of SRAM take no more than it; partial sums that wait in SRAM
    do so where the outputs will be.
    """
    if step["weight_part"] > 0:
        weights = min(weights, step["weight_part"])
    pixels = step["tile_b"] * step["tile_oy"] * step["tile_ox"]
    sums = pixels * step["tile_g"] * step["tile_k"] * step["sum_bits"] // 8
    return int(weights + inputs + max(outputs, sums))


@compiled
def sums_fit(step: np.void, machine: Machine) -> bool:
    """True if the partial sums of a tile fit the accumulators.

    A systolic or in-memory array that has the whole reduction in a tile needs room for one column
    of output channels only; one that does not keeps all channels of the tile, as dot-product arrays
    always do. Output-stationary arrays hold their sums in place, for a whole reduction; so does
    direct convolution, stripe by stripe. Input-stationary arrays have pixels in their columns: one
    column of them for a whole reduction, or all.
    """
    if step["unit"] != ARRAY:
        return True
    whole = step["tile_c"] == step["c"]
    if step["dataflow"] == OUTPUT_STATIONARY or step["dataflow"] == DIRECT_CONVOLUTION:
        return bool(whole)
    array = machine.array
    pixels = step["tile_b"] * step["tile_oy"] * step["tile_ox"]
    if step["dataflow"] == INPUT_STATIONARY:
        columns = 1 if whole else step["tile_g"] * ceil_div(pixels, array.cols)
        return bool(columns * step["tile_k"] * step["buffers_sums"] <= array.accumulators)
    channels = ceil_div(step["tile_g"] * step["tile_k"], array.cols)
    if (step["dataflow"] == WEIGHT_STATIONARY or step["dataflow"] == IN_MEMORY) and whole:
        channels = 1
    return bool(pixels * channels * step["buffers_sums"] <= array.accumulators)


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
    inner = _last_move(loops & 1, loops & 16, loops & 32, grid.b, grid.y, grid.x)
    outer = _last_move(0, loops & 2, loops & 4, 1, grid.g, grid.k)
    if order == 0:
        return channels * inner if inner > 1 else outer
    return pixels * outer if outer > 1 else inner


@compiled
def _last_move(has_0: int, has_1: int, has_2: int, count_0: int, count_1: int, count_2: int) -> int:
    """Turns of three nested loops down to the innermost one that moves; 1 if none does."""
    if has_2 and count_2 > 1:
        return count_0 * count_1 * count_2
    if has_1 and count_1 > 1:
        return count_0 * count_1
    if has_0 and count_0 > 1:
        return count_0
    return 1


@compiled
def traffic_of(
    step: np.void, operands: np.ndarray, machine: Machine, grid: Grid, part: Part
) -> Traffic:
    """All transfers of the tiling in `step`."""
    loops, order = loops_of(step, operands), step["order"]
    loads, weight_loads = moves_of(loops.inputs, order, grid), moves_of(loops.weights, order, grid)
    stores = moves_of(loops.outputs, order, grid)
    weights_bytes = inputs_bytes = outputs_bytes = 0.0
    weights_bus = inputs_bus = outputs_bus = 0
    for row in range(step["operand_start"], step["operand_stop"]):
        operand = operands[row]
        stream = operand["stream"]
        if stream == RESIDENT:
            continue
        count = stores
        if stream != OUTPUTS:
            count = weight_loads if stream == WEIGHTS else loads
        rows = row_time(step, operand, part, machine) * machine.dram_bytes_per_cycle
        own = bus_bytes(step, operand, part, machine.burst_bytes) + int(rows)
        tile = operand_bytes(step, operand, part)
        total = _all_bytes(step, operand, grid, count) * (own / max(tile, 1))
        if stream == WEIGHTS:
            weights_bytes += total
            weights_bus += own
        elif stream == INPUTS:
            inputs_bytes += total
            inputs_bus += own
        else:
            outputs_bytes += total
            outputs_bus += own
    weights = StreamTraffic(weights_bytes, weight_loads if weights_bus else 0, weights_bus)
    inputs = StreamTraffic(inputs_bytes, loads if inputs_bus else 0, inputs_bus)
    outputs = StreamTraffic(outputs_bytes, stores if outputs_bus else 0, outputs_bus)
    return joined(step, weights, inputs, outputs)


@compiled
def joined(
    step: np.void, weights: StreamTraffic, inputs: StreamTraffic, outputs: StreamTraffic
) -> Traffic:
    """The traffic of a step from that of its streams; the first weights may come early."""
    early_bytes, early_loads, first = 0.0, 0, inputs.tile_bytes
    if step["prefetch"] and weights.tile_bytes > 0:
        early_loads = min(weights.moves, step["buffers_weights"])
        early_bytes = weights.bytes * early_loads / weights.moves
    else:
        first += weights.tile_bytes
    return Traffic(
        weights.bytes + inputs.bytes, outputs.bytes, weights.moves + inputs.moves, outputs.moves,
        first, outputs.tile_bytes, early_bytes, early_loads,
    )  # fmt: skip


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
    """`cycles_of` the tiling in `step`."""
    return cycles_of(step, machine, traffic, work, tile_count(step))


@compiled
def cycles_of(
    step: np.void, machine: Machine, traffic: Traffic, work: float, tiles: int
) -> float:  # fmt: skip
    """Cycles of the step if its array (or vector unit) is busy for `work` cycles in `tiles` tiles.

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
    last_work = work / tiles
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

    Where an array holds the weights of a tile, only the first of the tiles that share them writes
    them. A tile takes accumulators until its last sums have left, `tail` cycles after it; with two
    sets of them a tile and its tail take at least half their sum.
    """
    total = held = 0.0
    in_place = holds_weights(step, machine)
    ragged = 63 & ~even_loops(step)
    corner = ragged
    while corner >= 0:
        corner_total, corner_held = _busy_corner(step, operands, machine, corner, in_place)
        total += corner_total
        held += corner_held
        corner = (corner - 1) & ragged if corner else -1
    return max(total, (total + held) / step["buffers_sums"])


@compiled
def _busy_corner(
    step: np.void, operands: np.ndarray, machine: Machine, corner: int, in_place: bool
) -> tuple[float, float]:
    """Cycles of the tiles of one corner, and those that their sums are held beyond them."""
    b, times_b = corner_of(step["b"], step["tile_b"], corner & 1)
    g, times_g = corner_of(step["g"], step["tile_g"], corner & 2)
    k, times_k = corner_of(step["k"], step["tile_k"], corner & 4)
    c, times_c = corner_of(step["c"], step["tile_c"], corner & 8)
    y, times_y = corner_of(step["oy"], step["tile_oy"], corner & 16)
    x, times_x = corner_of(step["ox"], step["tile_ox"], corner & 32)
    outputs = times_b * times_g * times_k * times_y * times_x
    if outputs * times_c == 0:
        return 0.0, 0.0
    if step["unit"] != ARRAY:
        rows = inner_window(y, step["stride_y"], step["fy"], step["dilation_y"], step["in_h"])
        cols = inner_window(x, step["stride_x"], step["fx"], step["dilation_x"], step["in_w"])
        part = Part(b, g, k, c, y, x, rows, cols)
        return outputs * times_c * float(vector_work(step, operands, part, machine).cycles), 0.0
    part = Part(b, g, k, c, y, x, 0, 0)
    writing = outputs
    if in_place:
        writing = times_g * times_k if corner & 49 == 0 else 0
    total = held = 0.0
    for weights_held in range(2):
        times = outputs - writing if weights_held else writing
        if times > 0:
            work = array_work(step, operands, part, machine, weights_held == 1)
            total += times * times_c * float(work.cycles)
            if corner & 8 == 0:
                held += times * float(_sums_held(step, part, work, machine))
    return total, held


@compiled
def _sums_held(step: np.void, part: Part, work: ArrayWork, machine: Machine) -> int:
    """Cycles after the end of a tile until its last sums have left the accumulators."""
    drain = cycles_at(part.b * part.g * part.k * part.oy * part.ox, step["post_rate"])
    if machine.array.hide_drain:
        return max(work.tail, work.first_output + drain - work.cycles)
    return work.tail + drain
