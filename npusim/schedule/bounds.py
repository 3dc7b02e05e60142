"""What no tiling of a step can beat: lower bounds that let the search skip tilings unseen.

Every streamed byte crosses the bus at least once, and once more for every turn of the loops that
make its tile come again. So with n tiles of a stream that has m different ones, its bytes are at
least n / m times those of the whole tensor. The bound leaves out halo, partly filled bursts and
whatever only a full estimate knows; `estimate.py` is never below it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.cost.machine import Machine
from npusim.jit import compiled
from npusim.schedule.estimate import (
    Grid,
    Loops,
    Sizes,
    StreamTraffic,
    Traffic,
    joined,
    moves_of,
    sizes_of,
)
from npusim.schedule.tiles import Part, least_cols, least_rows


class Floor(NamedTuple):
    """A lower bound: cycles of the step, and bytes that it moves over the bus."""

    cycles: float
    bus_bytes: float


@compiled
def least_sizes(step: np.void, operands: np.ndarray) -> Sizes:
    """Bytes that every tiling of `step` has to stream, by stream."""
    whole = Part(
        step["b"], step["g"], step["k"], step["c"], step["oy"], step["ox"],
        least_rows(step), least_cols(step),
    )  # fmt: skip
    return sizes_of(step, operands, whole)


@compiled
def least_traffic(step: np.void, loops: Loops, least: Sizes, grid: Grid, tile: Sizes) -> Traffic:
    """`traffic_of` without halo and bursts: never more. `tile` is one tile, `least` all."""
    order = step["order"]
    return joined(
        step,
        _least_stream(loops.weights, order, grid, least.weights, tile.weights),
        _least_stream(loops.inputs, order, grid, least.inputs, tile.inputs),
        _least_stream(loops.outputs, order, grid, least.outputs, tile.outputs),
    )


@compiled
def _least_stream(loops: int, order: int, grid: Grid, least: int, tile: int) -> StreamTraffic:
    if least == 0:
        return StreamTraffic(0.0, 0, 0)
    count = moves_of(loops, order, grid)
    return StreamTraffic(least * (count / _different(loops, grid)), count, tile)


@compiled
def floor_of(
    step: np.void, machine: Machine, loops: Loops, least: Sizes, grid: Grid, work: float
) -> Floor:
    """No tiling in the loop order of `step` with at least the tiles of `grid` takes less.

    Its array is busy for at least `work` cycles. Of `overlapped_cycles` only what no size of tile
    can avoid: the longest of array, bus, and loads in turn with the array.
    """
    order = step["order"]
    weights = _least_stream(loops.weights, order, grid, least.weights, 0)
    inputs = _least_stream(loops.inputs, order, grid, least.inputs, 0)
    outputs = _least_stream(loops.outputs, order, grid, least.outputs, 0)
    loads, late = inputs.moves, inputs.bytes
    if step["prefetch"] == 0:
        loads += weights.moves
        late += weights.bytes
    bus_bytes = weights.bytes + inputs.bytes + outputs.bytes
    access = machine.dma_setup + machine.dram_latency
    in_turn = 0.5 * (work + late / machine.dram_bytes_per_cycle + access * loads)
    longest = max(work, bus_bytes / machine.dram_bytes_per_cycle, in_turn)
    return Floor(step["dispatch_cycles"] + longest, bus_bytes)


@compiled
def _different(loops: int, grid: Grid) -> int:
    """Tiles of a stream that differ: the turns of all loops that move it."""
    count = grid.b if loops & 1 else 1
    count *= grid.g if loops & 2 else 1
    count *= grid.k if loops & 4 else 1
    count *= grid.c if loops & 8 else 1
    count *= grid.y if loops & 16 else 1
    return count * (grid.x if loops & 32 else 1)
