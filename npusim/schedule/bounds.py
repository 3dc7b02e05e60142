"""What no tiling of a step can beat: lower bounds that let the search skip tilings unseen.

Every streamed byte crosses the bus at least once, and once more for every turn of the loops that
make its tile come again. For given sizes in G, K and C, spatial tiles that cannot fit beside them
are left out, so that the largest of the others sets the least number of turns. The bounds leave out
partly filled bursts and whatever only a full estimate knows; `estimate.py` is never below them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.cost.machine import Machine
from npusim.jit import compiled
from npusim.schedule.buffers import most_pixels
from npusim.schedule.estimate import Objective, objective_value
from npusim.schedule.extents import Streams, set_channels, streams_of
from npusim.schedule.grid import Grid, Loops, moves_of
from npusim.schedule.tables import ARRAY, MOST_BUFFERS
from npusim.schedule.tiles import ceil_div

SLACK = 1.0 - 1e-12
"""Bounds are sums in another order than estimates: rounding must not lift them above."""


class Rates(NamedTuple):
    """Cycles of a byte loaded and stored, of an access, of its set-up, of an output through the
    output stage, of all of them, and of the dispatch; and how many buffers a stream has at most."""

    load: float
    store: float
    access: float
    setup: float
    output: float
    outputs: float
    dispatch: float
    buffers: float


class Moves(NamedTuple):
    """Of a tiling and its streams: bytes of one tile, of all, and how many are moved."""

    tile: Streams
    bytes: Streams
    number: Streams


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
        float(MOST_BUFFERS if step["banks"] > 0 else buffers),
    )  # fmt: skip


@compiled
def least_moves(tile: Streams, each: Streams, loops: Loops, order: int, grid: Grid) -> Moves:
    """What a tiling moves at least, if its tiles have `tile` bytes, and `each` on average; nothing
    of a stream that has none or of which nothing is known."""
    weights = inputs = outputs = 0.0
    if each.weights > 0.0:
        weights = float(moves_of(loops.weights, order, grid))
    if each.inputs > 0.0:
        inputs = float(moves_of(loops.inputs, order, grid))
    if each.outputs > 0.0:
        outputs = float(moves_of(loops.outputs, order, grid))
    return Moves(
        Streams(
            tile.weights if weights > 0.0 else 0.0, tile.inputs if inputs > 0.0 else 0.0,
            tile.outputs if outputs > 0.0 else 0.0,
        ),
        Streams(each.weights * weights, each.inputs * inputs, each.outputs * outputs),
        Streams(weights, inputs, outputs),
    )  # fmt: skip


class Busy(NamedTuple):
    """Array cycles that are known: `cycles` float64 of the numbers in `keys` int64, each at its
    number modulo their size. A spatial tile has `choices` of dataflow and split, the first one of
    them the number `first`, the next one `stride` more."""

    keys: np.ndarray
    cycles: np.ndarray
    first: int
    stride: int
    choices: int


class Least(NamedTuple):
    """Cycles of a tiling at least, and those of them beside which the array is never busy."""

    cycles: float
    edges: float


@compiled
def least_cycles(
    rates: Rates, moves: Moves, drain: float, work: float, last: float, early: bool
) -> Least:
    """`estimate.cycles_of` at least, with the output stage busy for `drain` cycles by the last tile
    and the array for `work` by all and for `last` by one of them; with `early` the first weights
    are not waited for. All streams have as many buffers as there can be.
    """
    tile, bytes_, number = moves
    first, ahead = tile.inputs, 0.0
    own = bytes_.weights
    if early:
        ahead = min(number.weights, rates.buffers)
        own *= 1.0 - ahead / max(1.0, number.weights)
    else:
        first += tile.weights
    first_access = rates.access if first > 0.0 else 0.0
    last_access = rates.access if tile.outputs > 0.0 else 0.0
    start = first * rates.load + first_access
    end = drain + tile.outputs * rates.store + last_access
    stored = bytes_.outputs * rates.store
    data = (bytes_.weights + bytes_.inputs) * rates.load + stored
    loads = (own + bytes_.inputs) * rates.load
    loads += rates.access * (number.weights - ahead + number.inputs)
    late = (own + bytes_.inputs) * rates.load + stored + last
    setups = last + rates.setup * (number.weights - ahead + number.inputs + number.outputs)
    behind = rates.outputs if rates.output > 0.0 else work
    stores = behind + stored + rates.access * number.outputs
    longest = start + max(max(work, rates.outputs), setups) + end
    longest = max(longest, max(data, late) + first_access + drain + last_access)
    longest = max(longest, 0.5 * (work + loads) + end)
    longest = max(longest, 0.5 * stores + start + drain)
    return Least(SLACK * (rates.dispatch + longest), SLACK * (rates.dispatch + start + end))


@compiled
def fill_floors(
    step: np.void, operands: np.ndarray, machine: Machine, rates: Rates, loops: Loops, room: int,
    g: np.ndarray, k: np.ndarray, c: np.ndarray, dataflows: np.ndarray, orders: np.ndarray,
    channels: np.ndarray, places: np.ndarray,
    pixels: np.ndarray, grids: np.ndarray, works: np.ndarray, peak: float,
    own: np.ndarray, floors: np.ndarray,
) -> None:  # fmt: skip
    """What no tiling with given sizes in G, K and C and a given order can beat.

    `floors` float64 [g * k * c sizes, orders, 6]: cycles, the same if its first weights come early,
    bytes, tiles, the first spatial tile that may fit, and cycles beside which the array is never
    busy; infinite tiles where none fits. `works` float64 [g * k * c sizes] are array cycles that
    the sizes take at least, below 0 where only `peak` is known. The tables are those of
    `extents.ExtentTables`; `own` is overwritten.
    """
    first = 0
    for n in range(floors.shape[0]):
        at_c, rest = n % c.size, n // c.size
        step["tile_g"] = g[rest // k.size]
        step["tile_k"] = k[rest % k.size]
        step["tile_c"] = c[at_c]
        set_channels(channels, places, rest // k.size, rest % k.size, at_c, own)
        most = most_pixels_of(step, machine, dataflows)
        first = first if at_c > 0 else 0
        first = _first_fit(step, operands, own, pixels, grids, room, most, first)
        if first == grids.shape[0]:
            for o in range(orders.size):
                floors[n, o, 3] = np.inf
                floors[n, o, 4] = first
        else:
            work = max(works[n], peak)
            _fill_block(
                step, operands, rates, loops, orders, own, pixels, grids, work, n, first, floors
            )


@compiled
def _first_fit(
    step: np.void, operands: np.ndarray, own: np.ndarray, pixels: np.ndarray, grids: np.ndarray,
    room: int, most: int, guess: int,
) -> int:  # fmt: skip
    """The first spatial tile of at most `most` pixels that may fit into `room` bytes; their number
    if none does.

    All before it take more: what a tile and those before it take at least falls with each. `guess`
    is no more than a place to start.
    """
    first, spatial = guess, grids.shape[0]
    while first > 0 and _may_fit(step, operands, own, pixels, grids, room, most, first - 1):
        first -= 1
    if first == guess:
        while first < spatial and not _may_fit(
            step, operands, own, pixels, grids, room, most, first
        ):
            first += 1
    return first


@compiled
def _may_fit(
    step: np.void, operands: np.ndarray, own: np.ndarray, pixels: np.ndarray, grids: np.ndarray,
    room: int, most: int, s: int,
) -> bool:  # fmt: skip
    """False if the `s`-th spatial tile and all before it take too much."""
    if grids[s, 10] > most:
        return False
    return _held(step, grids[s, 10], streams_of(step, operands, own, pixels, s, 2)) <= room


@compiled
def most_pixels_of(step: np.void, machine: Machine, dataflows: np.ndarray) -> int:
    """`most_pixels` of the dataflow that lets a tile have most."""
    most = 0
    for d in range(dataflows.size):
        most = max(most, most_pixels(step, machine, dataflows[d]))
    return most


@compiled
def _held(step: np.void, pixels: int, buffers: Streams) -> float:
    """`buffers.held_bytes` before rounding; of SRAM that is split in banks nothing is said."""
    if step["banks"] > 0:
        return 0.0
    weights = buffers.weights
    if step["weight_part"] > 0:
        weights = min(weights, float(step["weight_part"]))
    sums = pixels * step["tile_g"] * step["tile_k"] * step["sum_bits"] // 8
    outputs = 0.0 if step["direct_store"] else buffers.outputs
    return SLACK * (weights + buffers.inputs + max(outputs, float(sums)))


@compiled
def _fill_block(
    step: np.void, operands: np.ndarray, rates: Rates, loops: Loops, orders: np.ndarray,
    own: np.ndarray, pixels: np.ndarray, grids: np.ndarray, work: float, n: int, first: int,
    floors: np.ndarray,
) -> None:  # fmt: skip
    """`fill_floors` for the `n`-th sizes, of which the `first` spatial tile may fit."""
    grid = Grid(
        grids[first, 11], ceil_div(step["g"], step["tile_g"]), ceil_div(step["k"], step["tile_k"]),
        ceil_div(step["c"], step["tile_c"]), grids[first, 12], grids[first, 13], 0, 0, 0, 0,
    )  # fmt: skip
    tile = streams_of(step, operands, own, pixels, first, 4)
    each = streams_of(step, operands, own, pixels, first, 3)
    drain = rates.output * grids[-1, 10] * step["tile_g"] * step["tile_k"]
    tiles = float(grid.b * grid.g * grid.k * grid.c * grid.y * grid.x)
    most = (step["b"] * step["oy"] * step["ox"]) * (grid.g * grid.k * grid.c)
    last = work / most
    for o in range(orders.size):
        moves = least_moves(tile, each, loops, orders[o], grid)
        floors[n, o, 0] = least_cycles(rates, moves, drain, work, last, False).cycles
        early = least_cycles(rates, moves, drain, work, last, True)
        floors[n, o, 1], floors[n, o, 5] = early.cycles, early.edges
        floors[n, o, 2] = SLACK * (moves.bytes.weights + moves.bytes.inputs + moves.bytes.outputs)
        floors[n, o, 3] = tiles
        floors[n, o, 4] = first


@compiled
def least_value(
    floors: np.ndarray, n: int, order: int, orders: int, early: int, work: float,
    objective: Objective,
) -> float:  # fmt: skip
    """The objective at least for the `n`-th sizes in G, K and C, with the `orders` loop orders from
    `order` on, if the array is busy for `work` cycles; infinite if nothing fits."""
    least = np.inf
    for o in range(order, order + orders):
        if floors[n, o, 3] < np.inf:
            cycles = max(floors[n, o, early], floors[n, o, 5] + work)
            tiles = int(floors[n, o, 3])
            least = min(least, objective_value(objective, cycles, floors[n, o, 2], tiles))
    return SLACK * least


@compiled
def fill_bounds(
    step: np.void, operands: np.ndarray, machine: Machine, rates: Rates, loops: Loops, room: int,
    dataflows: np.ndarray, orders: np.ndarray, own: np.ndarray, pixels: np.ndarray,
    grids: np.ndarray, objective: Objective, work: float, busy: Busy, first: int,
    bounds: np.ndarray,
) -> tuple[int, int]:  # fmt: skip
    """What the spatial tiles from `first` on cost at least with the sizes in G, K and C of `step`.

    `bounds` float64 [spatial, orders, 4]: objective, infinite where they do not fit, and what
    `worth` needs to know. The array is busy for `work` cycles at least, and for those of `busy`
    where they are known. Returns where the least bound is.
    """
    found_s, found_o = first, 0
    g = ceil_div(step["g"], step["tile_g"])
    k = ceil_div(step["k"], step["tile_k"])
    c = ceil_div(step["c"], step["tile_c"])
    deep = rates.output * step["tile_g"] * step["tile_k"]
    early = step["prefetch"] == 1
    most = most_pixels_of(step, machine, dataflows)
    for s in range(first, grids.shape[0]):
        grid = Grid(grids[s, 3], g, k, c, grids[s, 4], grids[s, 5], 0, 0, 0, 0)
        area = grids[s, 0] * grids[s, 1] * grids[s, 2]
        tile = streams_of(step, operands, own, pixels, s, 0)
        each = streams_of(step, operands, own, pixels, s, 1)
        tiles = grid.b * g * k * c * grid.y * grid.x
        cycles = max(work, _known_cycles(busy, s))
        for o in range(orders.size):
            moves = least_moves(tile, each, loops, orders[o], grid)
            bounds[s, o, 0] = np.inf
            if (
                area <= most
                and _held(step, area, _buffered(step, rates, tile, moves.number)) <= room
            ):
                least = least_cycles(rates, moves, deep * area, cycles, cycles / tiles, early)
                bytes_ = moves.bytes.weights + moves.bytes.inputs + moves.bytes.outputs
                bounds[s, o, 1], bounds[s, o, 2] = least.cycles, least.edges
                bounds[s, o, 3] = SLACK * bytes_
                bounds[s, o, 0] = worth(bounds, s, o, objective, 0.0, tiles)
                if bounds[s, o, 0] < bounds[found_s, found_o, 0]:
                    found_s, found_o = s, o
    return found_s, found_o


@compiled
def _known_cycles(busy: Busy, s: int) -> float:
    """The least array cycles of the `s`-th spatial tile; 0 unless they are known of all choices."""
    least = np.inf
    keys, cycles = busy.keys, busy.cycles
    key = busy.first + s * busy.stride
    for own in range(key, key + busy.choices):
        place = own % keys.size
        if keys[place] != own:
            return 0.0
        least = min(least, cycles[place])
    return least


@compiled
def worth(
    bounds: np.ndarray, s: int, o: int, objective: Objective, work: float, tiles: int
) -> float:
    """The objective at least if the array is busy for `work` cycles."""
    cycles = max(bounds[s, o, 1], bounds[s, o, 2] + work)
    return SLACK * objective_value(objective, cycles, bounds[s, o, 3], tiles)


@compiled
def _buffered(step: np.void, rates: Rates, tile: Streams, number: Streams) -> Streams:
    """Bytes of all buffers of a tile that is moved so many times; of one where none is known."""
    weights = 1.0 if step["single_weights"] else max(1.0, min(rates.buffers, number.weights))
    inputs = 1.0 if step["single_inputs"] else max(1.0, min(rates.buffers, number.inputs))
    outputs = 1.0 if step["single_outputs"] else max(1.0, min(rates.buffers, number.outputs))
    return Streams(weights * tile.weights, inputs * tile.inputs, outputs * tile.outputs)
