"""What the searches of a kind of step share: extents, array cycles, and bounds.

A network's schedule takes several searches of a kind, for other rooms, objectives or dataflows.
What does not differ between them is worked out once, and only when it is asked for.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.cost.array import DIRECT_CONVOLUTION, IN_MEMORY, ROW_STATIONARY, tile_cost
from npusim.cost.machine import Machine
from npusim.jit import allocating, compiled
from npusim.schedule.bounds import fill_floors, least_value, rates_of
from npusim.schedule.buffers import most_pixels
from npusim.schedule.candidates import Space
from npusim.schedule.corners import corner_of
from npusim.schedule.estimate import Objective, busy_cycles
from npusim.schedule.extents import ExtentTables, fill_extents
from npusim.schedule.grid import loops_of
from npusim.schedule.tables import ARRAY
from npusim.schedule.tiles import Part
from npusim.schedule.work import extents_of

MEMO = 256
"""Array cycles of tilings that a kind of step remembers."""
UNABLE = 1e300
"""Array cycles where no spatial tile has sums that fit the accumulators."""
ROUNDED = 1.0 - 1e-3
"""Work of less than a millionth of a cycle is not counted (`transfer.cycles_at`)."""
BASES = 4
"""Tables of bounds that a kind of step keeps: one for each room and choice of streams."""


class Known(NamedTuple):
    """What searches of a kind of step share.

    `works` float64 [g * k * c sizes, dataflows, splits] are array cycles with all pixels in one
    tile, `least` float64 [sizes] the least of them, below 0 where they are not known yet. `floors`
    float64 [BASES, sizes, orders, 6] are those of `bounds.fill_floors`, for the room and the
    streams in `bases` int64 [BASES, 3]; its last column says when they were made. `keys` int64 and
    `cycles` float64 [MEMO] are array cycles of tilings by their numbers. `whole` are all
    candidates; a search may be among `dataflow`, `order` and those behind it alone.
    """

    extents: ExtentTables
    works: np.ndarray
    least: np.ndarray
    floors: np.ndarray
    bases: np.ndarray
    keys: np.ndarray
    cycles: np.ndarray
    whole: Space
    dataflow: int
    order: int


@allocating
def known_of(step: np.void, operands: np.ndarray, space: Space) -> Known:
    """Empty tables for one search."""
    blocks, spatial = space.g.size * space.k.size * space.c.size, space.spatial.shape[0]
    rows = step["operand_stop"] - step["operand_start"]
    extents = ExtentTables(
        np.empty((rows * blocks, 2)), np.empty((rows, spatial, 5)),
        np.empty((rows, 4), np.int64), np.empty((spatial, 14), np.int64),
    )  # fmt: skip
    return Known(
        extents, np.empty((blocks, space.dataflows.size, space.splits.size)), np.full(blocks, -1.0),
        np.empty((BASES, blocks, space.orders.size, 6)), np.full((BASES, 3), -1),
        np.full(MEMO, -1), np.zeros(MEMO), space, 0, 0,
    )  # fmt: skip


@compiled
def learn(step: np.void, operands: np.ndarray, known: Known) -> None:
    """Fill what depends on the step alone."""
    fill_extents(step, operands, known.whole, known.extents)


@compiled
def floors_of(
    step: np.void, operands: np.ndarray, machine: Machine, room: int, known: Known, own: np.ndarray
) -> int:  # fmt: skip
    """Which of the tables of bounds is that for the streams of `operands` and `room` bytes.

    `own` float64 [operands, 2] is overwritten.
    """
    streams, bases = 0, known.bases
    for row in range(step["operand_start"], step["operand_stop"]):
        streams = 5 * streams + operands[row]["stream"] + 2
    known_by_streams = step["operand_stop"] - step["operand_start"] <= 24
    oldest = latest = 0
    for n in range(BASES):
        if bases[n, 0] == room and bases[n, 1] == streams and known_by_streams:
            return n
        oldest = n if bases[n, 2] < bases[oldest, 2] else oldest
        latest = max(latest, bases[n, 2])
    bases[oldest, 0], bases[oldest, 1], bases[oldest, 2] = room, streams, latest + 1
    whole, extents = known.whole, known.extents
    fill_floors(
        step, operands, machine, rates_of(step, machine, whole.buffers), loops_of(step, operands),
        room, whole.g, whole.k, whole.c, whole.dataflows, whole.orders, extents.channels,
        extents.places, extents.pixels, extents.grids, known.least, _peak_work(step, machine), own,
        known.floors[oldest],
    )  # fmt: skip
    return oldest


@compiled
def _peak_work(step: np.void, machine: Machine) -> float:
    """Array cycles at the peak rate; nothing of other units."""
    if step["unit"] != ARRAY:
        return 0.0
    macs = step["b"] * step["g"] * step["k"] * step["c"] * step["oy"] * step["ox"]
    peak = machine.mac_units * step["mac_rate"] / step["density"]
    return float(ROUNDED * macs * step["fy"] * step["fx"] / peak)


@compiled
def least_work(
    step: np.void, operands: np.ndarray, machine: Machine, known: Known, n: int, narrow: bool
) -> float:  # fmt: skip
    """Array cycles that the `n`-th sizes in G, K and C take at least, which `step` has.

    With `narrow` the search is for a single dataflow.
    """
    works, dataflows, splits = known.works, known.whole.dataflows, known.whole.splits
    if known.least[n] < 0.0:
        known.least[n] = np.inf
        step["tile_b"], step["tile_oy"], step["tile_ox"] = step["b"], step["oy"], step["ox"]
        for d in range(dataflows.size):
            step["dataflow"] = dataflows[d]
            for p in range(splits.size):
                step["split"] = splits[p]
                works[n, d, p] = UNABLE
                if known.extents.grids[-1, 10] <= most_pixels(step, machine, dataflows[d]):
                    works[n, d, p] = _work_of_all_pixels(step, operands, machine)
                known.least[n] = min(known.least[n], works[n, d, p])
    return _known_work(known.least, works, known.dataflow, n, narrow)


@compiled
def _work_of_all_pixels(step: np.void, operands: np.ndarray, machine: Machine) -> float:
    """Array cycles of the tile in `step`, which has all pixels; no cut of them takes less.

    To cut pixels may save reads where blocks of them fetch the same again, and what shows of a
    load of weights behind stripes; so only the array's own cycles count. A row-stationary array may
    take the strips of a cut better, an array in memory writes weights beside other tiles: both are
    bounded by their peak.
    """
    if step["unit"] != ARRAY:
        return busy_cycles(step, operands, machine)
    if step["dataflow"] in (ROW_STATIONARY, IN_MEMORY):
        return _peak_work(step, machine)
    total = 0
    for corner in range(8):
        g, times_g = corner_of(step["g"], step["tile_g"], corner & 1)
        k, times_k = corner_of(step["k"], step["tile_k"], corner & 2)
        c, times_c = corner_of(step["c"], step["tile_c"], corner & 4)
        times = times_g * times_k * times_c
        if times > 0:
            part = Part(step["b"], g, k, c, step["oy"], step["ox"], 0, 0)
            tile = extents_of(step, part)
            cost = tile_cost(step["dataflow"], step["split"], tile, machine.array)
            own = cost.occupied
            if step["dataflow"] == DIRECT_CONVOLUTION:
                own -= cost.weight_load
            total += times * own
    return float(total)


@compiled
def _known_work(
    least: np.ndarray, works: np.ndarray, dataflow: int, n: int, narrow: bool
) -> float:  # fmt: skip
    if not narrow or least[n] < 0.0:
        return float(least[n])
    work = works[n, dataflow, 0]
    for p in range(1, works.shape[2]):
        work = min(work, works[n, dataflow, p])
    return float(work)


@compiled
def fill_values(
    step: np.void, floors: np.ndarray, objective: Objective, space: Space, known: Known,
    values: np.ndarray,
) -> None:  # fmt: skip
    """What all sizes in G, K and C cost at least, by `floors` and the array cycles that are known:
    `values` float64 [sizes]."""
    least, works = known.least, known.works
    narrow = space.dataflows.size < works.shape[1]
    for n in range(values.size):
        work = _known_work(least, works, known.dataflow, n, narrow)
        values[n] = least_value(
            floors, n, known.order, space.orders.size, step["prefetch"], work, objective
        )


@compiled
def first_place(known: Known, block: int, spatial: int) -> int:
    """The number of a tile with the first dataflow and split that may be taken."""
    key = block * known.extents.grids.shape[0] + spatial
    return int((key * known.works.shape[1] + known.dataflow) * known.works.shape[2])
