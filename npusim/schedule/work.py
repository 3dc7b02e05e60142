"""The work of one job: its tile's bounds turned into cycles, bytes and MACs by the cost functions.

The search and the engine both come here, so a tiling is judged by what it will cost.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from npusim.cost.array import (
    DIRECT_CONVOLUTION,
    IN_MEMORY,
    ROW_STATIONARY,
    core_share,
    tile_cost,
    with_weights_in_place,
)
from npusim.cost.in_memory import held_folds, input_wait
from npusim.cost.machine import Machine
from npusim.cost.row_stationary import row_mapping
from npusim.cost.stripes import output_cycles
from npusim.cost.transfer import cycles_at, shared_cycles
from npusim.cost.types import Extents
from npusim.jit import compiled
from npusim.schedule.runs import bus_bytes, stream_bus_bytes, stream_row_time
from npusim.schedule.tables import ARRAY, INPUTS, OUTPUTS, WEIGHTS
from npusim.schedule.tiles import (
    Part,
    block_pixels,
    ceil_div,
    channels_of,
    operand_bytes,
    stream_bytes,
)


class ArrayWork(NamedTuple):
    """A tile on the array: `cycles` it holds the array, of which `occupied` are the array's own;
    the rest it waits for inputs.

    `compute` is issued MACs / peak rate; `fill` and `weight_load` are parts of `occupied`. Partial
    sums that wait in SRAM: `sum_bytes` each way, `own_sum_bytes` those of the tile once. `hops` are
    words from element to element, `filled` words written to scratchpads.
    """

    cycles: int
    occupied: int
    compute: float
    fill: int
    weight_load: int
    first_output: int
    tail: int
    weight_lead: int
    port_cycles: int
    write_port_cycles: int
    read_bytes: int
    macs: int
    sum_bytes: int
    own_sum_bytes: int
    hops: int
    filled: int


class StreamWork(NamedTuple):
    """A tile on the vector unit, the output stage or the bus."""

    cycles: int
    read_cycles: int
    write_cycles: int
    read_bytes: int
    write_bytes: int
    ops: int
    outputs: int


class TransferWork(NamedTuple):
    """A DMA transfer: data phase on the bus with its rows, share of the SRAM port, and what SRAM
    gets or gives.

    `stream_cycles` is the data phase at the rate of the stream's own buffer, 0 if it has none.
    """

    cycles: int
    stream_cycles: int
    port_cycles: int
    bus_bytes: int
    row_cycles: float
    sram_bytes: int


@compiled
def array_work(
    step: np.void, operands: np.ndarray, part: Part, machine: Machine, weights_held: bool = False
) -> ArrayWork:
    """Work of a COMPUTE job on the array, which may hold its weights already."""
    tile = extents_of(step, part)
    cost = tile_cost(step["dataflow"], step["split"], tile, machine.array)
    if weights_held:
        cost = with_weights_in_place(cost)
    nominal = tile.b * tile.g * tile.k * tile.c * tile.oy * tile.ox * tile.fy * tile.fx
    macs = int(nominal * step["density"] + 0.5)
    first_output, tail = cost.first_output, cost.tail
    if step["block_rows"]:
        read_bytes = _block_reads(step, operands, part, machine)
        first_output = min(first_output, _first_block(step, part, cost.occupied))
        tail += step["tail_cycles"]
    else:
        input_bits, weight_bits = _operand_bits(step, operands)
        read_bits = cost.input_reads * input_bits + math.ceil(cost.weight_reads * weight_bits)
        read_bytes = (read_bits + 7) // 8
    sum_bytes = own_sum_bytes = hops = filled = 0
    if step["dataflow"] == ROW_STATIONARY:
        rows = row_mapping(tile, machine.array)
        own_sum_bytes = tile.b * tile.g * tile.k * tile.oy * tile.ox * machine.array.sum_bits // 8
        sum_bytes = tile.g * rows.sum_words * machine.array.sum_bits // 8
        hops, filled = tile.g * rows.hops, tile.g * rows.filled
    port_cycles = cycles_at(read_bytes + sum_bytes, machine.sram_read_bytes_per_cycle)
    write_port_cycles = cycles_at(sum_bytes, machine.sram_write_bytes_per_cycle)
    peak = machine.mac_units * step["mac_rate"]
    waiting = 0
    if step["dataflow"] == IN_MEMORY:
        share = core_share(IN_MEMORY, step["split"], tile, machine.array)
        waiting = input_wait(share, machine.array)
    return ArrayWork(
        max(cost.occupied, port_cycles, write_port_cycles), cost.occupied - waiting, macs / peak,
        cost.fill,
        cost.weight_load, first_output, tail, cost.weight_lead, port_cycles,
        write_port_cycles, read_bytes, macs, sum_bytes, own_sum_bytes, hops, filled,
    )  # fmt: skip


@compiled
def extents_of(step: np.void, part: Part) -> Extents:
    """A tile as the array sees it: nominal MACs pass faster where some of them are skipped."""
    rate = step["mac_rate"] / step["density"]
    return Extents(
        part.b, part.g, part.k, part.c, part.oy, part.ox, step["fy"], step["fx"], rate,
        step["stride_y"], step["stride_x"], step["dilation_y"], step["dilation_x"],
    )  # fmt: skip


@compiled
def holds_weights(step: np.void, machine: Machine) -> bool:
    """True if tiles of `step` that differ in pixels alone are written into the array once.

    The weight sets of a core must hold all that the tiles between two of them use.
    """
    if step["unit"] != ARRAY or step["dataflow"] != IN_MEMORY:
        return False
    part = Part(
        step["tile_b"], step["tile_g"], step["tile_k"], step["tile_c"], step["tile_oy"],
        step["tile_ox"], 0, 0,
    )  # fmt: skip
    tile = core_share(IN_MEMORY, step["split"], extents_of(step, part), machine.array)
    folds = held_folds(tile, machine.array) * ceil_div(step["c"], step["tile_c"])
    if step["order"] != 0:
        folds *= ceil_div(step["g"], step["tile_g"]) * ceil_div(step["k"], step["tile_k"])
    return bool(folds <= machine.array.weight_sets)


@compiled
def _block_reads(step: np.void, operands: np.ndarray, part: Part, machine: Machine) -> int:
    """Bytes that the blocks of a tile fetch: inputs for each block of outputs, halo included, and
    weights for each block of pixels. Depthwise layers fetch inputs once for all channels.
    """
    inputs, weights = operands[step["operand_start"]], operands[step["operand_start"] + 1]
    blocks = ceil_div(part.oy, step["block_rows"]) * ceil_div(part.ox, step["block_columns"])
    deep = 1
    if step["c"] > 1 or step["g"] == 1:
        deep = ceil_div(part.k, step["block_channels"])
    pixels = part.b * block_pixels(step, part.oy, part.ox)
    elements = pixels * deep * channels_of(step, inputs, part)
    fetched = ceil_div(elements * inputs["bits"], 8)
    if inputs["piece"]:
        burst = max(machine.sram_burst_bytes, inputs["piece"])
        fetched = ceil_div(fetched, inputs["piece"]) * burst
    once = operand_bytes(step, weights, part)
    return int(fetched + part.b * blocks * once)


@compiled
def _first_block(step: np.void, part: Part, occupied: int) -> int:
    """Cycles until the first block of a tile is done, of its `occupied` ones."""
    outputs = part.b * part.g * part.k * part.oy * part.ox
    block = min(part.oy, step["block_rows"]) * min(part.ox, step["block_columns"])
    block *= min(part.g * part.k, step["block_channels"])
    return int(ceil_div(occupied * block, outputs))


@compiled
def _operand_bits(step: np.void, operands: np.ndarray) -> tuple[int, float]:
    """Bits of an input and of a weight where the array reads them: coded weights as they lie."""
    first = step["operand_start"]
    weights = operands[first + 1]
    if weights["stored_of"]:
        return operands[first]["bits"], 8 * weights["stored_bytes"] / weights["stored_of"]
    return operands[first]["bits"], float(weights["bits"])


@compiled
def post_work(step: np.void, operands: np.ndarray, part: Part, machine: Machine) -> StreamWork:
    """Work of a POST job: outputs through the output stage into SRAM or the second memory.

    Behind stripes, each kernel group takes its time for each pixel, whether its columns are all
    used or not. Bias and scale of channels come with each block of pixels, as their buffer lets
    them.
    """
    outputs, write_bytes = _outputs(step, operands, part)
    if step["dataflow"] == DIRECT_CONVOLUTION:
        groups = ceil_div(part.g * part.k, machine.array.cols * machine.array.cores)
        group = output_cycles(part.b * part.oy * part.ox, machine.array)
        cycles = cycles_at(groups * group, 1.0)
    else:
        cycles = cycles_at(outputs, step["post_rate"])
    if step["direct_store"]:
        bus = stream_bus_bytes(step, operands, OUTPUTS, part, machine.burst_bytes)
        cycles = max(cycles, cycles_at(bus, machine.dram_bytes_per_cycle))
        return StreamWork(cycles, 0, 0, 0, 0, 0, outputs)
    write = cycles_at(write_bytes, machine.sram_write_bytes_per_cycle)
    cycles = max(cycles, write)
    if machine.parameter_flight > 0 and step["block_rows"]:
        times = part.b * max(1.0, part.oy * part.ox / _block_outputs(step))
        fetched = times * _parameter_bytes(step, operands, part)
        cycles = max(cycles, cycles_at(fetched, machine.parameter_flight))
    return StreamWork(cycles, 0, write, 0, write_bytes, 0, outputs)


@compiled
def parameter_time(step: np.void, operands: np.ndarray, machine: Machine) -> float:
    """Cycles that bias and scale take at least in all POST jobs of the tiling in `step`."""
    if machine.parameter_flight == 0 or not step["block_rows"]:
        return 0.0
    whole = Part(step["b"], step["g"], step["k"], step["c"], step["oy"], step["ox"], 0, 0)
    tiles = ceil_div(step["oy"], step["tile_oy"]) * ceil_div(step["ox"], step["tile_ox"])
    times = step["b"] * max(float(tiles), step["oy"] * step["ox"] / _block_outputs(step))
    return float(times * _parameter_bytes(step, operands, whole) / machine.parameter_flight)


@compiled
def _block_outputs(step: np.void) -> int:
    """Pixels of a block of outputs."""
    return int(step["block_rows"] * step["block_columns"])


@compiled
def _parameter_bytes(step: np.void, operands: np.ndarray, part: Part) -> int:
    """Bytes of bias and scale of the channels of a tile."""
    total = 0
    for row in range(step["operand_start"], step["operand_stop"]):
        operand = operands[row]
        if operand["role"] == WEIGHTS and operand["has_c"] == 0 and operand["has_taps"] == 0:
            total += operand_bytes(step, operand, part)
    return total


@compiled
def vector_work(step: np.void, operands: np.ndarray, part: Part, machine: Machine) -> StreamWork:
    """Work of a COMPUTE job on the vector unit; the SRAM ports can be what limits it."""
    outputs, write_bytes = _outputs(step, operands, part)
    read_bytes = 0
    for row in range(step["operand_start"], step["operand_stop"]):
        if operands[row]["role"] != OUTPUTS:
            read_bytes += operand_bytes(step, operands[row], part)
    read = cycles_at(read_bytes, machine.sram_read_bytes_per_cycle)
    write = cycles_at(write_bytes, machine.sram_write_bytes_per_cycle)
    ops = int(outputs * step["ops_per_output"] + 0.5)
    shared = shared_cycles(read, read_bytes, machine) + shared_cycles(write, write_bytes, machine)
    cycles = max(cycles_at(ops, step["vector_rate"]), read, write, shared)
    return StreamWork(cycles, read, write, read_bytes, write_bytes, ops, outputs)


@compiled
def _outputs(step: np.void, operands: np.ndarray, part: Part) -> tuple[int, int]:
    """Output elements and bytes of a tile."""
    elements = part.b * part.g * part.k * part.oy * part.ox
    written = 0
    for row in range(step["operand_start"], step["operand_stop"]):
        if operands[row]["role"] == OUTPUTS:
            written += operand_bytes(step, operands[row], part)
    return elements, written


@compiled
def transfer_work(
    step: np.void, operands: np.ndarray, stream: int, part: Part, machine: Machine
) -> TransferWork:
    """Work of a LOAD or STORE job."""
    bus = stream_bus_bytes(step, operands, stream, part, machine.burst_bytes)
    useful = stream_bytes(step, operands, stream, part)
    port_rate = machine.sram_read_bytes_per_cycle
    if stream <= INPUTS:
        port_rate = machine.sram_write_bytes_per_cycle
    port = cycles_at(useful, port_rate)
    data = cycles_at(bus, machine.dram_bytes_per_cycle)
    rows = stream_row_time(step, operands, stream, part, machine)
    if rows > 0.0:
        data = int(np.ceil(bus / machine.dram_bytes_per_cycle + rows - 1e-6))
    streamed = _stream_cycles(step, operands, stream, part, machine)
    return TransferWork(max(data, port), streamed, port, bus, rows, useful)


@compiled
def _stream_cycles(
    step: np.void, operands: np.ndarray, stream: int, part: Part, machine: Machine
) -> int:
    """Cycles of a transfer at the rate of its stream's buffer."""
    most = 0
    for row in range(step["operand_start"], step["operand_stop"]):
        operand = operands[row]
        if operand["stream"] == stream:
            rate = machine.input_flight
            if stream == OUTPUTS:
                rate = machine.output_flight
            elif stream == WEIGHTS:
                rate = machine.weight_flight
            if rate > 0:
                bus = bus_bytes(step, operand, part, machine.burst_bytes)
                if stream == WEIGHTS and operand["constant"]:
                    bus = operand_bytes(step, operand, part)
                most = max(most, cycles_at(bus, rate))
    return most
