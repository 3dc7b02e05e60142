"""Blocks of channels and granules of weights: padded bytes in memory, on the bus, and in runs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from npusim.cost.dram import NO_ROWS
from npusim.cost.machine import machine_of
from npusim.schedule.grid import grid_of, largest_part
from npusim.schedule.layout import padded_bytes, whole_blocks
from npusim.schedule.lower import Lowered, lower
from npusim.schedule.policies import weight_bytes
from npusim.schedule.runs import bus_bytes, runs_of
from npusim.schedule.tables import ALIAS, HOST, LOAD, OUTPUTS, STORE
from npusim.schedule.tiles import (
    Part,
    operand_bytes,
    part_of,
    set_bounds,
    tile_index,
)
from npusim.schedule.traffic import traffic_of
from npusim.timing.counts import count
from tests.support.graphs import only
from tests.support.machines import padding_machines, tiny
from tests.support.programs import all_jobs, program_of, random_programs, scheduled_programs


def lowered(order: str = "chw", block: int = 8, **changes: object) -> Lowered:
    """A 3 x 3 convolution from 2 images of 6 x 7 x 12 to 20 channels, padding 1."""
    graph = only(lambda build, x: build.conv(x, 20, (3, 3), padding=(1, 1, 1, 1)), 2, 6, 7, 12)
    hardware = tiny(memory__layout__order=order, memory__layout__channel_block=block, **changes)
    return lower(graph, hardware, machine_of(hardware))


def first_part(row: np.void, **tile: int) -> Part:
    for name, size in tile.items():
        row[f"tile_{name}"] = size
    bounds = np.zeros(12, np.int64)
    set_bounds(row, tile_index(row, 0), bounds)
    return part_of(row, bounds)


def test_channels_are_padded_to_blocks():
    """12 channels take 16, 20 take 24; weights are not padded by it."""
    found = lowered()
    row, (x, w, out) = found.table[0], found.operands
    part = first_part(row)
    assert operand_bytes(row, x, part) == 2 * 6 * 7 * 16
    assert operand_bytes(row, out, part) == 2 * 6 * 7 * 24
    assert operand_bytes(row, w, part) == 3 * 3 * 12 * 20
    assert sorted(found.tensor_bytes.values())[:2] == [2 * 6 * 7 * 16, 2 * 6 * 7 * 24]


def test_a_tile_moves_the_blocks_that_it_cuts_as_a_whole():
    found = lowered()
    row, (x, _, out) = found.table[0], found.operands
    part = first_part(row, c=4, k=9, oy=2, b=1)
    assert operand_bytes(row, x, part) == 3 * 7 * 8
    assert operand_bytes(row, out, part) == 2 * 7 * 16


@pytest.mark.parametrize(
    ("order", "tile", "runs"),
    [
        ("chw", {}, 1),
        ("chw", {"b": 1, "c": 8}, 1),  # one block of an image
        ("chw", {"c": 8}, 2),  # of each image
        ("chw", {"b": 1, "oy": 2}, 2),  # rows of two blocks
        ("chw", {"b": 1, "oy": 2, "ox": 3}, 2 * 3),  # parts of three input rows
        ("hcw", {}, 1),
        ("hcw", {"b": 1, "oy": 2}, 1),  # whole rows with all their blocks
        ("hcw", {"b": 1, "oy": 2, "c": 8}, 3),
        ("hcw", {"b": 1, "oy": 2, "ox": 3}, 2 * 3),
        ("hwc", {"b": 1, "oy": 2, "c": 8}, 3 * 7),
        ("hwc", {"b": 1, "oy": 2, "ox": 3}, 3),
    ],
)
def test_runs_follow_the_order_of_the_layout(order, tile, runs):
    found = lowered(order)
    row, x = found.table[0], found.operands[0]
    part = first_part(row, **tile)
    total = operand_bytes(row, x, part)
    assert runs_of(row, x, part) == runs
    assert bus_bytes(row, x, part, 1) == total
    assert bus_bytes(row, x, part, 64) == runs * -(-total // runs // 64) * 64


def test_weights_of_a_layer_are_padded_to_the_granule_and_a_tile_has_its_part():
    """2,160 bytes take 17 granules of 128; half of the channels half of them."""
    found = lowered(memory__layout__weight_granule="128 B")
    row, w = found.table[0], found.operands[1]
    assert operand_bytes(row, w, first_part(row)) == 17 * 128
    assert operand_bytes(row, w, first_part(row, k=10)) == 17 * 64
    assert weight_bytes(found) == 17 * 128


def test_ends_of_the_network_may_lie_plain():
    found = lowered(memory__layout__network_ends="plain")
    row, (x, _, out) = found.table[0], found.operands
    part = first_part(row)
    assert operand_bytes(row, x, part) == 2 * 6 * 7 * 12
    assert operand_bytes(row, out, part) == 2 * 6 * 7 * 20


def test_grouped_layers_are_cut_between_blocks():
    row = lowered().table[0].copy()
    for k, c, groups in ((1, 1, 8), (2, 4, 4), (3, 8, 8), (16, 8, 1)):
        row["k"], row["c"] = k, c
        assert whole_blocks(row, 8) == {"G": groups, "K": 8, "C": 8}


@given(random_programs(padding_machines()))
def test_the_estimate_counts_the_padded_bytes_of_the_walker(program):
    machine = program.machine._replace(burst_bytes=1, dram_rows=NO_ROWS)
    jobs = all_jobs(program)
    for at, row in enumerate(program.table):
        if row["unit"] in (ALIAS, HOST):
            continue
        own = jobs[jobs["step"] == at]
        grid = grid_of(row)
        traffic = traffic_of(row, program.operands, machine, grid, largest_part(row, grid))
        assert traffic.load_bytes == pytest.approx(own["bytes"][own["kind"] == LOAD].sum())
        assert traffic.store_bytes == pytest.approx(own["bytes"][own["kind"] == STORE].sum())


@settings(max_examples=50)
@given(scheduled_programs(padding_machines()))
def test_each_padded_byte_is_stored_once(program):
    """Of what array and vector unit write in the order of the loops."""
    layout, jobs = program.hardware.memory.layout, all_jobs(program)
    ends = {*program.graph.inputs, *program.graph.outputs}
    for step in reversed(program.steps):  # an end of the network may be a view
        if step.unit == ALIAS and ends.intersection(step.node.outputs):
            ends.add(step.node.inputs[0])
    for at, step in enumerate(program.steps):
        if step.node.op.kind not in ("conv2d", "add", "max_pool", "average_pool"):
            continue
        own = program.operands[program.table[at]["operand_start"] :][: len(step.nest.operands)]
        if not (own["stream"] == OUTPUTS).any():
            continue
        (name,) = step.node.outputs
        plain = layout.network_ends == "plain" and name in ends
        size = padded_bytes(program.graph.tensors[name], layout, plain)
        stores = (jobs["step"] == at) & (jobs["kind"] == STORE)
        assert jobs["bytes"][stores].sum() == size


def test_padding_is_on_the_bus():
    """One channel of 16 x 16 pixels takes eight of them; weights and bias stay as they are."""
    graph = only(lambda build, x: build.conv(x, 1, (1, 1)), 1, 16, 16, 1)
    plain, padded = (
        count(program_of(graph, tiny(**changes))).steps[0]
        for changes in ({}, {"memory__layout__channel_block": 8})
    )
    assert (plain.dram_read_bytes, plain.dram_write_bytes) == (256 + 1, 256)
    assert (padded.dram_read_bytes, padded.dram_write_bytes) == (8 * 256 + 1, 8 * 256)
    assert padded.sram_write_bytes == 2 * 8 * 256 + 1
