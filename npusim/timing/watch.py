"""Which loops of a step may repeat turns, and how things were at the end of one; see `repeats.py`.

Turns at the edges of a tensor differ: a loop repeats between its second turn and its last but one,
and along height and width while windows are not cut.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.cost.array import DIRECT_CONVOLUTION, IN_MEMORY
from npusim.jit import allocating, compiled, inlined
from npusim.schedule.tables import (
    ALIAS,
    HOST,
    SLOTS,
    TOKENS,
)
from npusim.schedule.tiles import ceil_div, cols_behind, rows_behind
from npusim.schedule.walker import (
    ITERATION,
    STATE_SIZE,
    STEP_AT,
)
from npusim.timing.clock import (
    ALL_PORTS,
    BUS_DIRECTION,
    INPUT_TILE,
    OUTPUTS_FREE,
    READ_PORT,
    WRITE_PORT,
    Clock,
)
from npusim.timing.records import COUNTS

LOOPS = 6
FEWEST_TILES = 6
"""A loop that could save fewer tiles is not worth a look: two of its like turns are compared."""
RESOURCES = OUTPUTS_FREE + 1
NEVER = 1 << 62
MOST_APART = 16
"""Turns between two that are compared, at most."""
TILES, TURNS, FIRST, LAST, LOADED, SEEN, EARLIEST, APART = range(8)
"""Of a loop: tiles in a turn, turns, first and last that may repeat, how many tiles may be loaded
until then; the tile at which its state was noted (-1: not yet), the earliest start of a job since,
and after how many turns to note it again."""
NOTED = RESOURCES + 2


class Watch(NamedTuple):
    """What is known of the loops of one step, outermost first.

    `loops` int64 [LOOPS, 8]; `moments` int64 [LOOPS, resources + 2], `states` int64 [LOOPS,
    STATE_SIZE] and `counts` COUNTS [LOOPS] are as they were at SEEN. `step` int64 [4]: the
    step, the tiles of the shortest turn (0: no loop is watched), the earliest start of a job since
    the end of the last turn of any loop, and since the head of the step. `moved` int64 [SLOTS] is
    room to move tokens.
    """

    loops: np.ndarray
    moments: np.ndarray
    states: np.ndarray
    counts: np.ndarray
    step: np.ndarray
    moved: np.ndarray


STEP, SHORTEST, SINCE, PASSED = range(4)


@allocating
def new_watch() -> Watch:
    """No loop is watched."""
    watch = Watch(
        np.zeros((LOOPS, 8), np.int64), np.zeros((LOOPS, NOTED), np.int64),
        np.zeros((LOOPS, STATE_SIZE), np.int64), np.zeros(LOOPS, COUNTS),
        np.zeros(4, np.int64), np.zeros(SLOTS, np.int64),
    )  # fmt: skip
    watch.step[STEP] = -1
    watch.step[PASSED] = NEVER
    return watch


@compiled
def forget_step(watch: Watch) -> None:
    """The step that was watched is over."""
    watch.step[STEP] = -1


@inlined
def next_look(watch: Watch, steps: np.ndarray, state: np.ndarray) -> int:
    """The tile of the present step before which to look again; 0 (never) if nothing repeats."""
    at = state[STEP_AT]
    if at >= steps.size:
        return 0
    if watch.step[STEP] != at:
        watch.step[STEP] = at
        watch.step[SINCE] = NEVER
        watch.step[SHORTEST] = _watch_step(watch, steps[at])
    shortest = watch.step[SHORTEST]
    return 0 if shortest == 0 else (state[ITERATION] // shortest + 1) * shortest


@compiled
def _watch_step(watch: Watch, step: np.void) -> int:
    """Set up the loops of `step`; the tiles in a turn of the innermost one that may repeat."""
    if step["unit"] in (ALIAS, HOST) or step["dataflow"] == DIRECT_CONVOLUTION:
        return 0
    shortest, tiles = 0, 1
    for place in range(LOOPS - 1, -1, -1):
        loop = watch.loops[place]
        turns, first, last, even = _turns(step, _loop_at(step, place))
        loop[TILES], loop[TURNS], loop[FIRST], loop[LAST] = tiles, turns, first, last
        loop[LOADED] = tiles * turns - 1 if even else tiles * (last + 1)
        loop[SEEN] = -1
        if tiles * (last - first - 1) < FEWEST_TILES:
            loop[TURNS] = 1
        elif shortest == 0:
            shortest = tiles
        tiles *= turns
    return shortest


@compiled
def _loop_at(step: np.void, place: int) -> int:
    """Which loop (0 to 5: b, g, k, c, y, x) is at a place, outermost first; see `tile_index`."""
    if place == LOOPS - 1:
        return 3
    if step["order"] == 0:
        return (1, 2, 0, 4, 5)[place]
    return (0, 4, 5, 1, 2)[place]


@compiled
def _turns(step: np.void, loop: int) -> tuple[int, int, int, bool]:
    """Turns of a loop, the first and the last one that may be like their neighbours, and whether
    what the very last one loads is like that, too.

    The first turn is like the others where it does not begin sums or write weights to an array.
    """
    if loop == 0:
        extent, tile = step["b"], step["tile_b"]
    elif loop == 1:
        extent, tile = step["g"], step["tile_g"]
    elif loop == 2:
        extent, tile = step["k"], step["tile_k"]
    elif loop == 3:
        extent, tile = step["c"], step["tile_c"]
    elif loop == 4:
        extent, tile = step["oy"], step["tile_oy"]
    else:
        extent, tile = step["ox"], step["tile_ox"]
    turns, even = ceil_div(extent, tile), extent % tile == 0
    alike = loop in (1, 2) or (loop != 3 and step["dataflow"] != IN_MEMORY)
    first, last = 0 if alike else 1, turns - 2
    if loop >= 4 and last > first:
        while first < last and _window(step, loop, first) != _window(step, loop, first + 1):
            first += 1
        inner = _window(step, loop, first)
        while first < last and _window(step, loop, last) != inner:
            last -= 1
        even = even and _window(step, loop, turns - 1) == inner
    return turns, first, last, even


@compiled
def _window(step: np.void, loop: int, turn: int) -> int:
    """Input rows (or columns) behind a turn that has a whole tile.

    From turn to turn they grow, stay, then shrink. The same at both edges of an image says nothing
    of those between; two neighbours and a later turn that are alike do.
    """
    if loop == 4:
        start = turn * step["tile_oy"]
        return rows_behind(step, start, start + step["tile_oy"])
    start = turn * step["tile_ox"]
    return cols_behind(step, start, start + step["tile_ox"])


@compiled
def resources_repeat(clock: Clock, moments: np.ndarray, cycles: int, earliest: int) -> bool:
    """True if all resources moved by `cycles` since their `moments`, or lie before the `earliest`
    start since then: such a one did not move, or is a port and moved by less."""
    for n in range(TOKENS, RESOURCES):
        moved = clock.time[n] - moments[n]
        if n in (BUS_DIRECTION, INPUT_TILE):
            if moved != 0:
                return False
        elif moved != cycles:
            port = n in (READ_PORT, WRITE_PORT, ALL_PORTS)
            if clock.time[n] >= earliest or (moved != 0 and not port):
                return False
    return True


@inlined
def note_start(watch: Watch, entry: np.void, transfers: bool) -> None:
    """A job has started: nothing that lies before any of these moments decided when."""
    start = min(entry["begin"], entry["held"])
    if transfers:
        start = min(start, entry["ready"])
    watch.step[SINCE] = min(watch.step[SINCE], start)
    watch.step[PASSED] = min(watch.step[PASSED], start)
