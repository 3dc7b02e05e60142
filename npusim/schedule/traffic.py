"""All transfers of a tiling: bytes on the bus, and how many they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.cost.machine import Machine
from npusim.jit import compiled
from npusim.schedule.corners import padded_channels, shared_bytes
from npusim.schedule.grid import Grid, loops_of, moves_of
from npusim.schedule.runs import bytes_in_bursts, time_of_rows
from npusim.schedule.tables import INPUTS, OUTPUTS, RESIDENT, WEIGHTS
from npusim.schedule.tiles import (
    Part,
    operand_bytes,
)


class StreamTraffic(NamedTuple):
    """Bus bytes of all tiles of a stream, how many are moved, and bus bytes of one."""

    bytes: float
    moves: int
    tile_bytes: int


class Traffic(NamedTuple):
    """What a step moves: bus bytes and transfers of its loads and of its stores; the bus bytes of
    the first loads and of one store; bytes and transfers of the loads that come a step early.

    The time that a DRAM takes for rows is counted as bytes that the bus could have moved in it.
    """

    load_bytes: float
    store_bytes: float
    loads: int
    stores: int
    first_bytes: int
    last_bytes: int
    early_bytes: float
    early_loads: int


@compiled
def traffic_of(
    step: np.void, operands: np.ndarray, machine: Machine, grid: Grid, part: Part
) -> Traffic:
    """All transfers of the tiling in `step`."""
    loops, order = loops_of(step, operands), step["order"]
    loads, weight_loads = moves_of(loops.inputs, order, grid), moves_of(loops.weights, order, grid)
    stores = moves_of(loops.outputs, order, grid)
    weights_bytes = inputs_bytes = outputs_bytes = 0.0
    weights_bus = inputs_bus = outputs_bus = 0
    for row in range(step["operand_start"], step["operand_stop"]):
        operand = operands[row]
        stream = operand["stream"]
        if stream == RESIDENT:
            continue
        count = stores
        if stream != OUTPUTS:
            count = weight_loads if stream == WEIGHTS else loads
        tile = operand_bytes(step, operand, part)
        own = bytes_in_bursts(step, operand, part, machine.burst_bytes, tile)
        rows = time_of_rows(step, operand, part, machine, own)
        own += int(rows * machine.dram_bytes_per_cycle)
        total = _all_bytes(step, operand, grid, count) * (own / max(tile, 1))
        if stream == WEIGHTS:
            weights_bytes += total
            weights_bus += own
        elif stream == INPUTS:
            inputs_bytes += total
            inputs_bus += own
        else:
            outputs_bytes += total
            outputs_bus += own
    weights = StreamTraffic(weights_bytes, weight_loads if weights_bus else 0, weights_bus)
    inputs = StreamTraffic(inputs_bytes, loads if inputs_bus else 0, inputs_bus)
    outputs = StreamTraffic(outputs_bytes, stores if outputs_bus else 0, outputs_bus)
    return joined(step, weights, inputs, outputs)


@compiled
def joined(
    step: np.void, weights: StreamTraffic, inputs: StreamTraffic, outputs: StreamTraffic
) -> Traffic:
    """The traffic of a step from that of its streams; the first weights may come early."""
    early_bytes, early_loads, first = 0.0, 0, inputs.tile_bytes
    if step["prefetch"] and weights.tile_bytes > 0:
        early_loads = min(weights.moves, step["buffers_weights"])
        early_bytes = weights.bytes * early_loads / weights.moves
    else:
        first += weights.tile_bytes
    return Traffic(
        weights.bytes + inputs.bytes, outputs.bytes, weights.moves + inputs.moves, outputs.moves,
        first, outputs.tile_bytes, early_bytes, early_loads,
    )  # fmt: skip


@compiled
def _all_bytes(step: np.void, operand: np.void, grid: Grid, count: int) -> float:
    """Bytes of `operand` over `count` moves of its stream, halo and repeats included."""
    elements = 1.0
    own = 1
    if operand["has_b"]:
        elements *= step["b"]
        own *= grid.b
    if operand["has_g"]:
        own *= grid.g
    if operand["has_k"]:
        own *= grid.k
    if operand["has_c"]:
        own *= grid.c
    elements *= padded_channels(step, operand)
    if operand["has_taps"]:
        elements *= step["fy"] * step["fx"]
    if operand["has_y"]:
        elements *= grid.all_rows if operand["window"] else step["oy"]
        own *= grid.y
    if operand["has_x"]:
        elements *= grid.all_cols if operand["window"] else step["ox"]
        own *= grid.x
    if operand["share"] != operand["share_of"] or operand["stored_of"]:
        return shared_bytes(step, operand) * (count / own)
    return float(elements * operand["bits"] / 8 * (count / own))
