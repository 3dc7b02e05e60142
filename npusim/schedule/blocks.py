"""The block of outputs that an array with buffers of its own works on, and what it fetches.

The compiler of such an array fixes the block before it tiles: of all blocks whose inputs and sums
fit the buffers twice, the one that fetches least for each output.

    fetched = inputs of a block x blocks of pixels x blocks of channels     (depthwise: once)
            + weights x blocks of pixels

Inputs that fit the buffer as a whole count half. Within a layer, blocks follow each other without a
gap; at its ends stand the way of the first inputs into the array (`lead`), and the outputs of the
last block with their way out (`tail`). Source: the block choice and the cost of a layer in
ethos-u-vela 5.2.0, as a mechanism.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from npusim.cost.machine import Machine
from npusim.hardware.blocks import Blocks
from npusim.hardware.mac_array import MacArray
from npusim.hardware.schema import Hardware
from npusim.ir.loopnest import LoopNest
from npusim.schedule.program import Step
from npusim.schedule.tables import ARRAY, VECTOR

_SUM_BYTES = 4


class Block(NamedTuple):
    """Extents of a block of outputs, and of the inputs behind it."""

    rows: int
    columns: int
    channels: int
    in_rows: int
    in_columns: int
    in_channels: int


class Shape(NamedTuple):
    """A layer as the choice sees it: outputs, window, inputs; `apart`: no channels are summed."""

    rows: int
    columns: int
    channels: int
    in_channels: int
    taps: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    in_size: tuple[int, int]
    apart: bool
    weighted: bool


def fill_block(row: np.void, nest: LoopNest, hardware: Hardware, machine: Machine) -> None:
    """Write the block of a step into its table row, and what it costs at both ends of the layer."""
    limits = hardware.mac_array.blocks
    if limits is None or row["unit"] not in (ARRAY, VECTOR) or not nest.operands:
        return
    if row["unit"] == VECTOR and row["fy"] * row["fx"] == 1:
        return
    shape = shape_of(row)
    block = chosen_block(shape, limits, _unit_of(hardware.mac_array), hardware.cores)
    row["block_rows"], row["block_columns"], row["block_channels"] = block[:3]
    inside = block.in_rows * block.in_columns * block.in_channels * nest.operands[0].bits / 8
    row["lead_cycles"] = int(np.ceil(inside / machine.sram_read_bytes_per_cycle))
    outputs = block.rows * block.columns * block.channels
    leaving = (
        outputs * nest.operands[-1].bits / 8 / machine.sram_write_bytes_per_cycle
        + machine.sram_latency
    )
    if row["unit"] == ARRAY:
        row["tail_cycles"] = int(np.ceil(leaving + outputs / row["post_rate"]))
    else:
        row["lead_cycles"] += int(np.ceil(leaving))


def fill_blocks(
    steps: Sequence[Step], table: np.ndarray, hardware: Hardware, machine: Machine
) -> None:
    """`fill_block` for all steps: stripes of rows have blocks of their own."""
    for step, row in zip(steps, table, strict=True):
        fill_block(row, step.nest, hardware, machine)


def ragged_outputs(row: np.void, mac: MacArray) -> float:
    """Outputs of a windowed step with what its unit computes at once counted as whole, as a ratio.

    Pooling runs on the pixels and channels of the array; the rest of the vector unit's work is one
    element after the other.
    """
    if mac.blocks is None or row["fy"] * row["fx"] <= 1:
        return 1.0
    high, wide = mac.pixels
    channels = int(row["g"] * row["k"])
    whole = _rounded(int(row["oy"]), high) * _rounded(int(row["ox"]), wide)
    return whole * _rounded(channels, mac.cols) / int(row["oy"] * row["ox"] * channels)


def piece_of(row: np.void, hardware: Hardware, bits: int) -> int:
    """Bytes that one read takes of a plain input: the channels of a block; 0 for whole runs."""
    least = hardware.memory.layout.plain_piece_bytes
    if least is None or not row["block_rows"]:
        return 0
    return max(least, _in_depth(shape_of(row), _unit_of(hardware.mac_array)) * bits // 8)


def written_piece(row: np.void, hardware: Hardware, bits: int) -> int:
    """Bytes that one write puts of a plain output; 0 for whole runs, as those of few channels."""
    piece = hardware.memory.layout.plain_write_bytes
    if piece is None or row["g"] * row["k"] * bits <= 8 * piece:
        return 0
    return piece


def shape_of(row: np.void) -> Shape:
    """The layer of a step's table row, its stripe of rows, or one of its groups; depthwise layers
    and pooling keep channels apart and have all groups in one."""
    apart = row["c"] == 1 and (row["g"] > 1 or row["unit"] == VECTOR)
    g, k, c = int(row["g"]), int(row["k"]), int(row["c"])
    high = (row["oy"] - 1) * row["stride_y"] + (row["fy"] - 1) * row["dilation_y"] + 1
    return Shape(
        int(row["oy"]), int(row["ox"]), g * k if apart else k, g * k if apart else c,
        (int(row["fy"]), int(row["fx"])),
        (int(row["stride_y"]), int(row["stride_x"])),
        (int(row["dilation_y"]), int(row["dilation_x"])),
        (int(min(row["in_h"], high)), int(row["in_w"])),
        bool(apart), bool(row["unit"] == ARRAY),
    )  # fmt: skip


class Unit(NamedTuple):
    """What the array computes at once: pixels, channels in and out, and the largest kernel."""

    rows: int
    columns: int
    channels: int
    in_channels: int
    channel_block: int
    tap_block: int
    kernel: tuple[int, int]


def _unit_of(mac: MacArray) -> Unit:
    kernel = mac.max_kernel or (1 << 30, 1 << 30)
    depth = mac.channel_block or mac.rows
    return Unit(*mac.pixels, mac.cols, mac.rows, depth, mac.tap_block, kernel)


def _rounded(size: int, step: int) -> int:
    return -(-size // step) * step


@functools.lru_cache(maxsize=4096)
def chosen_block(shape: Shape, limits: Blocks, unit: Unit, cores: int) -> Block:
    """The block of `shape` that fetches least; the smallest one if none fits.

    Of outputs of one row behind a window of one row, the sums of that row alone are held.
    """
    wide = unit.channels * cores
    depths = np.array(_depths(shape.channels, limits, wide))[:, None, None]
    rows = _sizes(shape.rows, limits.rows, unit.rows)[None, :, None]
    columns = _sizes(shape.columns, limits.columns, unit.columns)[None, None, :]
    in_rows, in_columns = (
        _rounded_up(_behind(sizes, shape, axis, unit), (unit.rows, unit.columns)[axis])
        for axis, sizes in enumerate((rows, columns))
    )
    in_depth = depths if shape.apart else np.array(_in_depth(shape, unit)) + 0 * depths
    if shape.rows == shape.taps[0] == 1:
        rows = np.ones_like(rows)
    fits = _fits(limits, shape, in_rows * in_columns, in_depth, rows * columns, depths)
    fetched = _fetched(shape, unit, rows, columns, depths, in_rows * in_columns)
    whole = shape.in_size[0] * shape.in_size[1] * shape.in_channels
    fetched = np.where(whole < 2 * in_rows * in_columns * in_depth, fetched / 2, fetched)
    fetched = np.where(fits, fetched, np.inf)
    k, y, x = np.unravel_index(int(np.argmin(fetched)), fetched.shape)
    return Block(
        min(shape.rows, int(rows[0, y, 0])), min(shape.columns, int(columns[0, 0, x])),
        min(shape.channels, int(depths[k, 0, 0])),
        min(shape.in_size[0], int(in_rows[0, y, 0])),
        min(shape.in_size[1], int(in_columns[0, 0, x])),
        min(shape.in_channels, int(in_depth[k, 0, 0])),
    )  # fmt: skip


def _depths(channels: int, limits: Blocks, wide: int) -> list[int]:
    """Channels of the blocks that are tried: multiples of the step, and all of them."""
    most = _rounded(min(channels, limits.channels), wide)
    found: list[int] = []
    depth = max(wide, min(most, limits.channel_step))
    while True:
        if depth < channels:
            depth = _rounded(depth, limits.channel_step)
        if depth > most:
            return found or [most]
        found.append(depth)
        depth += wide


def _sizes(extent: int, limit: int, unit: int) -> np.ndarray:
    return np.arange(unit, _rounded(min(extent, limit), unit) + 1, unit)


def _rounded_up(sizes: np.ndarray, step: int) -> np.ndarray:
    return -(-sizes // step) * step


def _behind(sizes: np.ndarray, shape: Shape, axis: int, unit: Unit) -> np.ndarray:
    """Input rows or columns behind those of a block, one piece of the kernel at a time."""
    span = min((shape.taps[axis] - 1) * shape.dilation[axis] + 1, unit.kernel[axis])
    return (sizes - 1) * shape.stride[axis] + span


def _in_depth(shape: Shape, unit: Unit) -> int:
    """Channels of a block of inputs: those of a pass, in the order that leaves fewer idle."""
    taps = shape.taps[0] * shape.taps[1]
    narrow = _rounded(shape.in_channels, unit.in_channels)
    part = shape.in_channels / narrow * taps / _rounded(taps, unit.tap_block)
    deep = shape.in_channels / _rounded(shape.in_channels, unit.channel_block)
    most = unit.channel_block
    if shape.in_channels <= unit.in_channels or part >= deep:
        most = 2 * unit.in_channels
    return _rounded(min(shape.in_channels, most), unit.in_channels)


def _fits(
    limits: Blocks, shape: Shape, in_pixels: np.ndarray, in_depth: np.ndarray, pixels: np.ndarray,
    depths: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Which blocks fit as often as they are buffered; each core has the sums of all."""
    times = limits.apart_buffers if shape.apart else 2
    inputs = _rounded_up(times * in_pixels * _rounded_up(in_depth, 8), limits.input_granule_bytes)
    sums = _rounded_up(
        times * _SUM_BYTES * pixels * _rounded_up(depths, 8), limits.sum_granule_bytes
    )
    if limits.memory_bytes is not None:
        return np.asarray(inputs + sums <= limits.memory_bytes)
    assert limits.input_memory_bytes is not None and limits.sum_memory_bytes is not None
    return np.asarray((inputs <= limits.input_memory_bytes) & (sums <= limits.sum_memory_bytes))


def _fetched(
    shape: Shape, unit: Unit, rows: np.ndarray, columns: np.ndarray, depths: np.ndarray,
    in_pixels: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Elements that all blocks of a layer fetch."""
    blocks = shape.rows / rows * (shape.columns / columns)
    pieces = 1
    for axis in (0, 1):
        span = (shape.taps[axis] - 1) * shape.dilation[axis] + 1
        pieces *= -(-span // unit.kernel[axis])
    inputs = in_pixels * shape.in_channels * pieces * blocks
    if not shape.apart:
        inputs = inputs * -(-shape.channels // depths)
    if not shape.weighted:
        return np.asarray(inputs + 0 * depths)
    whole = -(-shape.rows // rows) * -(-shape.columns // columns)
    weights = shape.taps[0] * shape.taps[1] * shape.in_channels * whole
    if not shape.apart:
        weights = weights * shape.channels
    return np.asarray(inputs + weights + 0 * depths)
