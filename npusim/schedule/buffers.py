"""What the buffers of a tile take, and whether its sums fit the accumulators."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.cost.array import (
    DIRECT_CONVOLUTION,
    IN_MEMORY,
    INPUT_STATIONARY,
    OUTPUT_STATIONARY,
    WEIGHT_STATIONARY,
)
from npusim.cost.machine import Machine
from npusim.jit import compiled
from npusim.schedule.grid import Grid, Loops, grid_of, largest_part, loops_of, moves_of
from npusim.schedule.tables import ARRAY, INPUTS, MOST_BUFFERS, RESIDENT, WEIGHTS
from npusim.schedule.tiles import (
    Part,
    ceil_div,
    operand_bytes,
)

NO_LIMIT = 1 << 62
"""Pixels of a tile whose sums fit whatever their number."""


class Sizes(NamedTuple):
    """Bytes of one tile by stream."""

    weights: int
    inputs: int
    outputs: int


@compiled
def set_buffers(step: np.void, operands: np.ndarray, most: int) -> int:
    """Set the number of buffers of each stream; returns the bytes that they take.

    A stream that moves once needs one buffer, any other as many as the hardware has.
    """
    grid = grid_of(step)
    sizes = sizes_of(step, operands, largest_part(step, grid))
    return buffer_bytes(step, most, loops_of(step, operands), grid, sizes)


@compiled
def sizes_of(step: np.void, operands: np.ndarray, part: Part) -> Sizes:
    """Bytes of one buffer for each stream."""
    weights = inputs = outputs = 0
    for row in range(step["operand_start"], step["operand_stop"]):
        stream = operands[row]["stream"]
        if stream == RESIDENT:
            continue
        size = operand_bytes(step, operands[row], part)
        if stream == WEIGHTS:
            weights += size
        elif stream == INPUTS:
            inputs += size
        elif step["direct_store"] == 0:
            outputs += size
    return Sizes(weights, inputs, outputs)


@compiled
def buffer_bytes(step: np.void, most: int, loops: Loops, grid: Grid, sizes: Sizes) -> int:
    """`set_buffers` for known loops, grid and tile."""
    if step["banks"] > 0:
        return _banked_bytes(step, loops, grid, sizes)
    order = step["order"]
    weights_most = 1 if step["single_weights"] else most
    inputs_most = 1 if step["single_inputs"] else most
    outputs_most = 1 if step["single_outputs"] else most
    step["buffers_weights"] = min(weights_most, moves_of(loops.weights, order, grid))
    step["buffers_inputs"] = min(inputs_most, moves_of(loops.inputs, order, grid))
    step["buffers_outputs"] = min(outputs_most, moves_of(loops.outputs, order, grid))
    return held_bytes(
        step,
        sizes.weights * step["buffers_weights"],
        sizes.inputs * step["buffers_inputs"],
        sizes.outputs * step["buffers_outputs"],
    )


@compiled
def _banked_bytes(step: np.void, loops: Loops, grid: Grid, sizes: Sizes) -> int:
    """`buffer_bytes` where SRAM is split in banks for inputs and banks for weights.

    Tiles of inputs, and of weights, follow each other in their banks as long as there is room.
    """
    order, bank, data = step["order"], step["bank_bytes"], step["data_banks"]
    if data == 0:
        data = max(1, ceil_div(sizes.inputs, bank))
    left = step["banks"] - data
    step["room_inputs"] = data * bank
    step["room_weights"] = min(left, step["weight_banks"] or left) * bank
    loads = moves_of(loops.weights, order, grid)
    step["buffers_weights"] = min(MOST_BUFFERS, loads)
    step["buffers_inputs"] = min(MOST_BUFFERS, moves_of(loops.inputs, order, grid))
    step["buffers_outputs"] = min(2, moves_of(loops.outputs, order, grid))
    short = max(0, sizes.inputs - step["room_inputs"])
    short += max(0, sizes.weights - step["room_weights"])
    if short > 0:
        return int(step["banks"] * bank + short)
    return int(step["room_inputs"] + min(step["room_weights"], sizes.weights * loads))


@compiled
def held_bytes(step: np.void, weights: int, inputs: int, outputs: int) -> int:
    """SRAM that buffers of these bytes take.

    Weights that stream through a part of SRAM take no more than it; partial sums that wait in SRAM
    do so where the outputs will be.
    """
    if step["weight_part"] > 0:
        weights = min(weights, step["weight_part"])
    pixels = step["tile_b"] * step["tile_oy"] * step["tile_ox"]
    sums = pixels * step["tile_g"] * step["tile_k"] * step["sum_bits"] // 8
    return int(weights + inputs + max(outputs, sums))


@compiled
def sums_fit(step: np.void, machine: Machine) -> bool:
    """True if the partial sums of a tile fit the accumulators.

    A systolic or in-memory array that has the whole reduction in a tile needs room for one column
    of output channels only; one that does not keeps all channels of the tile, as dot-product arrays
    always do. Output-stationary arrays hold their sums in place, for a whole reduction; so does
    direct convolution, stripe by stripe. Input-stationary arrays have pixels in their columns: one
    column of them for a whole reduction, or all.
    """
    pixels = step["tile_b"] * step["tile_oy"] * step["tile_ox"]
    return bool(pixels <= most_pixels(step, machine, step["dataflow"]))


@compiled
def most_pixels(step: np.void, machine: Machine, dataflow: int) -> int:
    """The most output pixels of a tile whose sums fit, with the channels that `step` has."""
    if step["unit"] != ARRAY:
        return NO_LIMIT
    whole = step["tile_c"] == step["c"]
    if dataflow in (OUTPUT_STATIONARY, DIRECT_CONVOLUTION):
        return NO_LIMIT if whole else 0
    cols, entries = machine.array.cols, machine.array.accumulators // step["buffers_sums"]
    if dataflow == INPUT_STATIONARY:
        columns = entries // step["tile_k"]
        if whole:
            return NO_LIMIT if columns > 0 else 0
        return int(columns // step["tile_g"] * cols)
    if dataflow in (WEIGHT_STATIONARY, IN_MEMORY) and whole:
        return int(entries)
    return int(entries // ceil_div(step["tile_g"] * step["tile_k"], cols))
