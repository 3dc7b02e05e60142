"""Where the bytes of a tile lie in the second memory: contiguous runs, bursts and rows.

Constants lie tile by tile as they are read, feature maps in the order of the layout. The bus moves
whole bursts; runs in many rows take the time that a DRAM needs to open them.
"""

from __future__ import annotations

import numpy as np

from npusim.cost.dram import row_cycles
from npusim.cost.machine import Machine
from npusim.jit import compiled
from npusim.schedule.tables import CHW, HWC, OUTPUTS
from npusim.schedule.tiles import Part, block_pixels, ceil_div, channels_of, operand_bytes


@compiled
def runs_of(step: np.void, operand: np.void, part: Part) -> int:
    """Contiguous runs of memory in which the part of `operand` that a tile touches lies.

    Constants are laid out by the compiler tile by tile, so they are one run. Of a feature map that
    lies channels last (hwc), a part of the channels makes one run a pixel, a part of the width one
    run a row. Blocks of channels that lie outermost (chw) make a run each, and each of their rows
    one where the tile has a part of the width; within rows (hcw) it is the other way round. An
    operand with a share of the tile has the runs of the whole tile, each shorter.
    """
    if operand["constant"]:
        return 1
    rows = part.oy if operand["has_y"] else 1
    cols = part.ox if operand["has_x"] else 1
    full_width = cols == step["ox"] or not operand["has_x"]
    full_height = rows == step["oy"] or not operand["has_y"]
    if operand["window"]:
        rows = part.in_rows
        cols = part.in_cols
        full_width = cols == step["in_w"]
        full_height = rows == step["in_h"]
    images = part.b if operand["has_b"] else 1
    cut = (
        (operand["has_g"] and part.g < step["g"])
        or (operand["has_k"] and part.k < step["k"])
        or (operand["has_c"] and part.c < step["c"])
    )
    if operand["layout"] == HWC:
        if cut:
            return images * rows * cols
        return 1 if full_width else images * rows
    blocks = ceil_div(channels_of(step, operand, part), operand["block"])
    if operand["layout"] == CHW:
        if full_width and full_height:
            return images if cut else 1
        return images * blocks * (1 if full_width else rows)
    if full_width:
        return images * rows if cut else 1
    return images * rows * blocks


@compiled
def pitch_of(step: np.void, operand: np.void, part: Part) -> int:
    """Bytes from the start of one run of `runs_of` to the next."""
    whole = Part(step["b"], step["g"], step["k"], step["c"], step["oy"], step["ox"], 0, 0)
    channels = channels_of(step, operand, whole)
    width = step["ox"] if operand["has_x"] else 1
    height = step["oy"] if operand["has_y"] else 1
    cols = part.ox if operand["has_x"] else 1
    rows = part.oy if operand["has_y"] else 1
    if operand["window"]:
        width = step["in_w"]
        height = step["in_h"]
        cols = part.in_cols
        rows = part.in_rows
    if operand["layout"] == HWC:
        cut = channels_of(step, operand, part) < channels
        elements = channels if cut else channels * width
    elif operand["layout"] == CHW:
        elements = operand["block"] * width
        if cols == width:
            elements *= height
            if rows == height:
                elements = channels * width * height
    else:
        elements = width * (channels if cols == width else operand["block"])
    return int(elements * operand["bits"] // 8)


@compiled
def bus_bytes(step: np.void, operand: np.void, part: Part, burst: int) -> int:
    """Bytes that the bus moves for `operand_bytes`: every contiguous run fills whole bursts."""
    return bytes_in_bursts(step, operand, part, burst, operand_bytes(step, operand, part))


@compiled
def bytes_in_bursts(step: np.void, operand: np.void, part: Part, burst: int, total: int) -> int:
    """`bus_bytes` of a tile that has `total` bytes."""
    if total == 0:
        return 0
    if operand["piece"]:
        pieces = ceil_div(total, operand["piece"])
        if operand["role"] != OUTPUTS:
            pieces = _pieces(step, operand, part, total)
        return int(pieces * max(burst, operand["piece"]))
    runs = runs_of(step, operand, part)
    run, longer = total // runs, total % runs
    bursts = (runs - longer) * ceil_div(run, burst) + longer * ceil_div(run + 1, burst)
    return int(bursts * burst)


@compiled
def _pieces(step: np.void, operand: np.void, part: Part, total: int) -> int:
    """Reads of a plain input of `total` bytes by an array with blocks: each block of outputs reads
    what lies behind it, halo included, and again for each block of channels.
    """
    deep = 1
    if step["c"] > 1 or step["g"] == 1:
        again = step["order"] == 0 and _moves_inside_channels(step)
        deep = ceil_div(part.k if again else step["k"], step["block_channels"])
    pixels = max(1, part.b * part.in_rows * part.in_cols)
    fetched = total // pixels * part.b * deep * block_pixels(step, part.oy, part.ox)
    return int(ceil_div(fetched, operand["piece"]))


@compiled
def _moves_inside_channels(step: np.void) -> bool:
    """True if inputs come again for each tile of channels where that loop is an outer one."""
    whole = step["tile_oy"] == step["oy"] and step["tile_ox"] == step["ox"]
    return not (whole and step["tile_b"] == step["b"] and step["tile_c"] == step["c"])


@compiled
def stream_bus_bytes(
    step: np.void, operands: np.ndarray, stream: int, part: Part, burst: int
) -> int:
    """`bus_bytes` of all operands of `stream`, in the coding that they have on the bus."""
    total = 0
    for row in range(step["operand_start"], step["operand_stop"]):
        if operands[row]["stream"] == stream:
            plain = bus_bytes(step, operands[row], part, burst)
            coded = operands[row]["coded_bits"]
            if coded > 0.0:
                share = coded / operands[row]["bits"]
                plain = int(np.ceil(plain * share / burst)) * burst
            total += plain
    return total


@compiled
def row_time(step: np.void, operand: np.void, part: Part, machine: Machine) -> float:
    """Cycles that rows of the DRAM add to the `bus_bytes` of an operand."""
    if machine.dram_rows.page_bytes == 0:
        return 0.0
    bus = bus_bytes(step, operand, part, machine.burst_bytes)
    return time_of_rows(step, operand, part, machine, bus)


@compiled
def time_of_rows(step: np.void, operand: np.void, part: Part, machine: Machine, bus: int) -> float:
    """`row_time` of a tile that takes `bus` bytes on the bus."""
    if machine.dram_rows.page_bytes == 0:
        return 0.0
    runs = runs_of(step, operand, part)
    pitch = pitch_of(step, operand, part) if runs > 1 else 0
    data = bus / machine.dram_bytes_per_cycle
    return row_cycles(bus, runs, pitch, machine.burst_bytes, data, machine.dram_rows)


@compiled
def stream_row_time(
    step: np.void, operands: np.ndarray, stream: int, part: Part, machine: Machine
) -> float:
    """`row_time` of all operands of `stream`."""
    total = 0.0
    for row in range(step["operand_start"], step["operand_stop"]):
        if operands[row]["stream"] == stream:
            total += row_time(step, operands[row], part, machine)
    return total
