"""How Eyeriss's own tools cut a layer into passes: least energy of movement, from shapes alone.

A tile is n images, m filters, the q r channels of one pass, and a strip of e output rows; the
partial sums of all its m filters wait in SRAM while the channels go by. Inputs of the tile and its
sums each take whole banks, weights stream through their own. Of all that fit the one is taken with
the least

    DRAM bytes x e_dram + SRAM bytes of the array x e_sram + cycles x leakage

Inputs are read again for each tile of filters, weights for each strip and group of images; zeros
and their coding are not known when a layer is mapped. Source: the optimization of Chen et al., ISCA
2016, the parameters n, m, e, p, q, r, t of JSSC 52(1), 2017, Table III, and its SRAM of 25 banks
for inputs and sums. With the figures of `eyeriss-v1` it finds that table, but for one layer: for
AlexNet's CONV3 the published traffic of SRAM is that of q = 3, r = 2, t = 2, not of the printed
q = 4, r = 1, t = 4, and so is the mapping found here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from npusim.cost.machine import Machine, packed
from npusim.cost.row_stationary import pass_cycles, row_mapping
from npusim.cost.types import ArrayParams, Extents
from npusim.hardware.schema import Hardware
from npusim.jit import allocating, compiled
from npusim.schedule.corners import corner_of
from npusim.schedule.fixed import SEARCHED, TILE_DIMS, Mapping, StepMapping
from npusim.schedule.lower import Lowered
from npusim.schedule.tables import ARRAY, OUTPUTS
from npusim.schedule.tiles import ceil_div, cols_behind, inner_window, rows_behind


class Movement(NamedTuple):
    """What movement costs: pJ per byte of DRAM and of SRAM, pJ of leakage per cycle; SRAM in banks
    of `bank_bytes`, `banks` of them for inputs and partial sums."""

    dram_pj: float
    sram_pj: float
    cycle_pj: float
    bank_bytes: int
    banks: int


def with_own_tiles(
    lowered: Lowered, hardware: Hardware, machine: Machine, fixed: Mapping
) -> Mapping:
    """`fixed`, and the tiles of the hardware's mapper for all array steps that it leaves open.

    Steps that share a name, and those that may not be cut in every loop, keep the search's tiles.
    """
    if hardware.mapping.mapper is None:
        return fixed
    movement, array = movement_of(hardware), packed(machine).array
    names = Counter(step.name for step in lowered.steps)
    steps = dict(fixed.steps)
    for step, row in zip(lowered.steps, lowered.table, strict=True):
        may_cut = names[step.name] == 1 and set(TILE_DIMS) <= step.nest.splits
        if step.unit == ARRAY and may_cut and fixed.of(step.name) == SEARCHED:
            operands = lowered.operands[row["operand_start"] : row["operand_stop"]]
            (outputs,) = operands["bits"][operands["role"] == OUTPUTS]
            bits = int(operands["bits"][0]), int(operands["bits"][1]), int(outputs)
            b, k, c, oy = best_rows(row, bits, array, movement)
            if b:
                tile = (int(b), 1, int(k), int(c), int(oy), int(row["ox"]))
                steps[step.name] = StepMapping(tile, "inputs_outer", "row_stationary", "K")
    return replace(fixed, steps=steps)


def movement_of(hardware: Hardware) -> Movement:
    """The figures of `hardware`; the loader has seen that they are stated."""
    stated, sram = hardware.technology.energy_pj, hardware.memory.sram
    bank_bytes = sram.size_bytes // sram.banks
    weights = ceil_div(sram.weight_part_bytes or 0, bank_bytes)
    leakage_pj = (hardware.technology.static_w or 0.0) / hardware.clock_hz * 1e12
    return Movement(
        stated["dram_per_byte"], stated["sram_read_per_byte"], leakage_pj, bank_bytes,
        sram.banks - weights,
    )  # fmt: skip


@allocating
def best_rows(
    step: np.void, bits: tuple[int, int, int], array: ArrayParams, movement: Movement
) -> tuple[int, int, int, int]:
    """Images, filters, channels and rows of the best tile of `step`; zeros if none fits.

    `bits` are those of inputs, weights and outputs. Sizes tried: each loop cut into any number of
    equal parts, and for the rows all heights up to the array's width.
    """
    best = np.inf
    found = (0, 0, 0, 0)
    for n in _parts(step["b"]):
        for e in _heights(step["oy"], array.cols):
            for m in _parts(step["k"]):
                if m != step["k"] and m % int(max(1.0, array.sum_rate)):
                    continue
                for c in _parts(step["c"]):
                    if not _fits(step, bits, array, movement, n, m, c, e):
                        continue
                    dram = movement.dram_pj * _dram_bytes(step, bits, n, m, c, e)
                    if dram >= best:
                        continue
                    cost = dram + _on_chip(step, bits, array, movement, n, m, c, e)
                    if cost < best:
                        best = cost
                        found = (n, m, c, e)
    return found


@allocating
def _parts(extent: int) -> np.ndarray:
    """Sizes of the first of 1, 2, 3, ... equal parts, each size once, largest first."""
    sizes = np.zeros(extent, np.int64)
    count = 0
    for parts in range(1, extent + 1):
        size = ceil_div(extent, parts)
        if count == 0 or sizes[count - 1] != size:
            sizes[count] = size
            count += 1
    return sizes[:count]


@allocating
def _heights(extent: int, cols: int) -> np.ndarray:
    """Heights of a strip: all rows, then as many as the array is wide, down to one."""
    heights = np.zeros(1 + min(cols, extent), np.int64)
    heights[0] = extent
    for at in range(1, heights.size):
        heights[at] = heights.size - at
    return heights


@compiled
def _fits(
    step: np.void, bits: tuple[int, int, int], array: ArrayParams, movement: Movement,
    n: int, m: int, c: int, e: int,
) -> bool:  # fmt: skip
    """True if inputs and partial sums of a tile fit, each in banks of its own, and the array takes
    its channels in one pass."""
    rows = inner_window(e, step["stride_y"], step["fy"], step["dilation_y"], step["in_h"])
    inputs = n * c * rows * step["in_w"] * bits[0] // 8
    sums = n * m * e * step["ox"] * max(array.sum_bits, bits[2]) // 8
    banks = ceil_div(inputs, movement.bank_bytes) + ceil_div(sums, movement.bank_bytes)
    if banks > movement.banks:
        return False
    return c == 1 or row_mapping(_tile(step, n, m, c, e), array).channel_passes == 1


@compiled
def _tile(step: np.void, n: int, m: int, c: int, e: int) -> Extents:
    return Extents(
        n, 1, m, c, e, step["ox"], step["fy"], step["fx"], step["mac_rate"],
        step["stride_y"], step["stride_x"], step["dilation_y"], step["dilation_x"],
    )  # fmt: skip


@compiled
def _dram_bytes(step: np.void, bits: tuple[int, int, int], n: int, m: int, c: int, e: int) -> float:
    """Bytes of all tiles: inputs with halo, weights and outputs."""
    rows = 0
    for start in range(0, step["oy"], e):
        rows += rows_behind(step, start, min(step["oy"], start + e))
    cols = cols_behind(step, 0, step["ox"])
    again = 1 if c == step["c"] else ceil_div(step["k"], m)
    inputs = step["b"] * step["g"] * step["c"] * rows * cols * again
    taps = step["fy"] * step["fx"]
    turns = ceil_div(step["b"], n) * ceil_div(step["oy"], e)
    if c == step["c"] and m == step["k"] and step["g"] == 1:
        turns = 1
    weights = step["g"] * step["k"] * step["c"] * taps * turns
    outputs = step["b"] * step["g"] * step["k"] * step["oy"] * step["ox"]
    return float(inputs * bits[0] + weights * bits[1] + outputs * bits[2]) / 8.0


@compiled
def _on_chip(
    step: np.void, bits: tuple[int, int, int], array: ArrayParams, movement: Movement,
    n: int, m: int, c: int, e: int,
) -> float:  # fmt: skip
    """pJ of the array's reads and writes of SRAM, and of leakage, over all tiles."""
    total = 0.0
    for corner in range(16):
        own_n, times_n = corner_of(step["b"], n, corner & 1)
        own_m, times_m = corner_of(step["k"], m, corner & 2)
        own_c, times_c = corner_of(step["c"], c, corner & 4)
        own_e, times_e = corner_of(step["oy"], e, corner & 8)
        tiles = times_n * times_m * times_c * times_e * step["g"]
        if tiles > 0:
            rows = row_mapping(_tile(step, own_n, own_m, own_c, own_e), array)
            moved = rows.input_words * bits[0] + 2 * rows.sum_words * array.sum_bits
            cycles = rows.passes * pass_cycles(rows, array)
            total += tiles * (moved / 8.0 * movement.sram_pj + cycles * movement.cycle_pj)
    return total
