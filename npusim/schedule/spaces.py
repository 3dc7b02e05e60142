"""Which tilings of a step are tried: candidate sizes by dimension, under the hardware's limits.

A dimension of extent e is cut into 1, 2, 3, 4, 6, 8, 12, ... parts; sizes are rounded up to what
the array takes at once, so that no tile is ragged where it need not be. Smaller tiles than that,
which leave a part of the array idle, are halvings of it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Hashable
from typing import NamedTuple

import numpy as np

from npusim.cost.array import CORE_SPLITS, DATAFLOWS
from npusim.cost.machine import Machine
from npusim.hardware.schema import Hardware
from npusim.schedule.candidates import Space
from npusim.schedule.fixed import SEARCHED, TILE_DIMS, StepMapping
from npusim.schedule.grid import grid_of
from npusim.schedule.kept import text_of
from npusim.schedule.layout import whole_blocks
from npusim.schedule.program import Step
from npusim.schedule.tables import ARRAY, LOOP_ORDERS

_PARTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 128, 256, 1024, 4096, 1 << 40)


class Choices(NamedTuple):
    """What a step may choose from on a hardware, by name."""

    loop_orders: tuple[str, ...]
    dataflows: tuple[str, ...]
    core_splits: tuple[str, ...]


def choices_of(unit: int, hardware: Hardware) -> Choices:
    """Choices of a step on `unit`; off the array there is one of each."""
    if unit != ARRAY:
        return Choices(LOOP_ORDERS[1:], DATAFLOWS[:1], CORE_SPLITS[:1])
    rules = hardware.mapping
    orders: tuple[str, ...] = LOOP_ORDERS
    if rules.loop_orders != "any":
        orders = rules.loop_orders
    splits: tuple[str, ...] = CORE_SPLITS[:1]
    if hardware.cores > 1:
        splits = tuple(name for name in CORE_SPLITS if name in rules.core_splits)
    return Choices(orders, hardware.mac_array.dataflows, splits)


def names_of(order: int, dataflow: int, split: int) -> tuple[str, str, str]:
    """Names of a loop order, a dataflow and a core split by their numbers in the tables."""
    return LOOP_ORDERS[order], DATAFLOWS[dataflow], CORE_SPLITS[split]


def read_by_spaces(hardware: Hardware, machine: Machine) -> tuple[Hashable, ...]:
    """All that `space_of` looks at in a hardware, as values."""
    array = machine.array
    return (
        text_of(hardware.mapping),
        hardware.mac_array.dataflows,
        hardware.cores,
        hardware.memory.layout.channel_block,
        (array.rows, array.cols, array.pixels_y, array.pixels_x),
        (machine.weight_banks, machine.data_banks, machine.banks),
        machine.bank_bytes if machine.banks else 0,
        machine.channel_block,
    )


def space_of(
    step: Step, row: np.void, hardware: Hardware, machine: Machine, bytes_: int,
    fixed: StepMapping = SEARCHED,
) -> Space:  # fmt: skip
    """Candidates of `step` (its table row is `row`) in `bytes_` of SRAM; `fixed` narrows them."""
    choices = choices_of(step.unit, hardware)
    sizes = _all_sizes(step, row, hardware, machine, fixed)
    splits = choices.core_splits
    if int(row["b"]) == 1 and len(splits) > 1:
        splits = tuple(name for name in splits if name != "B")
    spatial = _spatial(row, sizes)
    if row["banks"] > 0:
        spatial = _largest_inputs(step, row, machine, spatial, sizes["G"][-1])
    return Space(
        spatial,
        np.array(sizes["G"]),
        np.array(sizes["K"]),
        np.array(sizes["C"]),
        _numbers(DATAFLOWS, choices.dataflows, fixed.dataflow),
        _numbers(LOOP_ORDERS, choices.loop_orders, fixed.loop_order),
        _numbers(CORE_SPLITS, splits, fixed.core_split),
        hardware.mapping.buffers,
        bytes_,
    )


def _largest_inputs(
    step: Step, row: np.void, machine: Machine, spatial: np.ndarray, groups: int
) -> np.ndarray:
    """Of spatial tiles in falling order, the first whose inputs fit in their banks; else all.

    Beside them there must be room for the weights of a kernel group.
    """
    bits = {operand.role: operand.bits for operand in step.nest.operands}
    taps, channels = int(row["fy"] * row["fx"]), int(row["c"])
    kernels = min(int(row["k"]), machine.array.cols)
    weights = -(-groups * kernels * channels * taps * bits.get("weight", 0) // 8)
    weight_banks = machine.weight_banks or -(-weights // machine.bank_bytes)
    data_banks = machine.data_banks or machine.banks - weight_banks
    tile = row.copy()
    for b, height, width in spatial:
        tile["tile_b"], tile["tile_oy"], tile["tile_ox"] = b, height, width
        grid = grid_of(tile)
        block = machine.channel_block
        depth = -(-groups * channels // block) * block
        inputs = b * depth * grid.most_rows * grid.most_cols * bits["input"] // 8
        if inputs <= data_banks * machine.bank_bytes:
            return np.array([[b, height, width]])
    return spatial


def _numbers(all_names: tuple[str, ...], allowed: tuple[str, ...], one: str | None) -> np.ndarray:
    return np.array([all_names.index(name) for name in (allowed if one is None else (one,))])


def _all_sizes(
    step: Step, row: np.void, hardware: Hardware, machine: Machine, fixed: StepMapping
) -> dict[str, tuple[int, ...]]:
    """Tile sizes of each loop, largest first."""
    most: dict[str, int] = dict(hardware.mapping.tile_max.items())
    multiple: dict[str, int] = dict(hardware.mapping.tile_multiple.items())
    for dim, blocks in whole_blocks(row, hardware.memory.layout.channel_block).items():
        multiple[dim] = math.lcm(multiple.get(dim, 1), blocks)
    quantum = _taken_at_once(step, row, hardware, machine)
    if step.unit == ARRAY and "direct_convolution" in hardware.mac_array.dataflows:
        most["K"] = min(most.get("K", machine.array.cols), machine.array.cols)
        quantum["C"] = int(row["c"])
    found = {}
    for dim in TILE_DIMS:
        size = fixed.size(dim)
        found[dim] = (size,) if size is not None else _sizes(
            int(row[dim.lower()]), quantum.get(dim, 1), most.get(dim, 1 << 40),
            multiple.get(dim, 1), dim in step.nest.splits,
        )  # fmt: skip
    return found


def _taken_at_once(
    step: Step, row: np.void, hardware: Hardware, machine: Machine
) -> dict[str, int]:
    """What the array takes of each loop at once; smaller tiles leave a part of it idle."""
    if step.unit != ARRAY:
        return {}
    array = machine.array
    channels = {"K": array.cols, "C": array.rows, "G": 1}
    if row["c"] == 1 and row["k"] == 1:
        taps = int(row["fy"] * row["fx"])
        diagonal = max(1, min(array.rows // taps, array.cols))
        systolic = "weight_stationary" in hardware.mac_array.dataflows
        channels["G"] = diagonal if systolic else array.cols
    return {**channels, "OY": array.pixels_y, "OX": array.pixels_x}


@functools.cache
def _sizes(extent: int, quantum: int, most: int, multiple: int, may_split: bool) -> tuple[int, ...]:
    """Tile sizes of one dimension, largest first."""
    if not may_split:
        return (extent,)
    unit = -(-quantum // multiple) * multiple
    sizes = {min(extent, -(-extent // (parts * unit)) * unit) for parts in _PARTS}
    while unit > multiple:
        unit = -(-unit // (2 * multiple)) * multiple
        sizes.add(min(extent, unit))
    allowed = {size for size in sizes if size <= most} or {max(1, most // multiple * multiple)}
    return tuple(sorted(allowed, reverse=True))


def _spatial(row: np.void, sizes: dict[str, tuple[int, ...]]) -> np.ndarray:
    """Tiles of pixels: images, rows of an image, or parts of a row; int64 [n, 3] of (b, oy, ox)."""
    height, width = int(row["oy"]), int(row["ox"])
    found = []
    if sizes["OY"][0] == height and sizes["OX"][0] == width:
        found += [(b, height, width) for b in sizes["B"]]
    if sizes["OX"][0] == width:
        found += [(sizes["B"][-1], y, width) for y in sizes["OY"]]
    found += [(sizes["B"][-1], sizes["OY"][-1], x) for x in sizes["OX"]]
    return np.array(list(dict.fromkeys(found)))
