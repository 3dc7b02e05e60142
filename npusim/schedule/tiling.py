"""Tiles of all steps of a network, in one call of compiled code.

Steps that are alike, in loops and in where their operands come from, are searched once for each
objective; a result for more room that fits in less is the result for that too. What was found for
a layer under another policy or objective is the first guess of its next search.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.cost.machine import Machine
from npusim.hardware.schema import Hardware
from npusim.jit import compiled
from npusim.schedule.bounds import COLUMNS
from npusim.schedule.buffers import set_buffers
from npusim.schedule.candidates import Narrow, Space, candidate_at, keep, restore
from npusim.schedule.estimate import Objective
from npusim.schedule.extents import (
    BLOCK_ROWS,
    GRID_COLUMNS,
    PIXEL_ROWS,
    TURN_ROWS,
    ExtentTables,
    fill_extents,
)
from npusim.schedule.fixed import Mapping
from npusim.schedule.kinds import kinds_of
from npusim.schedule.known import ROOMS, Known
from npusim.schedule.lower import Lowered
from npusim.schedule.search import Scratch, fewest_tiles, search_tiling
from npusim.schedule.spaces import space_of
from npusim.schedule.tables import ALIAS, HOST

MOST_GUESSES = 4
DATAFLOW_LIST, ORDER_LIST = 3, 4
"""Places of the dataflows and of the loop orders in `Spaces.lists`."""


class Shared(NamedTuple):
    """What depends on the array, its accumulators and the ports of SRAM, but on no other memory:
    the tables of `Known` that all such hardware shares, one kind after the other."""

    works: np.ndarray
    busy: np.ndarray
    rooms: np.ndarray
    first: np.ndarray


class Spaces(NamedTuple):
    """The candidates of all kinds of steps, packed; int64.

    `kind_of` [steps] is -1 for steps without tiles. `spatial` [kinds, most, 3] and `lists`
    [kinds, 6, most] (g, k, c, dataflows, orders, splits) are padded to the longest; `sizes`
    [kinds, 7] are their true lengths, that of `spatial` first. Searches may be narrowed to a single
    dataflow or loop order, which `only` [kinds, 2] counts in its list (-1: all of them).

    The tables of `ExtentTables` follow, one kind after the other, from `starts` [kinds, 8] on, and
    those that hardware with such an array shares. `scratch` is what a search overwrites.
    """

    kind_of: np.ndarray
    spatial: np.ndarray
    lists: np.ndarray
    sizes: np.ndarray
    only: np.ndarray
    starts: np.ndarray
    channels: np.ndarray
    pixels: np.ndarray
    blocks: np.ndarray
    turns: np.ndarray
    grids: np.ndarray
    shared: Shared
    scratch: Scratch
    guesses: np.ndarray
    buffers: int


class Searches(NamedTuple):
    """The searches so far: `last` int64 [kinds] is the latest of each kind, `before` int64 [n] the
    one before it; -1 for none.

    `tilings` int64 [n, 9] are winners (`search.keep`; all zero: none is legal), `streams` int64
    [n, most operands] say where operands came from, `facts` int64 [n, 4] are aim, room, bytes used
    and the winner's number; `number` int64 [1] of them exist.
    """

    last: np.ndarray
    before: np.ndarray
    tilings: np.ndarray
    streams: np.ndarray
    facts: np.ndarray
    number: np.ndarray


def spaces_of(lowered: Lowered, hardware: Hardware, machine: Machine, mapping: Mapping) -> Spaces:
    """Candidates of every kind of step of `lowered`, narrowed by what `mapping` fixes."""
    tags: dict[object, int] = {}
    tag_of = np.array(
        [
            -1 if step.unit in (ALIAS, HOST)
            else tags.setdefault((step.nest.splits, mapping.of(step.name)), len(tags))
            for step in lowered.steps
        ], np.int64,
    )  # fmt: skip
    kind_of, models = kinds_of(lowered, tag_of)
    found = []
    for at in models.tolist():
        step = lowered.steps[at]
        found.append(space_of(step, lowered.table[at], hardware, machine, 0, mapping.of(step.name)))
    rows = lowered.table["operand_stop"] - lowered.table["operand_start"]
    return _packed(kind_of, found, rows[models], hardware.mapping.buffers)


def _packed(kind_of: np.ndarray, found: list[Space], rows: np.ndarray, buffers: int) -> Spaces:
    lists = [
        (one.g, one.k, one.c, one.dataflows, one.orders, one.splits) for one in found
    ]  # fmt: skip
    sizes = np.array(
        [(len(one.spatial), *map(len, own)) for one, own in zip(found, lists, strict=True)],
        np.int64,
    ).reshape(len(found), 7)
    most = int(sizes[:, 1:].max(initial=1))
    packed = np.zeros((len(found), 6, most), np.int64)
    spatial = np.zeros((len(found), int(sizes[:, 0].max(initial=1)), 3), np.int64)
    for kind, one in enumerate(found):
        spatial[kind, : len(one.spatial)] = one.spatial
        for n, values in enumerate(lists[kind]):
            packed[kind, n, : len(values)] = values
    return _with_tables(kind_of, spatial, packed, sizes, rows, buffers)


def _with_tables(
    kind_of: np.ndarray, spatial: np.ndarray, lists: np.ndarray, sizes: np.ndarray,
    rows: np.ndarray, buffers: int,
) -> Spaces:  # fmt: skip
    """Spaces of kinds with so many operands (`rows`), of which nothing is known yet."""
    tiles, blocks = sizes[:, 0], sizes[:, 1] * sizes[:, 2] * sizes[:, 3]
    choices = sizes[:, 4] * sizes[:, 6]
    lengths = (
        2 * rows * blocks, PIXEL_ROWS * rows * tiles, BLOCK_ROWS * blocks, TURN_ROWS * tiles,
        GRID_COLUMNS * tiles, choices * blocks, choices * blocks * tiles, ROOMS * blocks,
    )  # fmt: skip
    starts = np.zeros((sizes.shape[0] + 1, len(lengths)), np.int64)
    starts[1:] = np.stack(lengths, axis=1).cumsum(axis=0)
    channels, pixels, of_blocks, turns, grids, *_ = starts[-1].tolist()
    most = int(blocks.max(initial=1))
    scratch = Scratch(
        np.empty((COLUMNS, max(most, int(tiles.max(initial=1))))), np.empty(most), np.empty(most),
        np.empty(int((choices * sizes[:, 5] * tiles).max(initial=1))),
    )  # fmt: skip
    return Spaces(
        kind_of, spatial, lists, sizes, np.full((sizes.shape[0], 2), -1), starts,
        np.empty(channels), np.empty(pixels), np.empty(of_blocks), np.empty(turns),
        np.zeros(grids, np.int64), nothing_shared(starts), scratch,
        np.empty(MOST_GUESSES, np.int64), buffers,
    )  # fmt: skip


def nothing_shared(starts: np.ndarray) -> Shared:
    """Tables of which nothing is known yet, for `Spaces.starts`."""
    works, busy, first = starts[-1, 5:].tolist()
    rooms = np.full((starts.shape[0] - 1, ROOMS, 4), -1)
    return Shared(np.full(works, -1.0), np.empty(busy), rooms, np.empty(first, np.int16))


def only_with(spaces: Spaces, place: int, value: int) -> np.ndarray:
    """`Spaces.only` with `value` alone in the lists at `place` that have it."""
    only = np.full((spaces.sizes.shape[0], 2), -1)
    exists = np.arange(spaces.lists.shape[2]) < spaces.sizes[:, place + 1, None]
    has = (spaces.lists[:, place] == value) & exists
    only[:, place - DATAFLOW_LIST] = np.where(has.any(axis=1), has.argmax(axis=1), -1)
    return only


def no_searches(lowered: Lowered, spaces: Spaces, most: int) -> Searches:
    """Room for `most` searches."""
    operands = lowered.table["operand_stop"] - lowered.table["operand_start"]
    return Searches(
        np.full(spaces.sizes.shape[0], -1), np.full(most, -1), np.zeros((most, 9), np.int64),
        np.zeros((most, int(operands.max(initial=0))), np.int64), np.zeros((most, 4), np.int64),
        np.zeros(1, np.int64),
    )  # fmt: skip


def with_room(searches: Searches, more: int) -> Searches:
    """The same searches, with room for `more`."""
    size = int(searches.number[0]) + more
    if size <= searches.before.size:
        return searches

    def grown(values: np.ndarray) -> np.ndarray:
        larger = np.zeros((2 * size, *values.shape[1:]), np.int64)
        larger[: values.shape[0]] = values
        return larger

    return searches._replace(
        before=grown(searches.before), tilings=grown(searches.tilings),
        streams=grown(searches.streams), facts=grown(searches.facts),
    )  # fmt: skip


@compiled
def least_rooms(table: np.ndarray, operands: np.ndarray, spaces: Spaces, least: np.ndarray) -> None:
    """The least SRAM in which each step can run: its smallest tile, in the order that needs least.

    `least` int64 [steps] gets the bytes, 0 of steps without tiles; the streams are those of
    `operands`. Leaves that tile in `table`.
    """
    for at in range(table.size):
        kind = spaces.kind_of[at]
        least[at] = 0
        if kind < 0:
            continue
        step = table[at]
        space = _space_at(spaces, kind)
        step["tile_b"], step["tile_oy"], step["tile_ox"] = space.spatial[-1]
        step["tile_g"], step["tile_k"], step["tile_c"] = space.g[-1], space.k[-1], space.c[-1]
        least[at] = 1 << 62
        for order in space.orders:
            step["order"] = order
            least[at] = min(least[at], set_buffers(step, operands, spaces.buffers))


@compiled
def largest_tiles(
    table: np.ndarray, operands: np.ndarray, spaces: Spaces, rooms: np.ndarray, machine: Machine,
    used: np.ndarray,
) -> bool:  # fmt: skip
    """`tile_steps` with the fewest tiles that are legal, the first such tiling of each step."""
    for at in range(table.size):
        kind = spaces.kind_of[at]
        if kind < 0:
            continue
        step = table[at]
        known = _known_at(step, operands, spaces, kind)
        if not fewest_tiles(step, operands, machine, rooms[at], known):
            return False
        used[at] = set_buffers(step, operands, spaces.buffers)
    return True


@compiled
def tile_steps(
    table: np.ndarray, operands: np.ndarray, spaces: Spaces, rooms: np.ndarray, machine: Machine,
    objective: Objective, aim: int, weights_early: bool, wider: int, searches: Searches,
    used: np.ndarray,
) -> bool:  # fmt: skip
    """Write the best tiling of every step into `table`; False if one has none.

    `rooms` int64 [steps] is the SRAM for the tiles of each step, `used` [steps] gets what they
    take. `aim` numbers the objective with its narrowing; with `weights_early` the first weights of
    a step are taken to come during the step before. `wider` is the number of the same objective
    without narrowing (-1: there is none): its winners that a narrower search may choose are the
    winners there too. `searches` has room for one search a step.
    """
    for at in range(table.size):
        kind = spaces.kind_of[at]
        if kind < 0:
            continue
        step = table[at]
        early = weights_early and at > 0
        found = _searched(step, operands, searches, kind, 2 * aim + early, rooms[at])
        if found < 0 and wider >= 0:
            found = _searched(step, operands, searches, kind, 2 * wider + early, rooms[at])
            if found >= 0 and not _may_choose(spaces, kind, searches.facts[found, 3]):
                found = -1
        if found < 0:
            step["prefetch"] = early
            found = _search(
                step, operands, spaces, kind, rooms[at], machine, objective, 2 * aim + early,
                searches,
            )  # fmt: skip
            step["prefetch"] = 0
        if searches.tilings[found, 0] == 0:
            return False
        restore(step, searches.tilings[found])
        used[at] = set_buffers(step, operands, spaces.buffers)
    return True


@compiled
def _searched(
    step: np.void, operands: np.ndarray, searches: Searches, kind: int, aim: int, room: int
) -> int:
    """The search that answers for `step` too; -1 if there is none yet."""
    found = searches.last[kind]
    while found >= 0:
        facts = searches.facts[found]
        if facts[0] == aim and (facts[1] == room or (room < facts[1] and facts[2] <= room)):
            same = True
            for row in range(step["operand_start"], step["operand_stop"]):
                place = row - step["operand_start"]
                same &= operands[row]["stream"] == searches.streams[found, place]
            if same:
                return int(found)
        found = searches.before[found]
    return -1


@compiled
def _search(
    step: np.void, operands: np.ndarray, spaces: Spaces, kind: int, room: int, machine: Machine,
    objective: Objective, aim: int, searches: Searches,
) -> int:  # fmt: skip
    """Search the tilings of `step`; the number of this search."""
    number, guesses = searches.number[0], spaces.guesses
    count = 0
    earlier = searches.last[kind]
    while earlier >= 0 and count < MOST_GUESSES:
        if _may_choose(spaces, kind, searches.facts[earlier, 3]):
            guesses[count] = searches.facts[earlier, 3]
            count += 1
        earlier = searches.before[earlier]
    found = search_tiling(
        step, operands, machine, _known_at(step, operands, spaces, kind),
        _narrow_at(spaces, kind), room, objective, guesses[:count], _scratch_at(spaces, kind),
    )  # fmt: skip
    facts = searches.facts[number]
    facts[0], facts[1], facts[2], facts[3] = aim, room, 1 << 62, found.number
    if found.cost < np.inf:
        keep(step, searches.tilings[number])
        facts[2] = set_buffers(step, operands, spaces.buffers)
    for row in range(step["operand_start"], step["operand_stop"]):
        searches.streams[number, row - step["operand_start"]] = operands[row]["stream"]
    searches.before[number] = searches.last[kind]
    searches.last[kind] = number
    searches.number[0] += 1
    return int(number)


@compiled
def _may_choose(spaces: Spaces, kind: int, number: int) -> bool:
    """Whether a search may choose candidate `number` (-1: none) of a kind."""
    if number < 0:
        return False
    one, narrow = candidate_at(_space_at(spaces, kind), number), _narrow_at(spaces, kind)
    in_orders = narrow.order <= one.order < narrow.order_stop
    return in_orders and narrow.dataflow <= one.dataflow < narrow.dataflow_stop


@compiled
def _space_at(spaces: Spaces, kind: int) -> Space:
    """The candidates of a kind."""
    sizes, lists = spaces.sizes[kind], spaces.lists[kind]
    return Space(
        spaces.spatial[kind, : sizes[0]], lists[0, : sizes[1]], lists[1, : sizes[2]],
        lists[2, : sizes[3]], lists[3, : sizes[4]], lists[4, : sizes[5]], lists[5, : sizes[6]],
        spaces.buffers, 0,
    )  # fmt: skip


@compiled
def _narrow_at(spaces: Spaces, kind: int) -> Narrow:
    """To what the searches of a kind are narrowed."""
    dataflow, order = spaces.only[kind, 0], spaces.only[kind, 1]
    return Narrow(
        max(dataflow, 0), dataflow + 1 if dataflow >= 0 else spaces.sizes[kind, 4],
        max(order, 0), order + 1 if order >= 0 else spaces.sizes[kind, 5],
    )  # fmt: skip


@compiled
def _scratch_at(spaces: Spaces, kind: int) -> Scratch:
    """Room for a search of a kind."""
    columns, values, own, bounds = spaces.scratch
    sizes = spaces.sizes[kind]
    blocks = sizes[1] * sizes[2] * sizes[3]
    return Scratch(
        columns, values[:blocks], own[:blocks],
        bounds[: sizes[4] * sizes[6] * sizes[5] * sizes[0]],
    )  # fmt: skip


@compiled
def _known_at(step: np.void, operands: np.ndarray, spaces: Spaces, kind: int) -> Known:
    """What is known of a kind; the first time it is learnt."""
    sizes = spaces.sizes[kind]
    start, stop = spaces.starts[kind], spaces.starts[kind + 1]
    tiles, blocks = sizes[0], sizes[1] * sizes[2] * sizes[3]
    choices, rows = sizes[4] * sizes[6], step["operand_stop"] - step["operand_start"]
    extents = ExtentTables(
        spaces.channels[start[0] : stop[0]].reshape((2, rows, blocks)),
        spaces.pixels[start[1] : stop[1]].reshape((PIXEL_ROWS, rows, tiles)),
        spaces.blocks[start[2] : stop[2]].reshape((BLOCK_ROWS, blocks)),
        spaces.turns[start[3] : stop[3]].reshape((TURN_ROWS, tiles)),
        spaces.grids[start[4] : stop[4]].reshape((tiles, GRID_COLUMNS)),
    )  # fmt: skip
    shared = spaces.shared
    known = Known(
        _space_at(spaces, kind), extents,
        shared.works[start[5] : stop[5]].reshape((choices, blocks)),
        shared.busy[start[6] : stop[6]].reshape((choices, blocks, tiles)),
        shared.rooms[kind], shared.first[start[7] : stop[7]].reshape((ROOMS, blocks)),
    )  # fmt: skip
    if extents.grids[0, 0] == 0:
        fill_extents(step, operands, known.space, extents)
    return known
