"""Rows of a matrix product as pixels: what blocks make of them, and that no bit changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.cost.machine import machine_of
from npusim.execution.executor import Executor
from npusim.ir.loopnest import Tile
from npusim.ir.ops.products.matmul import MatMul
from npusim.kernels.table import kernels
from npusim.numerics.profiles import profile_named
from npusim.schedule.lower import lower
from npusim.schedule.rectangles import rectangle_of, rows_of, sides_of
from npusim.schedule.runs import bus_bytes
from npusim.schedule.tiles import Part
from npusim.schedule.work import array_work
from tests.support.evaluate import evaluate
from tests.support.graphs import Build, only
from tests.support.machines import machine_with
from tests.support.programs import program_of, retiled
from tests.support.weights import random_inputs, with_random_constants


@pytest.mark.parametrize(
    ("rows", "sides"),
    [(128, (8, 16)), (100, (10, 10)), (197, (1, 197)), (7, (1, 7)), (2, (1, 2)), (2048, (16, 128))],
)
def test_sides_are_those_of_the_compiler(rows, sides):
    """Shapes of outputs that ethos-u-vela 5.2.0 prints for fully connected layers; the last one
    from its rule."""
    assert sides_of(rows) == sides


@given(st.integers(2, 300), st.data())
def test_tiles_of_a_rectangle_have_each_row_once(rows, data):
    height, width = sides_of(rows)
    assert height * width == rows
    lines = data.draw(st.integers(1, height))
    across = data.draw(st.integers(1, width)) if height == 1 else width
    seen: list[int] = []
    for y in range(0, height, lines):
        for x in range(0, width, across):
            stop = min(height, y + lines), min(width, x + across)
            tile = rows_of(Tile(0, 1, 0, 1, 0, 4, 0, 4, y, stop[0], x, stop[1]), width)
            assert tile[8:] == (0, 1, 0, 1)
            seen += range(tile.b0, tile.b1)
    assert seen == list(range(rows))


def nests(graph):
    return [node.op.loop_nest(*graph.operands(node)) for node in graph.nodes]


def test_products_of_one_row_and_layers_of_images_keep_their_loops():
    one_row = only(lambda build, x: build.fully_connected(x, 8), 1, 16)
    image = only(lambda build, x: build.conv(x, 8, (3, 3)), 2, 3, 3, 16)
    several_pixels = only(lambda build, x: build.conv(x, 8), 2, 3, 3, 16)
    for graph in (one_row, image, several_pixels):
        assert [rectangle_of(nest) for nest in nests(graph)] == [None]


def test_a_convolution_of_one_pixel_is_a_product():
    """Images are rows: 12 of them lie as 3 x 4."""
    (nest,) = nests(only(lambda build, x: build.conv(x, 8), 12, 1, 1, 16))
    found = rectangle_of(nest)
    assert found is not None
    assert found.extents == (1, 1, 8, 16, 3, 4, 1, 1)
    assert found.macs == nest.macs
    assert "OX" not in found.splits


def attention(rows: int) -> Build:
    """Rows through a layer with weights, then multiplied by themselves."""
    build = Build()
    x = build.fully_connected(build.input(rows, 24), 40, True)
    build.add_node(MatMul(transpose_b=True), x, x)
    return build


@pytest.mark.parametrize("rows", [12, 7])
@pytest.mark.parametrize("tile", [{}, {"tile_oy": 2, "tile_k": 8}, {"tile_c": 8}])
def test_rows_side_by_side_do_not_change_a_bit(rows, tile):
    program = program_of(attention(rows).graph(), machine_with("ethos-u55-128"))
    program = with_random_constants(retiled(program, **tile), 3)
    assert {step.row_width for step in program.steps} == {sides_of(rows)[1]}
    graph = program.graph
    inputs = random_inputs(graph, 7)
    executor = Executor(program, profile_named(graph.profile), kernels("reference"))
    expected = evaluate(graph, inputs)
    for by_tiles in (True, False):
        found = executor.run(inputs, by_tiles=by_tiles)
        assert all(np.array_equal(found[name], expected[name]) for name in graph.outputs)


def test_other_arrays_keep_rows_in_loop_b():
    graph = attention(12).graph()
    for preset, widths in (("edge-npu-1", {0}), ("ethos-u55-128", {4})):
        hardware = machine_with(preset)
        assert {step.row_width for step in lower(graph, hardware, machine_of(hardware)).steps} == (
            widths
        )


def product(preset, rows, depth, units):
    """Table row and operands of a fully connected layer on `preset`, its whole tile, machine."""
    graph = only(lambda build, x: build.fully_connected(x, units), rows, depth)
    hardware = machine_with(preset)
    machine = machine_of(hardware)
    found = lower(graph, hardware, machine)
    row = found.table[0]
    high, wide = row["oy"], row["ox"]
    return row, found.operands, Part(1, 1, units, depth, high, wide, high, wide), machine


def test_a_block_takes_weights_for_all_its_rows():
    """128 rows of 768 inputs are 2 blocks of 4 x 16; inputs come for each block of channels."""
    row, operands, part, machine = product("ethos-u65-512", 128, 768, 768)
    assert (row["block_rows"], row["block_columns"], row["block_channels"]) == (4, 16, 64)
    work = array_work(row, operands, part, machine)
    weights = operands[row["operand_start"] + 1]["stored_bytes"]
    assert work.read_bytes == 768 // 64 * 128 * 768 + 2 * weights


def test_inputs_from_memory_come_for_all_blocks_of_channels_however_they_are_tiled():
    """Tiles of channels do not move inputs that lie there as a whole, but blocks read them again:
    12 blocks of channels, each with 128 x 768 inputs in pieces of 32 bytes, a burst of 128 each."""
    row, operands, part, machine = product("ethos-u65-512", 128, 768, 768)
    inputs = operands[row["operand_start"]]
    whole = 12 * 128 * 768 // 32 * 128
    for order in (0, 1):
        row["order"], row["tile_k"] = order, 64
        assert bus_bytes(row, inputs, part._replace(k=64), machine.burst_bytes) == whole
    row["order"], row["tile_oy"] = 0, 4
    half = part._replace(k=64, oy=4, in_rows=4)
    assert bus_bytes(row, inputs, half, machine.burst_bytes) == whole // 12 // 2


@pytest.mark.parametrize(("preset", "units", "piece"), [("ethos-u65-512", 768, 32),
                                                        ("ethos-u65-256", 768, 16),
                                                        ("ethos-u65-512", 24, 24)])  # fmt: skip
def test_outputs_of_many_channels_leave_the_network_in_pieces(preset, units, piece):
    """Each write of at most 32 (of one core 16) channels takes a burst of 128 bytes."""
    row, operands, part, machine = product(preset, 128, 64, units)
    output = operands[row["operand_stop"] - 1]
    bursts = -(-128 * units // 128) if units == piece else 128 * units // piece
    assert bus_bytes(row, output, part, machine.burst_bytes) == bursts * 128
