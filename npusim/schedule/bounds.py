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
from npusim.schedule.buffers import Sizes, sizes_of
from npusim.schedule.grid import Grid, Loops, moves_of
from npusim.schedule.tables import ARRAY
from npusim.schedule.tiles import Part, least_cols, least_rows
from npusim.schedule.traffic import StreamTraffic, Traffic, joined


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
    step: np.void, machine: Machine, loops: Loops, least: Sizes, grid: Grid, tile: Sizes,
    work: float,
) -> Floor:  # fmt: skip
    """No tiling in the loop order of `step` takes less that has at least the tiles of `grid`.

    `tile` is the least that one tile takes, with the pixels that `step` has; the array is busy for
    at least `work` cycles. Of `cycles_of` only what no size of tile can avoid: the first load, the
    last drain and store, and between them the longest of array, bus, and loads in turn with the
    array.
    """
    order = step["order"]
    weights = _least_stream(loops.weights, order, grid, least.weights, tile.weights)
    inputs = _least_stream(loops.inputs, order, grid, least.inputs, tile.inputs)
    outputs = _least_stream(loops.outputs, order, grid, least.outputs, tile.outputs)
    loads, late = inputs.moves, inputs.bytes
    if step["prefetch"] == 0:
        loads += weights.moves
        late += weights.bytes
    bus_bytes = weights.bytes + inputs.bytes + outputs.bytes
    rate = machine.dram_bytes_per_cycle
    access = machine.dma_setup + machine.dram_latency
    start, end = edges_of(step, machine, tile)
    in_turn = 0.5 * (work + late / rate + access * loads) + end
    longest = max(start + work + end, bus_bytes / rate, in_turn)
    return Floor(step["dispatch_cycles"] + longest, bus_bytes)


@compiled
def edges_of(step: np.void, machine: Machine, tile: Sizes) -> tuple[float, float]:
    """Cycles before the first tile can start and behind the last one, for the pixels, groups and
    channels of the tile in `step`: first load; last drain and store."""
    rate = machine.dram_bytes_per_cycle
    access = machine.dma_setup + machine.dram_latency
    first = tile.inputs if step["prefetch"] else tile.inputs + tile.weights
    start = first / rate + access if first > 0 else 0.0
    end = tile.outputs / rate + access if tile.outputs > 0 else 0.0
    if step["unit"] == ARRAY:
        pixels = step["tile_b"] * step["tile_oy"] * step["tile_ox"]
        end += pixels * step["tile_g"] * step["tile_k"] / step["post_rate"]
    return start, end


@compiled
def _different(loops: int, grid: Grid) -> int:
    """Tiles of a stream that differ: the turns of all loops that move it."""
    count = grid.b if loops & 1 else 1
    count *= grid.g if loops & 2 else 1
    count *= grid.k if loops & 4 else 1
    count *= grid.c if loops & 8 else 1
    count *= grid.y if loops & 16 else 1
    return count * (grid.x if loops & 32 else 1)
