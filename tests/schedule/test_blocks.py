"""Blocks of dot-product arrays: those that the compiler chose, and what they cost at the ends."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.cost.machine import machine_of
from npusim.errors import DescriptionError
from npusim.hardware.blocks import Blocks
from npusim.schedule.blocks import Shape, Unit, chosen_block
from npusim.schedule.lower import lower
from npusim.schedule.runs import bus_bytes
from npusim.schedule.tiles import Part, block_pixels
from npusim.schedule.work import array_work, parameter_time, post_work
from tests.support.graphs import only
from tests.support.machines import machine_with

U55 = {
    128: (
        Blocks(rows=32, columns=64, channels=128, channel_step=16, memory="20 KiB",
               input_granule="4 KiB", sum_granule="8 KiB"),
        Unit(1, 2, 8, 8, 32, 4, (8, 8)),
    ),
    256: (
        Blocks(rows=32, columns=64, channels=128, channel_step=16, memory="44 KiB",
               input_granule="8 KiB", sum_granule="16 KiB"),
        Unit(2, 2, 8, 8, 32, 4, (8, 8)),
    ),
}  # fmt: skip


def layer(size, channels, depth, taps=3, stride=1, apart=False, in_size=None) -> Shape:
    """A layer of `size` outputs with square windows."""
    inside = in_size or (size[0] * stride, size[1] * stride)
    return Shape(
        *size, channels, depth, (taps, taps), (stride, stride), (1, 1), inside, apart, True
    )


@pytest.mark.parametrize(
    ("macs", "shape", "block"),
    [
        (128, layer((32, 32), 16, 3), (4, 32, 16)),
        (128, layer((32, 32), 16, 16), (5, 16, 16)),
        (128, layer((16, 16), 32, 16, stride=2), (4, 16, 16)),
        (128, layer((16, 16), 32, 32), (8, 8, 16)),
        (128, layer((8, 8), 64, 32, stride=2), (4, 8, 32)),
        (256, layer((25, 5), 64, 64, apart=True), (14, 5, 32)),
        (256, layer((25, 5), 64, 64, taps=1), (10, 5, 64)),
        (256, layer((48, 48), 8, 3, stride=2), (16, 16, 8)),
        (256, layer((24, 24), 32, 16, taps=1), (4, 24, 32)),
        (256, layer((6, 6), 128, 64, taps=1), (6, 6, 64)),
        (256, layer((10, 10), 512, 256, taps=1), (6, 10, 64)),
        (256, layer((8, 16), 768, 768, taps=1), (4, 16, 64)),
        (256, layer((1, 197), 576, 192, taps=1), (1, 40, 96)),
    ],
)
def test_blocks_are_those_of_the_compiler(macs, shape, block):
    """Operator configurations that ethos-u-vela 5.2.0 prints for ResNet8, DS-CNN, VWW, and for
    fully connected layers of 100, 128 and 197 rows."""
    assert chosen_block(shape, *U55[macs], cores=1)[:3] == block


def test_a_block_fits_its_buffers_twice_or_is_the_smallest():
    """Two buffers of inputs and of sums, each rounded to its granule."""
    limits, unit = U55[128]
    for size in range(2, 40, 3):
        block = chosen_block(layer((size, size), 8 * size, 16), limits, unit, 1)
        inputs = 2 * block.in_rows * block.in_columns * block.in_channels
        sums = 2 * 4 * block.rows * block.columns * block.channels
        granules = -(-inputs // 4096) * 4096 + -(-sums // 8192) * 8192
        assert granules <= limits.memory_bytes


def lowered(preset="ethos-u55-128", **changes):
    """A 3 x 3 convolution of 16 x 16 x 32 to 32 channels with a bias."""
    build = only(
        lambda build, x: build.conv(
            build.conv(x, 32, (1, 1)), 32, (3, 3), padding=(1, 1, 1, 1), bias=True
        ),
        1, 16, 16, 32,
    )  # fmt: skip
    hardware = machine_with(preset, **changes)
    machine = machine_of(hardware)
    found = lower(build, hardware, machine)
    return found.table[1], found.operands, machine


def test_the_ends_of_a_layer():
    """A block of 8 x 8 x 16 outputs: 10 x 10 x 32 inputs at 8 bytes a cycle come before it; its
    outputs at two a cycle, 32 cycles of latency and 8 bytes a cycle behind it."""
    row, _, _ = lowered()
    assert (row["block_rows"], row["block_columns"], row["block_channels"]) == (8, 8, 16)
    assert row["lead_cycles"] == 10 * 10 * 32 // 8
    assert row["tail_cycles"] == 8 * 8 * 16 // 2 + 32 + 8 * 8 * 16 // 8


def test_blocks_fetch_inputs_again_for_each_block_of_channels_and_weights_for_each_of_pixels():
    """Four blocks of pixels with their halo, two of channels."""
    row, operands, machine = lowered()
    part = Part(1, 1, 32, 32, 16, 16, 16, 16)
    assert block_pixels(row, 16, 16) == 4 * 10 * 10
    weights = operands[row["operand_start"] + 1]["stored_bytes"]
    work = array_work(row, operands, part, machine)
    assert work.read_bytes == 4 * 10 * 10 * 2 * 32 + 4 * weights


def test_the_last_block_leaves_behind_the_tile():
    row, operands, machine = lowered()
    with_blocks = array_work(row, operands, Part(1, 1, 32, 32, 16, 16, 16, 16), machine)
    plain = row.copy()
    plain["block_rows"] = 0
    without = array_work(plain, operands, Part(1, 1, 32, 32, 16, 16, 16, 16), machine)
    assert with_blocks.tail == without.tail + row["tail_cycles"]
    assert with_blocks.occupied == without.occupied


def test_parameters_of_channels_can_be_slower_than_the_outputs():
    """Ten bytes a channel at 205 bytes in 500 cycles, once for each block of pixels."""
    row, operands, machine = lowered("ethos-u85-512")
    few = Part(1, 1, 32, 32, 2, 16, 4, 16)
    assert post_work(row, operands, few, machine).cycles == np.ceil(320 / (205 / 500))
    blocks = 8
    more = Part(1, 1, 16, 32, blocks * row["block_rows"], row["block_columns"], 16, 16)
    slow = machine._replace(parameter_flight=0.01)
    assert post_work(row, operands, more, slow).cycles == blocks * 160 / 0.01


def test_a_plain_input_is_read_in_pieces_of_a_burst_each():
    """Three channels are read as eight bytes; each piece takes 128 bytes of the second memory."""
    graph = only(lambda build, x: build.conv(x, 16, (3, 3), padding=(1, 1, 1, 1)), 1, 16, 16, 3)
    hardware = machine_with("ethos-u65-512")
    machine = machine_of(hardware)
    found = lower(graph, hardware, machine)
    row, operand = found.table[0], found.operands[0]
    assert operand["piece"] == 8
    fetched = 3 * block_pixels(row, 16, 16)
    assert bus_bytes(row, operand, Part(1, 1, 16, 3, 16, 16, 16, 16), 128) == -(-fetched // 8) * 128


@pytest.mark.parametrize(
    "blocks",
    [
        {"memory": None},
        {"input_memory": "8 KiB"},
        {"memory": None, "sum_memory": "8 KiB"},
        {"rows": 0},
    ],
)
def test_buffers_are_shared_or_split(blocks):
    changes = {f"mac_array__blocks__{key}": value for key, value in blocks.items()}
    with pytest.raises(DescriptionError):
        machine_with("ethos-u55-128", **changes)


def test_a_systolic_array_has_no_blocks():
    with pytest.raises(DescriptionError, match="blocks has no meaning"):
        machine_with("edge-npu-1", mac_array__blocks__memory="8 KiB",
                     mac_array__blocks__rows=8, mac_array__blocks__columns=8,
                     mac_array__blocks__channels=8)  # fmt: skip


@pytest.mark.parametrize(("oy", "ox", "k"), [(16, 16, 32), (16, 4, 32), (2, 16, 16), (5, 16, 32)])
def test_parameters_take_at_least_what_the_search_takes_them_to(oy, ox, k):
    """All POST jobs of a tiling; as long where they are what limits each of them."""
    row, operands, machine = lowered("ethos-u85-512")
    row["tile_oy"], row["tile_ox"], row["tile_k"] = oy, ox, k
    cycles = 0
    for y in range(0, 16, oy):
        part = Part(1, 1, k, 32, min(oy, 16 - y), ox, 0, 0)
        cycles += (16 // ox) * (32 // k) * post_work(row, operands, part, machine).cycles
    least = parameter_time(row, operands, machine)
    assert least <= cycles
    if (oy, ox, k) == (16, 4, 32):
        assert cycles == pytest.approx(least, abs=4)
    plain, plain_operands, without = lowered("ethos-u55-128")
    assert parameter_time(plain, plain_operands, without) == 0.0
