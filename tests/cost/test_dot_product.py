"""Tiles on dot-product arrays, by hand; the array is that of Ethos-U55 with 128 MACs a cycle."""

from __future__ import annotations

import pytest

from npusim.cost.depth_first import depth_first
from npusim.cost.part_kernel import part_kernel
from npusim.cost.types import TileCost
from tests.support.tiles import array_with, tile_of

ARRAY = array_with(
    rows=8, cols=8, pixels_y=1, pixels_x=2, weight_rate=8.0, channel_block=32, tap_block=4,
    pipeline_delay=2, max_taps_y=8, max_taps_x=8,
)  # fmt: skip


def test_depth_first_one_pass():
    """32 channels of one tap take 4 cycles a block of 1 x 2 pixels, and 32 x 8 weights take 32."""
    assert depth_first(tile_of(k=8, c=32, oy=8, ox=2), ARRAY) == TileCost(
        occupied=4 * 8, fill=0, weight_load=0, first_output=0, tail=2, weight_lead=0,
        input_reads=32 * 16, weight_reads=8 * 32,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("tile", "occupied", "fill", "load"),
    [
        (dict(k=8, c=32, oy=8, ox=4), 64, 0, 0),
        (dict(k=8, c=1, oy=8, ox=4), 64, 0, 0),  # a block of channels is charged whole
        (dict(k=9, c=33, oy=8, ox=4, fy=3, fx=3), 9 * 2 * 2 * 64, 0, 0),
        (dict(k=8, c=32, oy=8, ox=3), 64, 0, 0),  # three columns are two blocks
        (dict(k=8, c=32, oy=4, ox=2), 32, 0, 16),  # 16 cycles of work behind 32 of weights
        (dict(k=8, c=32, fy=3, fx=3), 9 * (4 + 28) + 9 * 2, 18, 9 * 28),  # one block: delay shows
        (dict(g=2, k=8, c=32, oy=8, ox=4), 128, 0, 0),
    ],
)
def test_depth_first_by_hand(tile, occupied, fill, load):
    cost = depth_first(tile_of(**tile), ARRAY)
    assert (cost.occupied, cost.fill, cost.weight_load) == (occupied, fill, load)


def test_depthwise_layers_run_as_in_part_kernel():
    tile = tile_of(g=24, fy=3, fx=3, oy=8, ox=8)
    assert depth_first(tile, ARRAY) == part_kernel(tile, ARRAY)


@pytest.mark.parametrize(
    ("tile", "occupied", "fill", "load"),
    [
        (dict(k=8, c=8, oy=8, ox=8), 4 * 32, 0, 0),  # one tap costs a block of four
        (dict(k=8, c=8, oy=8, ox=8, fy=3, fx=3), 3 * 4 * 32, 0, 0),  # nine taps: three blocks
        (dict(k=9, c=9, oy=8, ox=8, fy=3, fx=3), 2 * 2 * 3 * 4 * 32, 0, 0),
        (dict(k=8, c=8, oy=4, ox=2), 32, 0, 16),  # 4 x 8 x 8 weights take 32 cycles
        (dict(k=8, c=8, oy=1, ox=2), 32 + 2, 2, 28),
        (dict(g=16, oy=8, ox=8, fy=3, fx=3), 2 * 3 * 4 * 32, 0, 0),  # 16 groups: two columns of 8
        (dict(g=16, fy=3, fx=3, ox=2), 6 * 4 + 6 * 2, 12, 0),  # depthwise weights are few
        (dict(k=8, c=8, oy=8, ox=8, fy=9, fx=1), 3 * 4 * 32, 0, 0),  # cut into 8 + 1 taps: 2 + 1
        (dict(k=8, c=8, oy=8, ox=8, fy=9, fx=9), (16 + 2 + 2 + 1) * 4 * 32, 0, 0),
    ],
)
def test_part_kernel_by_hand(tile, occupied, fill, load):
    cost = part_kernel(tile_of(**tile), ARRAY)
    assert (cost.occupied, cost.fill, cost.weight_load) == (occupied, fill, load)


@pytest.mark.parametrize("dataflow", [depth_first, part_kernel])
@pytest.mark.parametrize(("rate", "factor"), [(2.0, 0.5), (0.5, 2.0)])
def test_formats_of_another_rate_scale_the_stream(dataflow, rate, factor):
    tile = tile_of(k=8, c=32, oy=32, ox=32)
    scaled = dataflow(tile._replace(macs_per_unit=rate), ARRAY).occupied
    assert scaled == dataflow(tile, ARRAY).occupied * factor


@pytest.mark.parametrize(
    ("dataflow", "work", "load"), [(depth_first, 64, 32), (part_kernel, 64, 32)]
)
def test_weight_loads_that_are_not_hidden_are_added(dataflow, work, load):
    """16 blocks of pixels take 4 cycles each; 256 weights at 8 a cycle come before them."""
    tile = tile_of(k=8, c=32 if dataflow is depth_first else 8, oy=8, ox=4)
    cost = dataflow(tile, ARRAY._replace(hide_weight_load=False))
    assert (cost.occupied, cost.weight_load) == (work + load, load)
