"""The best few tilings of one step, by the estimate that the search minimizes.

`search.py` keeps the winner alone and skips what its bounds rule out; here every legal tiling of
the same space is estimated and the least `most` are kept, for those who ask what came second.
"""

from __future__ import annotations

import numpy as np

from npusim.cost.machine import Machine, packed
from npusim.jit import allocating, compiled
from npusim.schedule.buffers import set_buffers, sums_fit
from npusim.schedule.candidates import Space
from npusim.schedule.estimate import (
    LATENCY,
    Objective,
    busy_cycles,
    objective_value,
    overlapped_cycles,
)
from npusim.schedule.fixed import TILE_DIMS, StepMapping
from npusim.schedule.grid import grid_of, largest_part
from npusim.schedule.program import Program
from npusim.schedule.spaces import names_of, space_of
from npusim.schedule.tables import ARRAY
from npusim.schedule.traffic import traffic_of


def ranked_tilings(program: Program, at: int, most: int) -> list[StepMapping]:
    """The best `most` tilings of step `at` in the room it has in `program`, by estimated latency.

    They differ in tile, loop order, dataflow or core split; the step's own is usually the first.
    """
    step, hardware, machine = program.steps[at], program.hardware, program.machine
    row = program.table[at : at + 1].copy()
    start, stop = int(row[0]["operand_start"]), int(row[0]["operand_stop"])
    row["operand_start"], row["operand_stop"] = 0, stop - start
    space = space_of(step, row[0], hardware, machine, _room_bytes(program, at))
    kept = least(row[0], program.operands[start:stop], packed(machine), space, LATENCY, most)
    return [_mapping(step.unit, values[1:]) for values in kept if np.isfinite(values[0])]


def _mapping(unit: int, values: np.ndarray) -> StepMapping:
    b, oy, ox, g, k, c, *choices = (int(value) for value in values)
    tile = {"B": b, "G": g, "K": k, "C": c, "OY": oy, "OX": ox}
    order, dataflow, split = names_of(*choices)
    sizes = tuple(tile[dim] for dim in TILE_DIMS)
    return StepMapping(sizes, order, *((dataflow, split) if unit == ARRAY else ()))


def _room_bytes(program: Program, at: int) -> int:
    """SRAM that the tensors which stay leave to the tiles of step `at`."""
    alive = (p for p in program.placements.values() if p.first <= at <= p.last)
    top = max((place.offset_bytes + place.size_bytes for place in alive), default=0)
    return program.machine.sram_bytes - program.pinned_bytes - top


@allocating
def least(
    step: np.void, operands: np.ndarray, machine: Machine, space: Space, objective: Objective,
    most: int,
) -> np.ndarray:  # fmt: skip
    """The `most` tilings of least cost, best first; cost infinite where there are fewer.

    float64 [most, 10]: cost, tile sizes b, oy, ox, g, k, c, then order, dataflow, split.
    """
    kept = np.full((most, 10), np.inf)
    for s in range(space.spatial.shape[0]):
        step["tile_b"] = space.spatial[s, 0]
        step["tile_oy"] = space.spatial[s, 1]
        step["tile_ox"] = space.spatial[s, 2]
        for g in space.g:
            step["tile_g"] = g
            for k in space.k:
                step["tile_k"] = k
                for c in space.c:
                    step["tile_c"] = c
                    _each_order(step, operands, machine, space, objective, kept)
    return kept


@compiled
def _each_order(
    step: np.void, operands: np.ndarray, machine: Machine, space: Space, objective: Objective,
    kept: np.ndarray,
) -> None:  # fmt: skip
    grid = grid_of(step)
    part = largest_part(step, grid)
    tiles = grid.b * grid.g * grid.k * grid.c * grid.y * grid.x
    for order in space.orders:
        step["order"] = order
        if set_buffers(step, operands, space.buffers) > space.bytes:
            continue
        traffic = traffic_of(step, operands, machine, grid, part)
        bus_bytes = traffic.load_bytes + traffic.store_bytes
        for dataflow in space.dataflows:
            step["dataflow"] = dataflow
            if not sums_fit(step, machine):
                continue
            for split in space.splits:
                step["split"] = split
                work = busy_cycles(step, operands, machine)
                cycles = overlapped_cycles(step, machine, traffic, work)
                _insert(step, objective_value(objective, cycles, bus_bytes, tiles), kept)


@compiled
def _insert(step: np.void, cost: float, kept: np.ndarray) -> None:
    """Put the tiling of `step` in its place among `kept`, which drops its last one."""
    last = kept.shape[0] - 1
    if cost >= kept[last, 0]:
        return
    place = last
    while place > 0 and kept[place - 1, 0] > cost:
        for n in range(kept.shape[1]):
            kept[place, n] = kept[place - 1, n]
        place -= 1
    kept[place, 0] = cost
    kept[place, 1] = step["tile_b"]
    kept[place, 2] = step["tile_oy"]
    kept[place, 3] = step["tile_ox"]
    kept[place, 4] = step["tile_g"]
    kept[place, 5] = step["tile_k"]
    kept[place, 6] = step["tile_c"]
    kept[place, 7] = step["order"]
    kept[place, 8] = step["dataflow"]
    kept[place, 9] = step["split"]
