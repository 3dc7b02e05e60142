"""What a tiling is expected to cost, in closed form: the judge of the tile search.

The estimate adds what cannot overlap (first load, last drain and store) to the longest of what can
(array, bus, output stage); with single buffers nothing overlaps. Only the ragged last tiles are
costed one by one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.cost.machine import Machine
from npusim.cost.transfer import cycles_at
from npusim.jit import compiled
from npusim.schedule.corners import corner_of, even_loops
from npusim.schedule.tables import ARRAY
from npusim.schedule.tiles import (
    Part,
    inner_window,
    tile_count,
)
from npusim.schedule.traffic import Traffic
from npusim.schedule.work import (
    ArrayWork,
    array_work,
    holds_weights,
    parameter_time,
    vector_work,
)


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
    if objective.cycles_power == 0 and objective.energy_power == 1:
        return energy
    return energy**objective.energy_power * cycles**objective.cycles_power


@compiled
def busy_cycles(step: np.void, operands: np.ndarray, machine: Machine) -> float:
    """Cycles of all tiles on the array or the vector unit, ragged ones counted as they are.

    Where an array holds the weights of a tile, only the first of the tiles that share them writes
    them. A tile takes accumulators until its last sums have left, `tail` cycles after it; with two
    sets of them a tile and its tail take at least half their sum. Nor is it faster than bias and
    scale of the channels come where these have a buffer of their own.
    """
    total, held = busy_and_held(step, operands, machine)
    alone = parameter_time(step, operands, machine) if step["unit"] == ARRAY else 0.0
    return max(total, (total + held) / step["buffers_sums"], alone)


@compiled
def busy_and_held(step: np.void, operands: np.ndarray, machine: Machine) -> tuple[float, float]:
    """Cycles of all tiles, and those that sums take accumulators after the end of their tile."""
    total = held = 0.0
    in_place = holds_weights(step, machine)
    ragged = 63 & ~even_loops(step)
    corner = ragged
    while corner >= 0:
        corner_total, corner_held = _busy_corner(step, operands, machine, corner, in_place)
        total += corner_total
        held += corner_held
        corner = (corner - 1) & ragged if corner else -1
    return total, held


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
