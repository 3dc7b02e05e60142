"""The estimate counts the transfers and bytes that the walker will emit, and buffers hold them."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings

from npusim.cost.dram import NO_ROWS
from npusim.cost.machine import machine_of
from npusim.schedule.buffers import set_buffers, sums_fit
from npusim.schedule.estimate import LATENCY, busy_cycles, objective_value, overlapped_cycles
from npusim.schedule.grid import grid_of, largest_part, moves
from npusim.schedule.lower import lower
from npusim.schedule.program import Program
from npusim.schedule.tables import (
    ALIAS,
    ARRAY,
    COMPUTE,
    HOST,
    INPUTS,
    LOAD,
    OUTPUTS,
    STORE,
    WEIGHTS,
)
from npusim.schedule.tiles import part_of, stream_bytes
from npusim.schedule.traffic import traffic_of
from npusim.schedule.work import array_work, holds_weights, vector_work
from tests.support.graphs import only
from tests.support.machines import tiny
from tests.support.programs import all_jobs, random_programs, scheduled_programs

KINDS = {WEIGHTS: LOAD, INPUTS: LOAD, OUTPUTS: STORE}


def npu_steps(program: Program):
    """(row, jobs) of each step that runs on the NPU."""
    jobs = all_jobs(program)
    for at, row in enumerate(program.table):
        if row["unit"] not in (ALIAS, HOST):
            yield row, jobs[jobs["step"] == at]


def streams(program: Program, row: np.void) -> set[int]:
    own = program.operands[row["operand_start"] : row["operand_stop"]]
    return set(own["stream"].tolist()) & {WEIGHTS, INPUTS, OUTPUTS}


@given(random_programs())
def test_moves_are_the_transfers_of_the_walker(program):
    for row, jobs in npu_steps(program):
        for stream in streams(program, row):
            emitted = (jobs["kind"] == KINDS[stream]) & (jobs["stream"] == stream)
            assert moves(row, program.operands, stream, grid_of(row)) == emitted.sum()


@given(random_programs())
def test_traffic_is_the_bytes_of_the_walker(program):
    """With bursts of one byte, halo and repeated loads included."""
    machine = program.machine._replace(burst_bytes=1, dram_rows=NO_ROWS)
    for row, jobs in npu_steps(program):
        grid = grid_of(row)
        traffic = traffic_of(row, program.operands, machine, grid, largest_part(row, grid))
        assert traffic.load_bytes == pytest.approx(jobs["bytes"][jobs["kind"] == LOAD].sum())
        assert traffic.store_bytes == pytest.approx(jobs["bytes"][jobs["kind"] == STORE].sum())
        assert traffic.loads == (jobs["kind"] == LOAD).sum()
        assert traffic.stores == (jobs["kind"] == STORE).sum()


@given(random_programs())
def test_no_transfer_is_larger_than_its_buffer(program):
    for row, jobs in npu_steps(program):
        part = largest_part(row, grid_of(row))
        for stream in streams(program, row):
            emitted = (jobs["kind"] == KINDS[stream]) & (jobs["stream"] == stream)
            room = stream_bytes(row, program.operands, stream, part)
            assert jobs["bytes"][emitted].max() <= room


@given(scheduled_programs())
def test_a_scheduled_step_fits_its_memory(program):
    for row, _ in npu_steps(program):
        own = np.array([row])[0]
        needed = set_buffers(own, program.operands, program.hardware.mapping.buffers)
        assert needed + program.pinned_bytes <= program.machine.sram_bytes
        assert needed + program.pinned_bytes <= program.sram_peak_bytes
        assert sums_fit(row, program.machine)


@settings(max_examples=30)
@given(random_programs())
def test_busy_cycles_of_the_array_are_the_sum_over_all_tiles(program):
    """Or, where it is longer, what tiles and their drains take with the accumulators that exist."""
    machine = program.machine
    for row, jobs in npu_steps(program):
        if row["unit"] != ARRAY:
            continue
        total = held = 0
        for job in jobs[jobs["kind"] == COMPUTE]:
            part = part_of(row, job["bounds"])
            in_place = bool(job["bounds"][[0, 8, 10]].any()) and holds_weights(row, machine)
            work = array_work(row, program.operands, part, machine, in_place)
            total += work.cycles
            if job["first"]:
                drain = ceil(part.b * part.g * part.k * part.oy * part.ox / row["post_rate"])
                hidden = work.first_output - work.cycles
                held += (
                    max(work.tail, hidden + drain)
                    if machine.array.hide_drain
                    else (work.tail + drain)
                )
        expected = max(total, (total + held) / row["buffers_sums"])
        assert busy_cycles(row, program.operands, machine) == pytest.approx(expected)


@settings(max_examples=30)
@given(random_programs())
def test_busy_cycles_of_the_vector_unit_are_the_sum_over_all_tiles(program):
    """Where no window makes inputs overlap."""
    for row, jobs in npu_steps(program):
        own = program.operands[row["operand_start"] : row["operand_stop"]]
        if row["unit"] == ARRAY or own["window"].any():
            continue
        parts = [part_of(row, job["bounds"]) for job in jobs[jobs["kind"] == COMPUTE]]
        work = [vector_work(row, program.operands, part, program.machine) for part in parts]
        expected = sum(tile.cycles for tile in work)
        assert busy_cycles(row, program.operands, program.machine) == expected


def conv_row(padding: tuple[int, int, int, int], taps: int = 3) -> tuple[np.void, np.ndarray]:
    """A convolution of 8 x 8 outputs on the tiny machine."""
    extent = 8 + taps - 1 - padding[0] - padding[2]
    graph = only(
        lambda build, x: build.conv(x, 4, (taps, taps), padding=padding), 1, extent, extent, 4
    )
    hardware = tiny()
    lowered = lower(graph, hardware, machine_of(hardware))
    return lowered.table[0], lowered.operands


@pytest.mark.parametrize(
    ("padding", "taps", "tile", "rows"),
    [
        ((1, 1, 1, 1), 3, 4, 5),  # both halves touch the border
        ((1, 1, 0, 0), 3, 4, 6),  # the lower half does not
        ((0, 0, 0, 0), 3, 4, 6),
        ((3, 3, 3, 3), 7, 1, 7),  # the second tile still touches the border, the fourth does not
    ],
)
def test_buffers_hold_the_largest_window(padding, taps, tile, rows):
    row, _ = conv_row(padding, taps)
    row["tile_oy"] = tile
    assert largest_part(row, grid_of(row)).in_rows == rows


def test_a_stream_that_moves_once_has_one_buffer():
    row, operands = conv_row((1, 1, 1, 1))
    whole_input, weights, outputs = 8 * 8 * 4, 3 * 3 * 4 * 4, 8 * 8 * 4
    assert set_buffers(row, operands, 2) == whole_input + weights + outputs
    row["tile_oy"] = 4
    assert set_buffers(row, operands, 2) == 2 * 5 * 8 * 4 + weights + 2 * outputs // 2
    assert set_buffers(row, operands, 1) == 5 * 8 * 4 + weights + outputs // 2


def test_sums_of_a_tile_must_fit_the_accumulators():
    """64 pixels, two buffers: 128 entries a column; output channels come in columns one by one."""
    row, _ = conv_row((1, 1, 1, 1))
    for entries, fits in ((128, True), (127, False)):
        assert sums_fit(row, machine_of(tiny(mac_array__accumulator__entries=entries))) == fits
    machine = machine_of(tiny(mac_array__accumulator__entries=128))
    row["dataflow"] = 1
    assert sums_fit(row, machine)  # output stationary: in place
    row["tile_c"] = 2
    assert not sums_fit(row, machine)


def test_of_equal_tilings_the_one_with_fewer_tiles_wins():
    assert objective_value(LATENCY, 1000.0, 50.0, 2) > objective_value(LATENCY, 1000.0, 50.0, 1)
    assert objective_value(LATENCY, 1000.0, 51.0, 1) > objective_value(LATENCY, 1000.0, 50.0, 1)


def test_weights_that_come_early_are_not_waited_for():
    """Two tiles of weights fill their buffers a step early; the rest is loaded in turn."""
    row, operands = conv_row((1, 1, 1, 1))
    machine = machine_of(tiny())
    row["tile_k"] = 1
    set_buffers(row, operands, 2)
    grid = grid_of(row)
    late = traffic_of(row, operands, machine, grid, largest_part(row, grid))
    row["prefetch"] = 1
    early = traffic_of(row, operands, machine, grid, largest_part(row, grid))
    assert (early.early_loads, early.early_bytes) == (2, 2 * 3 * 3 * 4)
    assert (late.early_loads, late.early_bytes) == (0, 0)
    assert early.first_bytes == late.first_bytes - 3 * 3 * 4
    assert (early.loads, early.load_bytes) == (late.loads, late.load_bytes)  # the bus moves them
    assert overlapped_cycles(row, machine, early, 100.0) < overlapped_cycles(
        row, machine, late, 100.0
    )
