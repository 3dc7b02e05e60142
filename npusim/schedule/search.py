"""The tile search of one step: every legal tiling is estimated, the best one wins.

Legal tilings: tiles are runs of pixels (part of a row, rows, or images), any of the candidate
sizes in G, K and C, either loop order, each dataflow and core split of the hardware. A tiling must
fit its buffers into the space that the step has, and its partial sums into the accumulators.

`estimate.py` says what a tiling costs; the engine times the winner exactly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.cost.machine import Machine
from npusim.jit import compiled
from npusim.schedule.estimate import (
    Grid,
    Objective,
    Traffic,
    buffer_bytes,
    busy_cycles,
    grid_of,
    largest_part,
    least_cycles,
    objective_value,
    one_of_each,
    overlapped_cycles,
    set_buffers,
    sums_fit,
    traffic_of,
)
from npusim.schedule.tiles import Part, ceil_div


class Space(NamedTuple):
    """Candidates of one step: `spatial` int64 [n, 3] holds (b, oy, ox) tiles."""

    spatial: np.ndarray
    g: np.ndarray
    k: np.ndarray
    c: np.ndarray
    dataflows: np.ndarray
    orders: np.ndarray
    splits: np.ndarray
    buffers: int
    bytes: int


class Found(NamedTuple):
    """Result of a search: the cost of the winning tiling, and how many were compared."""

    cost: float
    candidates: int


@compiled
def best_tiling(
    step: np.void, operands: np.ndarray, machine: Machine, space: Space, objective: Objective
) -> Found:
    """Write the best tiling into `step`; cost is infinite if none is legal."""
    best = np.inf
    seen = 0
    kept = np.zeros(9, np.int64)
    grids = _spatial_grids(step, space)
    works = np.zeros((space.dataflows.size, space.splits.size))
    for g in space.g:
        step["tile_g"] = g
        for k in space.k:
            step["tile_k"] = k
            for c in space.c:
                step["tile_c"] = c
                least_work = _least_work(step, operands, machine, space, works)
                floor = least_cycles(step, operands, machine, least_work)
                if objective_value(objective, floor, 0.0, 1) >= best:
                    continue
                for s in range(grids.shape[0]):
                    grid = _place(step, grids[s])
                    part = largest_part(step, grid)
                    if one_of_each(step, operands, part) > space.bytes:
                        continue
                    best, tried = _one_tile(
                        step, operands, machine, space, objective, grid, part, least_work, works,
                        best, kept,
                    )  # fmt: skip
                    seen += tried
    if best < np.inf:
        _restore(step, kept)
        set_buffers(step, operands, space.buffers)
    return Found(best, seen)


@compiled
def _spatial_grids(step: np.void, space: Space) -> np.ndarray:
    """Per spatial tile: its sizes, then tiles per loop and windows as in `Grid`; [n, 10]."""
    grids = np.zeros((space.spatial.shape[0], 10), np.int64)
    for s in range(space.spatial.shape[0]):
        step["tile_b"] = space.spatial[s, 0]
        step["tile_oy"] = space.spatial[s, 1]
        step["tile_ox"] = space.spatial[s, 2]
        grid = grid_of(step)
        grids[s, :3] = space.spatial[s]
        grids[s, 3] = grid.b
        grids[s, 4] = grid.y
        grids[s, 5] = grid.x
        grids[s, 6] = grid.all_rows
        grids[s, 7] = grid.all_cols
        grids[s, 8] = grid.most_rows
        grids[s, 9] = grid.most_cols
    return grids


@compiled
def _place(step: np.void, row: np.ndarray) -> Grid:
    """Set the spatial tile of `row` in `step`; the grid of that tile with its g, k and c."""
    step["tile_b"] = row[0]
    step["tile_oy"] = row[1]
    step["tile_ox"] = row[2]
    return Grid(
        row[3],
        ceil_div(step["g"], step["tile_g"]),
        ceil_div(step["k"], step["tile_k"]),
        ceil_div(step["c"], step["tile_c"]),
        row[4], row[5], row[6], row[7], row[8], row[9],
    )  # fmt: skip


@compiled
def _least_work(
    step: np.void, operands: np.ndarray, machine: Machine, space: Space, works: np.ndarray
) -> float:
    """Array cycles with all pixels in one tile, by dataflow and split (`works`), and their least.

    Cutting pixels never saves array cycles, so these bound every spatial tiling from below.
    """
    step["tile_b"] = step["b"]
    step["tile_oy"] = step["oy"]
    step["tile_ox"] = step["ox"]
    least = np.inf
    for d in range(space.dataflows.size):
        step["dataflow"] = space.dataflows[d]
        for p in range(space.splits.size):
            step["split"] = space.splits[p]
            works[d, p] = busy_cycles(step, operands, machine)
            least = min(least, works[d, p])
    return least


@compiled
def _one_tile(
    step: np.void, operands: np.ndarray, machine: Machine, space: Space, objective: Objective,
    grid: Grid, part: Part, least_work: float, works: np.ndarray, best: float, kept: np.ndarray,
) -> tuple[float, int]:  # fmt: skip
    """Try the orders, dataflows and splits of one tile; what its bounds rule out is not costed."""
    tried = 0
    tiles = grid.b * grid.g * grid.k * grid.c * grid.y * grid.x
    for order in space.orders:
        step["order"] = order
        if buffer_bytes(step, operands, space.buffers, grid, part) > space.bytes:
            continue
        traffic = traffic_of(step, operands, machine, grid, part)
        tried += space.dataflows.size * space.splits.size
        if _value(step, machine, objective, traffic, tiles, least_work) >= best:
            continue
        for d in range(space.dataflows.size):
            step["dataflow"] = space.dataflows[d]
            if not sums_fit(step, machine):
                continue
            for p in range(space.splits.size):
                step["split"] = space.splits[p]
                if _value(step, machine, objective, traffic, tiles, works[d, p]) >= best:
                    continue
                work = busy_cycles(step, operands, machine)
                cost = _value(step, machine, objective, traffic, tiles, work)
                if cost < best:
                    best = cost
                    _keep(step, kept)
    return best, tried


@compiled
def _value(
    step: np.void, machine: Machine, objective: Objective, traffic: Traffic, tiles: int,
    work: float,
) -> float:  # fmt: skip
    cycles = overlapped_cycles(step, machine, traffic, work)
    return objective_value(objective, cycles, traffic.load_bytes + traffic.store_bytes, tiles)


@compiled
def _keep(step: np.void, kept: np.ndarray) -> None:
    kept[0] = step["tile_b"]
    kept[1] = step["tile_g"]
    kept[2] = step["tile_k"]
    kept[3] = step["tile_c"]
    kept[4] = step["tile_oy"]
    kept[5] = step["tile_ox"]
    kept[6] = step["order"]
    kept[7] = step["dataflow"]
    kept[8] = step["split"]


@compiled
def _restore(step: np.void, kept: np.ndarray) -> None:
    step["tile_b"] = kept[0]
    step["tile_g"] = kept[1]
    step["tile_k"] = kept[2]
    step["tile_c"] = kept[3]
    step["tile_oy"] = kept[4]
    step["tile_ox"] = kept[5]
    step["order"] = kept[6]
    step["dataflow"] = kept[7]
    step["split"] = kept[8]
