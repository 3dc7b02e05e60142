"""The tile search of one step: no legal tiling beats the one that it finds.

Legal tilings: tiles are runs of pixels (part of a row, rows, or images), any of the candidate
sizes in G, K and C, either loop order, each dataflow and core split of the hardware. A tiling must
fit its buffers into the space that the step has, and its partial sums into the accumulators. Of
tilings that cost the same the first wins: in the order of sizes in G, K and C, then of spatial
tiles, loop orders, dataflows and splits.

`estimate.py` says what a tiling costs, `bounds.py` what it costs at least: the sizes of G, K and C
are taken in the order of their bounds, and what cannot beat the best tiling so far is not costed.
The engine times the winner exactly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.cost.array import IN_MEMORY
from npusim.cost.machine import Machine
from npusim.jit import allocating, compiled
from npusim.schedule.bounds import Busy, Rates, fill_bounds, least_value, rates_of, worth
from npusim.schedule.buffers import buffer_bytes, set_buffers, sizes_of, sums_fit
from npusim.schedule.candidates import (
    Candidate,
    Space,
    candidate_at,
    number_of,
    set_block,
    set_tiling,
)
from npusim.schedule.estimate import Objective, busy_cycles, cycles_of, objective_value
from npusim.schedule.extents import set_channels
from npusim.schedule.grid import Grid, Loops, largest_part, loops_of
from npusim.schedule.known import (
    MEMO,
    Known,
    fill_values,
    first_place,
    floors_of,
    known_of,
    learn,
    least_work,
)
from npusim.schedule.tiles import ceil_div
from npusim.schedule.traffic import Traffic, traffic_of


class Found(NamedTuple):
    """Result of a search: the cost of the winning tiling, how many were costed, and the number of
    the winner among the candidates (-1: none is legal)."""

    cost: float
    candidates: int
    number: int


class Scratch(NamedTuple):
    """What a search overwrites: `values` float64 [g * k * c sizes], `bounds` float64 [spatial,
    orders, 4] and `own` float64 [operands, 2]."""

    values: np.ndarray
    bounds: np.ndarray
    own: np.ndarray


@allocating
def scratch_of(space: Space, known: Known) -> Scratch:
    """Room for a search."""
    return Scratch(
        np.empty(known.least.size), np.empty((space.spatial.shape[0], space.orders.size, 4)),
        np.empty((known.extents.places.shape[0], 2)),
    )  # fmt: skip


@allocating
def best_tiling(
    step: np.void, operands: np.ndarray, machine: Machine, space: Space, objective: Objective
) -> Found:
    """Write the best tiling into `step`; cost is infinite if none is legal."""
    known = known_of(step, operands, space)
    learn(step, operands, known)
    nothing = np.zeros(0, np.int64)
    room = scratch_of(space, known)
    return search_tiling(step, operands, machine, space, objective, known, nothing, room)


@compiled
def search_tiling(
    step: np.void, operands: np.ndarray, machine: Machine, space: Space, objective: Objective,
    known: Known, guesses: np.ndarray, scratch: Scratch,
) -> Found:  # fmt: skip
    """`best_tiling`, with what is known of the step; `guesses` int64 [n] are the numbers of
    tilings that may be good."""
    best, number, seen = np.inf, -1, 0
    values, bounds, own = scratch
    for guess in guesses:
        one = candidate_at(space, guess)
        set_tiling(step, space, one)
        cost = _cost(step, operands, machine, space, objective, known, one)
        seen += 1
        if cost < best or (cost == best and guess < number):
            best, number = cost, guess
    loops, rates = loops_of(step, operands), rates_of(step, machine, space.buffers)
    floors = known.floors[floors_of(step, operands, machine, space.bytes, known, own)]
    fill_values(step, floors, objective, space, known, values)
    narrow = space.dataflows.size < known.works.shape[1]
    while True:
        n = least_place(values)
        if values[n] > best or values[n] == np.inf:
            break
        set_block(step, space, n)
        new = known.least[n] < 0.0
        work = least_work(step, operands, machine, known, n, narrow)
        if new:
            values[n] = least_value(
                floors, n, known.order, space.orders.size, step["prefetch"], work, objective
            )
            continue
        values[n] = np.inf
        first = int(floors[n, 0, 4])
        at_s, at_o = _bound_block(
            step, operands, machine, space, objective, known, loops, rates, n, work, first, own,
            bounds,
        )  # fmt: skip
        if bounds[at_s, at_o, 0] <= best:
            best, number, tried = _one_block(
                step, operands, machine, space, objective, known, loops, n, first, at_s, at_o,
                bounds, best, number,
            )  # fmt: skip
            seen += tried
    if number >= 0:
        set_tiling(step, space, candidate_at(space, number))
        set_buffers(step, operands, space.buffers)
    return Found(best, seen, number)


@compiled
def least_place(values: np.ndarray) -> int:
    """Where the least of `values` is."""
    place = 0
    for n in range(1, values.size):
        if values[n] < values[place]:
            place = n
    return place


@compiled
def _bound_block(
    step: np.void, operands: np.ndarray, machine: Machine, space: Space, objective: Objective,
    known: Known, loops: Loops, rates: Rates, n: int, work: float, first: int, own: np.ndarray,
    bounds: np.ndarray,
) -> tuple[int, int]:  # fmt: skip
    """Fill `bounds` of the sizes in G, K and C that `step` has; where the least of them is."""
    c, k = n % space.c.size, n // space.c.size % space.k.size
    extents = known.extents
    set_channels(extents.channels, extents.places, n // (space.c.size * space.k.size), k, c, own)
    splits = known.works.shape[2]
    busy = Busy(
        known.keys, known.cycles, first_place(known, n, 0), known.works.shape[1] * splits,
        space.dataflows.size * splits,
    )  # fmt: skip
    return fill_bounds(
        step, operands, machine, rates, loops, space.bytes, space.dataflows, space.orders, own,
        extents.pixels, extents.grids, objective, work, busy, first, bounds,
    )  # fmt: skip


@compiled
def _one_block(
    step: np.void, operands: np.ndarray, machine: Machine, space: Space, objective: Objective,
    known: Known, loops: Loops, n: int, first: int, first_s: int, first_o: int, bounds: np.ndarray,
    best: float, number: int,
) -> tuple[float, int, int]:  # fmt: skip
    """Cost the spatial tiles and loop orders that may be better, the most promising one first."""
    grids, orders, seen = known.extents.grids, space.orders, 0
    for s in range(first - 1, grids.shape[0]):
        for o in range(orders.size if s >= first else 1):
            at_s, at_o = (s, o) if s >= first else (first_s, first_o)
            bound = bounds[at_s, at_o, 0]
            if bound <= best and bound < np.inf:
                step["order"] = orders[at_o]
                grid = _place(step, grids, at_s)
                best, number = _one_tile(
                    step, operands, machine, space, objective, known, loops, grid, n, at_s, at_o,
                    bounds, best, number,
                )  # fmt: skip
                seen += 1
                bounds[at_s, at_o, 0] = np.inf
    return best, number, seen


@compiled
def _one_tile(
    step: np.void, operands: np.ndarray, machine: Machine, space: Space, objective: Objective,
    known: Known, loops: Loops, grid: Grid, n: int, s: int, o: int, bounds: np.ndarray, best: float,
    number: int,
) -> tuple[float, int]:  # fmt: skip
    """Try the dataflows and splits of one tile; what its bounds rule out is not costed."""
    tiles = grid.b * grid.g * grid.k * grid.c * grid.y * grid.x
    dataflows, splits, works = space.dataflows, space.splits, known.works
    place = first_place(known, n, s)
    fits = False
    for d in range(dataflows.size):
        step["dataflow"] = dataflows[d]
        if not sums_fit(step, machine):
            continue
        for p in range(splits.size):
            step["split"] = splits[p]
            if worth(bounds, s, o, objective, works[n, known.dataflow + d, p], tiles) > best:
                continue
            work = _work(
                step, operands, machine, known.keys, known.cycles, place + d * splits.size + p
            )
            if worth(bounds, s, o, objective, work, tiles) > best:
                continue
            if not fits:
                part = largest_part(step, grid)
                sizes = sizes_of(step, operands, part)
                if buffer_bytes(step, space.buffers, loops, grid, sizes) > space.bytes:
                    return best, number
                traffic = traffic_of(step, operands, machine, grid, part)
                fits = True
            cost = _value(step, machine, objective, traffic, tiles, work)
            own = number_of(space, Candidate(n, s, o, d, p))
            if cost < best or (cost == best and own < number):
                best, number = cost, own
    return best, number


@compiled
def _cost(
    step: np.void, operands: np.ndarray, machine: Machine, space: Space, objective: Objective,
    known: Known, one: Candidate,
) -> float:  # fmt: skip
    """Estimated cost of the tiling in `step`; infinite if it is not legal."""
    grid = _place(step, known.extents.grids, one.spatial)
    if set_buffers(step, operands, space.buffers) > space.bytes or not sums_fit(step, machine):
        return np.inf
    traffic = traffic_of(step, operands, machine, grid, largest_part(step, grid))
    tiles = grid.b * grid.g * grid.k * grid.c * grid.y * grid.x
    key = first_place(known, one.block, one.spatial)
    key += one.dataflow * space.splits.size + one.split
    work = _work(step, operands, machine, known.keys, known.cycles, key)
    return _value(step, machine, objective, traffic, tiles, work)


@compiled
def _work(
    step: np.void, operands: np.ndarray, machine: Machine, keys: np.ndarray, cycles: np.ndarray,
    key: int,
) -> float:  # fmt: skip
    """`busy_cycles` of the tiling in `step`, remembered where no loop order changes them."""
    if step["dataflow"] == IN_MEMORY:
        return busy_cycles(step, operands, machine)
    place = key % MEMO
    if keys[place] != key:
        cycles[place] = busy_cycles(step, operands, machine)
        keys[place] = key
    return float(cycles[place])


@compiled
def fewest_tiles(
    step: np.void, operands: np.ndarray, machine: Machine, space: Space, known: Known,
    own: np.ndarray,
) -> bool:  # fmt: skip
    """Write the first legal tiling with the fewest tiles into `step`; False if none is legal.

    `own` float64 [operands, 2] is overwritten.
    """
    least, number = np.inf, -1
    floors = known.floors[floors_of(step, operands, machine, space.bytes, known, own)]
    for n in range(floors.shape[0]):
        if floors[n, 0, 3] >= least:
            continue
        set_block(step, space, n)
        for s in range(int(floors[n, 0, 4]), space.spatial.shape[0]):
            grid = _place(step, known.extents.grids, s)
            tiles = grid.b * grid.g * grid.k * grid.c * grid.y * grid.x
            for o in range(space.orders.size if tiles < least else 0):
                step["order"] = space.orders[o]
                if set_buffers(step, operands, space.buffers) > space.bytes:
                    continue
                d = _first_legal(step, machine, space)
                if d >= 0 and tiles < least:
                    least, number = tiles, number_of(space, Candidate(n, s, o, d, 0))
    if number >= 0:
        set_tiling(step, space, candidate_at(space, number))
    return number >= 0


@compiled
def _first_legal(step: np.void, machine: Machine, space: Space) -> int:
    """The first dataflow with which the tile in `step` fits the accumulators; -1: none."""
    for d in range(space.dataflows.size):
        step["dataflow"] = space.dataflows[d]
        if sums_fit(step, machine):
            return d
    return -1


@compiled
def _place(step: np.void, grids: np.ndarray, s: int) -> Grid:
    """Set the `s`-th spatial tile in `step`; the grid of that tile with its g, k and c."""
    step["tile_b"] = grids[s, 0]
    step["tile_oy"] = grids[s, 1]
    step["tile_ox"] = grids[s, 2]
    return Grid(
        grids[s, 3],
        ceil_div(step["g"], step["tile_g"]),
        ceil_div(step["k"], step["tile_k"]),
        ceil_div(step["c"], step["tile_c"]),
        grids[s, 4], grids[s, 5], grids[s, 6], grids[s, 7], grids[s, 8], grids[s, 9],
    )  # fmt: skip


@compiled
def _value(
    step: np.void, machine: Machine, objective: Objective, traffic: Traffic, tiles: int,
    work: float,
) -> float:  # fmt: skip
    cycles = cycles_of(step, machine, traffic, work, tiles)
    return objective_value(objective, cycles, traffic.load_bytes + traffic.store_bytes, tiles)
