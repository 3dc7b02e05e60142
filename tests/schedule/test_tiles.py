"""Tiles cover a step exactly, and an operand's bytes are counted as it lies in memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.cost.machine import machine_of
from npusim.ir.ops.movements.concat import Concat
from npusim.schedule.lower import lower
from npusim.schedule.runs import bus_bytes
from npusim.schedule.scheduler import build_program
from npusim.schedule.tables import OPERAND, STEP
from npusim.schedule.tiles import (
    Part,
    operand_bytes,
    part_of,
    set_bounds,
    tile_count,
    tile_index,
    window,
)
from npusim.timing.counts import count, latency_cycles
from tests.support.graphs import Build, only
from tests.support.machines import tiny

LOOPS = ("b", "g", "k", "c", "oy", "ox")


@st.composite
def tiled_steps(draw: st.DrawFn) -> np.void:
    """A row with random loops, tiles and loop order; no window."""
    row = np.zeros(1, STEP)[0]
    for name in LOOPS:
        row[name] = draw(st.integers(1, 5))
        row[f"tile_{name}"] = draw(st.integers(1, int(row[name])))
    row["order"] = draw(st.sampled_from([0, 1]))
    for name in ("fy", "fx", "stride_y", "stride_x", "dilation_y", "dilation_x"):
        row[name] = 1
    return row


def bounds_of(row: np.void, iteration: int) -> np.ndarray:
    bounds = np.zeros(12, np.int64)
    set_bounds(row, tile_index(row, iteration), bounds)
    return bounds


@given(tiled_steps())
def test_tiles_cover_every_point_of_the_loops_once(row):
    covered = np.zeros([int(row[name]) for name in LOOPS], np.int8)
    for iteration in range(tile_count(row)):
        bounds = bounds_of(row, iteration).tolist()
        covered[tuple(slice(*bounds[2 * at : 2 * at + 2]) for at in range(6))] += 1
    assert (covered == 1).all()


@given(tiled_steps())
def test_loops_turn_in_the_stated_order(row):
    """weights_outer: G, K, B, OY, OX, C; inputs_outer: B, OY, OX, G, K, C, outer to inner."""
    names = ("g", "k", "b", "y", "x", "c") if row["order"] == 0 else ("b", "y", "x", "g", "k", "c")
    indices = [tile_index(row, iteration) for iteration in range(tile_count(row))]
    keys = [tuple(getattr(index, name) for name in names) for index in indices]
    assert keys == sorted(keys)


@given(
    st.integers(1, 12), st.integers(1, 4), st.integers(1, 5), st.integers(1, 3), st.integers(0, 6),
    st.integers(1, 40), st.data(),
)  # fmt: skip
def test_a_window_is_the_span_of_rows_that_its_taps_touch(
    extent, stride, taps, dilation, pad, size, data
):
    start = data.draw(st.integers(0, extent - 1))
    stop = data.draw(st.integers(start + 1, extent))
    low, high = start * stride - pad, (stop - 1) * stride + (taps - 1) * dilation - pad
    inside = [row for row in range(size) if low <= row <= high]
    assert window(start, stop, stride, taps, dilation, pad, size) == len(inside)


def conv_row() -> tuple[np.void, np.ndarray]:
    """A 3 x 3 convolution of stride 2 on 2 images of 9 x 7 x 6, 8 outputs, padding 1, and bias."""
    graph = only(
        lambda build, x: build.conv(x, 8, (3, 3), (2, 2), (1, 1), (1, 1, 1, 1), bias=True),
        2, 9, 7, 6,
    )  # fmt: skip
    hardware = tiny()
    lowered = lower(graph, hardware, machine_of(hardware))
    return lowered.table[0], lowered.operands


def test_operand_bytes_are_those_of_the_tile():
    row, (x, w, bias, out) = conv_row()
    row["tile_oy"], row["tile_k"], row["tile_c"] = 2, 3, 4
    part = part_of(row, bounds_of(row, 0))
    assert part == Part(2, 1, 3, 4, 2, 4, 4, 7)  # rows -1..3 of which 0..3 exist, all 7 columns
    assert operand_bytes(row, x, part) == 2 * 4 * 7 * 4
    assert operand_bytes(row, w, part) == 3 * 3 * 3 * 4
    assert operand_bytes(row, bias, part) == 3 * 4
    assert operand_bytes(row, out, part) == 2 * 2 * 4 * 3


def test_int4_weights_are_rounded_up_to_bytes():
    row, operands = conv_row()
    weights = np.array([operands[1]], OPERAND)[0]
    weights["bits"] = 4
    assert operand_bytes(row, weights, Part(2, 1, 3, 3, 5, 4, 9, 7)) == (3 * 3 * 9 + 1) // 2


@pytest.mark.parametrize(
    ("tile", "runs", "run"),
    [
        ({}, 1, 2 * 9 * 7 * 6),  # everything: one run
        ({"tile_b": 1, "tile_oy": 2}, 1, 4 * 7 * 6),  # whole rows lie side by side
        ({"tile_b": 1, "tile_ox": 2}, 9, 4 * 6),  # a part of each row
        ({"tile_c": 3}, 2 * 9 * 7, 3),  # a part of each pixel
    ],
)
def test_each_contiguous_run_fills_whole_bursts(tile, runs, run):
    row, operands = conv_row()
    for name, size in tile.items():
        row[name] = size
    part = part_of(row, bounds_of(row, 0))
    assert operand_bytes(row, operands[0], part) == runs * run
    assert bus_bytes(row, operands[0], part, 1) == runs * run
    assert bus_bytes(row, operands[0], part, 64) == runs * -(-run // 64) * 64


def test_constants_lie_as_they_are_read():
    row, operands = conv_row()
    row["tile_k"], row["tile_c"] = 3, 4
    part = part_of(row, bounds_of(row, 0))
    assert bus_bytes(row, operands[1], part, 64) == 128  # 108 bytes in one run


def test_operands_with_a_share_of_the_tile_are_counted_by_it():
    row, operands = conv_row()
    halved = np.array([operands[0]], OPERAND)[0]
    halved["share"], halved["share_of"] = 1, 3
    part = part_of(row, bounds_of(row, 0))
    assert operand_bytes(row, halved, part) == -(-operand_bytes(row, operands[0], part) // 3)


@pytest.mark.parametrize("sram", ["64 KiB", "2 KiB"])
def test_inputs_of_a_concatenation_are_read_once(sram):
    build = Build()
    parts = [build.input(1, 8, 8, channels) for channels in (3, 16, 5, 1)]
    build.add_node(Concat(-1), *parts)
    graph = build.graph()
    (counted,) = count(build_program(graph, tiny(memory__sram__size=sram), latency_cycles)).steps
    assert counted.dram_read_bytes == counted.dram_write_bytes == 8 * 8 * 25
