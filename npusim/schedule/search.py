"""The tile search of one step: no legal tiling beats the one that it finds.

Legal tilings: tiles are runs of pixels (part of a row, rows, or images), any of the candidate
sizes in G, K and C, either loop order, each dataflow and core split of the hardware. A tiling must
fit its buffers into the space that the step has, and its partial sums into the accumulators. Of
tilings that cost the same the first wins: in the order of sizes in G, K and C, then of spatial
tiles, loop orders, dataflows and splits.

`estimate.py` says what a tiling costs, `bounds.py` what it costs at least: the sizes of G, K and C
are taken in the order of their bounds, and so are the tilings of each; what cannot beat the best
tiling so far is not costed. The engine times the winner exactly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.cost.machine import Machine
from npusim.jit import allocating, compiled, inlined
from npusim.schedule.bounds import (
    COLUMNS,
    WORK,
    Rates,
    fill_least,
    fill_least_order,
    fill_order,
    fill_spatial,
    fill_values,
    rates_of,
)
from npusim.schedule.buffers import buffer_bytes, set_buffers, sizes_of, sums_fit
from npusim.schedule.candidates import (
    Candidate,
    Narrow,
    Space,
    candidate_at,
    number_of,
    set_block,
    set_tiling,
)
from npusim.schedule.estimate import Objective, cycles_of, objective_value
from npusim.schedule.extents import (
    BLOCK_ROWS,
    CHANNEL_TURNS,
    GRID_COLUMNS,
    PIXEL_ROWS,
    REDUCTION_TURNS,
    TILES,
    TURN_ROWS,
    ExtentTables,
    fill_extents,
)
from npusim.schedule.grid import Grid, Loops, largest_part, loops_of
from npusim.schedule.known import (
    LARGEST,
    NOT_ASKED,
    ROOMS,
    Known,
    busy_at,
    learn_block,
    peak_work,
    place_of_room,
)
from npusim.schedule.tiles import ceil_div
from npusim.schedule.traffic import Traffic, traffic_of


class Found(NamedTuple):
    """Result of a search: the cost of the winning tiling, and its number among the candidates
    (-1: none is legal)."""

    cost: float
    number: int


class Scratch(NamedTuple):
    """What a search overwrites: `columns` float64 [COLUMNS, most blocks or spatial tiles],
    `values` float64 [blocks], `own` float64 [blocks], `bounds` float64 [choices * orders *
    spatial]."""

    columns: np.ndarray
    values: np.ndarray
    own: np.ndarray
    bounds: np.ndarray


@allocating
def best_tiling(
    step: np.void, operands: np.ndarray, machine: Machine, space: Space, objective: Objective
) -> Found:
    """Write the best tiling into `step`; cost is infinite if none is legal."""
    blocks, spatial = space.g.size * space.k.size * space.c.size, space.spatial.shape[0]
    choices = space.dataflows.size * space.splits.size
    rows = step["operand_stop"] - step["operand_start"]
    extents = ExtentTables(
        np.empty((2, rows, blocks)), np.empty((PIXEL_ROWS, rows, spatial)),
        np.empty((BLOCK_ROWS, blocks)), np.empty((TURN_ROWS, spatial)),
        np.empty((spatial, GRID_COLUMNS), np.int64),
    )  # fmt: skip
    known = Known(
        space, extents, np.full((choices, blocks), -1.0), np.empty((choices, blocks, spatial)),
        np.full((ROOMS, 4), -1), np.empty((ROOMS, blocks), np.int16),
    )  # fmt: skip
    scratch = Scratch(
        np.empty((COLUMNS, max(blocks, spatial))), np.empty(blocks), np.empty(blocks),
        np.empty(choices * space.orders.size * spatial),
    )  # fmt: skip
    fill_extents(step, operands, space, extents)
    everything = Narrow(0, space.dataflows.size, 0, space.orders.size)
    return search_tiling(
        step, operands, machine, known, everything, space.bytes, objective, np.zeros(0, np.int64),
        scratch,
    )  # fmt: skip


@compiled
def search_tiling(
    step: np.void, operands: np.ndarray, machine: Machine, known: Known, narrow: Narrow, room: int,
    objective: Objective, guesses: np.ndarray, scratch: Scratch,
) -> Found:  # fmt: skip
    """`best_tiling` in `room` bytes among some dataflows and orders, with what is known of the
    step; `guesses` int64 [n] are the numbers of tilings that may be good."""
    best, number = np.inf, -1
    space = known.space
    columns, values, _, bounds = scratch
    at = place_of_room(step, operands, machine, room, known)
    first = known.first[at]
    for guess in guesses:
        cost = _cost_of_guess(step, operands, machine, known, narrow, room, objective, guess)
        if cost < best or (cost == best and guess < number):
            best, number = cost, guess
    rates, loops = rates_of(step, machine, space.buffers), loops_of(step, operands)
    _bound_blocks(step, operands, machine, known, narrow, rates, loops, objective, first, scratch)
    spatial = known.extents.turns.shape[1]
    while True:
        n = least_place(values)
        if values[n] > best or values[n] == np.inf:
            break
        values[n] = np.inf
        set_block(step, space, n)
        if known.works[0, n] < 0.0:
            learn_block(step, operands, machine, known, n)
        _bound_tilings(
            step, operands, known, narrow, rates, loops, objective, room, n, columns, bounds
        )
        while True:
            place = least_place(bounds)
            if bounds[place] > best or bounds[place] == np.inf:
                break
            s, order = place % spatial, place // spatial % space.orders.size
            best, number = _one_tile(
                step, operands, machine, known, loops, room, objective, n, s, order, bounds, best,
                number,
            )  # fmt: skip
    if number >= 0:
        set_tiling(step, space, candidate_at(space, number))
    return Found(best, number)


@compiled
def least_place(values: np.ndarray) -> int:
    """Where the least of `values` is."""
    place = 0
    for n in range(1, values.size):
        if values[n] < values[place]:
            place = n
    return place


@inlined
def _bound_blocks(
    step: np.void, operands: np.ndarray, machine: Machine, known: Known, narrow: Narrow,
    rates: Rates, loops: Loops, objective: Objective, first: np.ndarray, scratch: Scratch,
) -> None:  # fmt: skip
    """Fill `scratch.values` with what all sizes in G, K and C cost at least."""
    columns, values, own, _ = scratch
    extents, orders = known.extents, known.space.orders
    size, splits, peak = values.size, known.space.splits.size, peak_work(step, machine)
    fill_least(step, operands, extents, first, rates, columns)
    work = columns[WORK]
    for n in range(size):
        work[n] = np.inf
        values[n] = np.inf
    for choice in range(narrow.dataflow * splits, narrow.dataflow_stop * splits):
        works = known.works[choice]
        for n in range(size):
            work[n] = min(work[n], works[n] if works[n] >= 0.0 else peak)
    for order in range(narrow.order, narrow.order_stop):
        fill_least_order(loops, extents, first, orders[order], columns)
        fill_values(columns, work[:size], rates, objective, own)
        for n in range(size):
            values[n] = min(values[n], own[n])


@inlined
def _bound_tilings(
    step: np.void, operands: np.ndarray, known: Known, narrow: Narrow, rates: Rates, loops: Loops,
    objective: Objective, room: int, n: int, columns: np.ndarray, bounds: np.ndarray,
) -> None:  # fmt: skip
    """Fill `bounds` with what all tilings with the sizes in G, K and C of `step` cost at least."""
    extents, space = known.extents, known.space
    size, orders, splits = extents.turns.shape[1], space.orders.size, space.splits.size
    for place in range(bounds.size):
        bounds[place] = np.inf
    fill_spatial(step, operands, extents, n, rates, columns)
    for order in range(narrow.order, narrow.order_stop):
        fill_order(step, loops, extents, n, space.orders[order], rates, room, columns)
        for choice in range(narrow.dataflow * splits, narrow.dataflow_stop * splits):
            at = (choice * orders + order) * size
            found = bounds[at : at + size]
            fill_values(columns, known.busy[choice, n], rates, objective, found)


@inlined
def _one_tile(
    step: np.void, operands: np.ndarray, machine: Machine, known: Known, loops: Loops, room: int,
    objective: Objective, n: int, s: int, order: int, bounds: np.ndarray, best: float, number: int,
) -> tuple[float, int]:  # fmt: skip
    """Try the dataflows and splits of one tile and loop order that `bounds` leave."""
    space, splits = known.space, known.space.splits.size
    step["order"] = space.orders[order]
    grid = _place(step, known.extents.grids, s)
    tiles = grid.b * grid.g * grid.k * grid.c * grid.y * grid.x
    part = largest_part(step, grid)
    sizes = sizes_of(step, operands, part)
    fits = buffer_bytes(step, space.buffers, loops, grid, sizes) <= room
    traffic = traffic_of(step, operands, machine, grid, part)
    for choice in range(space.dataflows.size * splits):
        place = (choice * space.orders.size + order) * known.busy.shape[2] + s
        bound, bounds[place] = bounds[place], np.inf
        if bound > best or bound == np.inf or not fits:
            continue
        step["dataflow"] = space.dataflows[choice // splits]
        step["split"] = space.splits[choice % splits]
        if not sums_fit(step, machine):
            continue
        work = busy_at(step, operands, machine, known, choice, n, s)
        cost = _value(step, machine, objective, traffic, tiles, work)
        own = number_of(space, Candidate(n, s, order, choice // splits, choice % splits))
        if cost < best or (cost == best and own < number):
            best, number = cost, own
    return best, number


@inlined
def _cost_of_guess(
    step: np.void, operands: np.ndarray, machine: Machine, known: Known, narrow: Narrow, room: int,
    objective: Objective, guess: int,
) -> float:  # fmt: skip
    """Estimated cost of a tiling by its number; infinite if it is not legal."""
    space = known.space
    one = candidate_at(space, guess)
    if not narrow.dataflow <= one.dataflow < narrow.dataflow_stop:
        return np.inf
    if not narrow.order <= one.order < narrow.order_stop:
        return np.inf
    set_tiling(step, space, one)
    grid = _place(step, known.extents.grids, one.spatial)
    part = largest_part(step, grid)
    sizes, loops = sizes_of(step, operands, part), loops_of(step, operands)
    if buffer_bytes(step, space.buffers, loops, grid, sizes) > room or not sums_fit(step, machine):
        return np.inf
    if known.works[0, one.block] < 0.0:
        learn_block(step, operands, machine, known, one.block)
        set_tiling(step, space, one)
    traffic = traffic_of(step, operands, machine, grid, part)
    tiles = grid.b * grid.g * grid.k * grid.c * grid.y * grid.x
    choice = one.dataflow * space.splits.size + one.split
    work = busy_at(step, operands, machine, known, choice, one.block, one.spatial)
    return _value(step, machine, objective, traffic, tiles, work)


@compiled
def fewest_tiles(
    step: np.void, operands: np.ndarray, machine: Machine, room: int, known: Known
) -> bool:
    """Write the first legal tiling with the fewest tiles into `step`; False if none is legal."""
    place, space = place_of_room(step, operands, machine, room, known), known.space
    if known.rooms[place, LARGEST] == NOT_ASKED:
        known.rooms[place, LARGEST] = _largest(
            step, operands, machine, room, known, known.first[place]
        )
    number = known.rooms[place, LARGEST]
    if number >= 0:
        set_tiling(step, space, candidate_at(space, number))
    return bool(number >= 0)


@compiled
def _largest(
    step: np.void, operands: np.ndarray, machine: Machine, room: int, known: Known,
    first: np.ndarray,
) -> int:  # fmt: skip
    """The number of the first legal tiling with the fewest tiles; -1: none is legal."""
    least, number, space, extents = np.inf, -1, known.space, known.extents
    for n in range(first.size):
        set_block(step, space, n)
        turns = extents.blocks[CHANNEL_TURNS, n] * extents.blocks[REDUCTION_TURNS, n]
        for s in range(first[n], space.spatial.shape[0]):
            tiles = turns * extents.turns[TILES, s]
            if tiles >= least:
                continue
            _place(step, extents.grids, s)
            for order in range(space.orders.size):
                step["order"] = space.orders[order]
                if tiles < least and set_buffers(step, operands, space.buffers) <= room:
                    d = _first_legal(step, machine, space)
                    if d >= 0:
                        least, number = tiles, number_of(space, Candidate(n, s, order, d, 0))
    return int(number)


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
