"""The tile search of one step: no legal tiling beats the one that it finds.

Legal tilings: tiles are runs of pixels (part of a row, rows, or images), any of the candidate
sizes in G, K and C, either loop order, each dataflow and core split of the hardware. A tiling must
fit its buffers into the space that the step has, and its partial sums into the accumulators.

`estimate.py` says what a tiling costs, `bounds.py` what it costs at least: the sizes of G, K and C
are taken in the order of their bounds, and what cannot beat the best tiling so far is not costed.
The engine times the winner exactly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.cost.array import ROW_STATIONARY
from npusim.cost.machine import Machine
from npusim.jit import allocating, compiled
from npusim.schedule.bounds import edges_of, floor_of, least_sizes, least_traffic
from npusim.schedule.buffers import Sizes, buffer_bytes, held_bytes, set_buffers, sizes_of, sums_fit
from npusim.schedule.estimate import Objective, busy_cycles, cycles_of, objective_value
from npusim.schedule.grid import Grid, Loops, grid_of, largest_part, loops_of
from npusim.schedule.tiles import Part, ceil_div, tile_count
from npusim.schedule.traffic import Traffic, traffic_of


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
    """Result of a search: the cost of the winning tiling, and how many were costed."""

    cost: float
    candidates: int


class Known(NamedTuple):
    """What does not depend on where operands come from, so that searches of a step can share it.

    `works` float64 [g * k * c sizes, dataflows, splits] are array cycles with all pixels in one
    tile (negative: not known yet), `grids` int64 [spatial, 10] is what `spatial_grids` gives.
    """

    works: np.ndarray
    grids: np.ndarray


@allocating
def best_tiling(
    step: np.void, operands: np.ndarray, machine: Machine, space: Space, objective: Objective
) -> Found:
    """Write the best tiling into `step`; cost is infinite if none is legal."""
    blocks = space.g.size * space.k.size * space.c.size
    works = np.full((blocks, space.dataflows.size, space.splits.size), -1.0)
    known = Known(works, spatial_grids(step, space))
    nothing = np.zeros((0, 9), np.int64)
    return search_tiling(step, operands, machine, space, objective, known, nothing)


@allocating
def fewest_tiles(
    step: np.void, operands: np.ndarray, machine: Machine, space: Space
) -> bool:  # fmt: skip
    """Write the first legal tiling with the fewest tiles into `step`; False if none is legal."""
    kept = np.zeros(9, np.int64)
    least = 1 << 62
    for n in range(space.g.size * space.k.size * space.c.size):
        _set_block(step, space, n)
        for s in range(space.spatial.shape[0]):
            step["tile_b"] = space.spatial[s, 0]
            step["tile_oy"] = space.spatial[s, 1]
            step["tile_ox"] = space.spatial[s, 2]
            tiles = tile_count(step)
            if tiles < least and _first_legal(step, operands, machine, space):
                least = tiles
                keep(step, kept)
    if kept[0] > 0:
        restore(step, kept)
    return bool(kept[0] > 0)


@compiled
def _first_legal(step: np.void, operands: np.ndarray, machine: Machine, space: Space) -> bool:
    """Set the first loop order and dataflow with which the tile in `step` is legal, if any."""
    step["split"] = space.splits[0]
    for order in space.orders:
        step["order"] = order
        if set_buffers(step, operands, space.buffers) <= space.bytes:
            for dataflow in space.dataflows:
                step["dataflow"] = dataflow
                if sums_fit(step, machine):
                    return True
    return False


@allocating
def search_tiling(
    step: np.void, operands: np.ndarray, machine: Machine, space: Space, objective: Objective,
    known: Known, guesses: np.ndarray,
) -> Found:  # fmt: skip
    """`best_tiling`, with what is known of the step.

    `guesses` int64 [n, 9] are tilings that may be good, in the order of `keep`.
    """
    kept = np.zeros(9, np.int64)
    best = np.inf
    for n in range(guesses.shape[0]):
        restore(step, guesses[n])
        cost = _cost(step, operands, machine, space, objective)
        if cost < best:
            best = cost
            keep(step, kept)
    seen = guesses.shape[0]
    loops, least = loops_of(step, operands), least_sizes(step, operands)
    floors = _floors(step, operands, machine, space, objective, known, loops, least)
    while True:
        n = int(floors.argmin())
        if floors[n] >= best:
            break
        floors[n] = np.inf
        _set_block(step, space, n)
        best, tried = _one_block(
            step, operands, machine, space, objective, loops, least, known.grids, known.works[n],
            best, kept,
        )  # fmt: skip
        seen += tried
    if best < np.inf:
        restore(step, kept)
        set_buffers(step, operands, space.buffers)
    return Found(best, seen)


@compiled
def _set_block(step: np.void, space: Space, n: int) -> None:
    """Set the `n`-th combination of sizes in G, K and C."""
    step["tile_c"] = space.c[n % space.c.size]
    n //= space.c.size
    step["tile_k"] = space.k[n % space.k.size]
    step["tile_g"] = space.g[n // space.k.size]


@allocating
def _floors(
    step: np.void, operands: np.ndarray, machine: Machine, space: Space, objective: Objective,
    known: Known, loops: Loops, least: Sizes,
) -> np.ndarray:  # fmt: skip
    """For each combination of sizes in G, K and C what no tiling with these sizes can beat."""
    works = known.works
    floors = np.empty(works.shape[0])
    smallest = np.array([known.grids[:, n].min() for n in range(10)])
    for n in range(floors.size):
        _set_block(step, space, n)
        if works[n, 0, 0] < 0:
            _fill_works(step, operands, machine, space, works[n])
        part = largest_part(step, _place(step, smallest))
        sizes = sizes_of(step, operands, part)
        grid = Grid(
            1, ceil_div(step["g"], step["tile_g"]), ceil_div(step["k"], step["tile_k"]),
            ceil_div(step["c"], step["tile_c"]), 1, 1, 0, 0, 0, 0,
        )  # fmt: skip
        floors[n] = np.inf
        if held_bytes(step, sizes.weights, sizes.inputs, sizes.outputs) > space.bytes:
            continue
        least_work = works[n].min()
        for order in space.orders:
            step["order"] = order
            floor = floor_of(step, machine, loops, least, grid, sizes, least_work)
            tiles = grid.g * grid.k * grid.c
            value = objective_value(objective, floor.cycles, floor.bus_bytes, tiles)
            floors[n] = min(floors[n], value)
    return floors


@compiled
def _fill_works(
    step: np.void, operands: np.ndarray, machine: Machine, space: Space, works: np.ndarray
) -> None:
    """Array cycles with all pixels in one tile, by dataflow and split.

    Cutting pixels never saves array cycles, so these bound every spatial tiling from below; only
    a row-stationary array may take the strips of a cut better, and is bounded by its peak.
    """
    step["tile_b"] = step["b"]
    step["tile_oy"] = step["oy"]
    step["tile_ox"] = step["ox"]
    for d in range(space.dataflows.size):
        step["dataflow"] = space.dataflows[d]
        for p in range(space.splits.size):
            step["split"] = space.splits[p]
            if step["dataflow"] == ROW_STATIONARY:
                macs = step["b"] * step["g"] * step["k"] * step["c"] * step["oy"] * step["ox"]
                peak = machine.mac_units * step["mac_rate"]
                works[d, p] = macs * step["fy"] * step["fx"] / peak
            else:
                works[d, p] = busy_cycles(step, operands, machine)


@compiled
def _cost(
    step: np.void, operands: np.ndarray, machine: Machine, space: Space, objective: Objective
) -> float:
    """Estimated cost of the tiling in `step`; infinite if it is not legal."""
    grid = grid_of(step)
    part = largest_part(step, grid)
    if set_buffers(step, operands, space.buffers) > space.bytes or not sums_fit(step, machine):
        return np.inf
    traffic = traffic_of(step, operands, machine, grid, part)
    tiles = grid.b * grid.g * grid.k * grid.c * grid.y * grid.x
    work = busy_cycles(step, operands, machine)
    return _value(step, machine, objective, traffic, tiles, work)


@compiled
def _one_block(
    step: np.void, operands: np.ndarray, machine: Machine, space: Space, objective: Objective,
    loops: Loops, least: Sizes, grids: np.ndarray, works: np.ndarray, best: float, kept: np.ndarray,
) -> tuple[float, int]:  # fmt: skip
    """Try all spatial tiles and loop orders with the sizes in G, K and C that `step` has."""
    seen = 0
    least_work = works.min()
    least_bytes = float(least.weights + least.inputs + least.outputs)
    for s in range(grids.shape[0]):
        grid = _place(step, grids[s])
        part = largest_part(step, grid)
        sizes = sizes_of(step, operands, part)
        if held_bytes(step, sizes.weights, sizes.inputs, sizes.outputs) > space.bytes:
            continue
        tiles = grid.b * grid.g * grid.k * grid.c * grid.y * grid.x
        start, end = edges_of(step, machine, sizes)
        floor = step["dispatch_cycles"] + start + least_work + end
        if objective_value(objective, floor, least_bytes, tiles) >= best:
            continue
        for order in space.orders:
            step["order"] = order
            if buffer_bytes(step, space.buffers, loops, grid, sizes) > space.bytes:
                continue
            traffic = least_traffic(step, loops, least, grid, sizes)
            if _value(step, machine, objective, traffic, tiles, least_work) >= best:
                continue
            best, tried = _one_tile(
                step, operands, machine, space, objective, grid, part, works, best, kept
            )
            seen += tried
    return best, seen


@allocating
def spatial_grids(step: np.void, space: Space) -> np.ndarray:
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
def _one_tile(
    step: np.void, operands: np.ndarray, machine: Machine, space: Space, objective: Objective,
    grid: Grid, part: Part, works: np.ndarray, best: float, kept: np.ndarray,
) -> tuple[float, int]:  # fmt: skip
    """Try the dataflows and splits of one tile; what its bounds rule out is not costed."""
    traffic = traffic_of(step, operands, machine, grid, part)
    tiles = grid.b * grid.g * grid.k * grid.c * grid.y * grid.x
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
                keep(step, kept)
    return best, space.dataflows.size * space.splits.size


@compiled
def _value(
    step: np.void, machine: Machine, objective: Objective, traffic: Traffic, tiles: int,
    work: float,
) -> float:  # fmt: skip
    cycles = cycles_of(step, machine, traffic, work, tiles)
    return objective_value(objective, cycles, traffic.load_bytes + traffic.store_bytes, tiles)


@compiled
def keep(step: np.void, kept: np.ndarray) -> None:
    """Write the tiling of `step` into `kept` int64 [9]: tile sizes, order, dataflow, split."""
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
def restore(step: np.void, kept: np.ndarray) -> None:
    """Set the tiling of `step` to what `keep` wrote."""
    step["tile_b"] = kept[0]
    step["tile_g"] = kept[1]
    step["tile_k"] = kept[2]
    step["tile_c"] = kept[3]
    step["tile_oy"] = kept[4]
    step["tile_ox"] = kept[5]
    step["order"] = kept[6]
    step["dataflow"] = kept[7]
    step["split"] = kept[8]
