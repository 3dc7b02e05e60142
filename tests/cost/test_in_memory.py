"""The in-memory crossbar by hand: bit-serial streams, slow weight writes, the core's port."""

from __future__ import annotations

import pytest

from npusim.cost.array import IN_MEMORY, core_share, tile_cost, with_weights_in_place
from npusim.cost.in_memory import held_folds, in_memory, input_wait
from npusim.cost.types import TileCost
from tests.support.tiles import array_with, tile_of

SETS = {"weight_sets": 4, "weight_rate": 2.0}


def test_one_fold_by_hand():
    """16 weights at 2 a cycle are 8 cycles; 10 vectors of 8 bits at one bit a cycle are 80."""
    tile = tile_of(k=4, c=4, ox=10, macs_per_unit=0.125)
    assert in_memory(tile, array_with(**SETS)) == TileCost(
        occupied=80, fill=0, weight_load=0, first_output=0, tail=0, weight_lead=8,
        input_reads=40, weight_reads=16,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "occupied", "weight_load"),
    [
        ({}, 6 * 16, 6 * 8),  # 6 folds of 4 x 4: written in 16 / 2 cycles each, or 8 bits streamed
        ({"weight_rate": 2.0}, 6 * 8, 0),
        ({"weight_rate": 2.0, "hide_weight_load": False}, 6 * 16, 6 * 8),
        ({"weight_rate": 2.0, "weight_sets": 1}, 6 * 16, 6 * 8),
        ({"weight_rate": 2.0, "port_rate": 1.0}, 96 + 12, 96 + 12 - 6 * 8),
        ({"weight_rate": 2.0, "port_rate": 0.125}, 8 * (96 + 12), 8 * 96),
    ],
)
def test_six_folds_by_hand(changes, occupied, weight_load):
    """12 inputs and 8 outputs of one vector: three folds along the rows, two along the columns."""
    tile = tile_of(k=8, c=12, macs_per_unit=0.125)
    cost = in_memory(tile, array_with(weight_sets=4, weight_rate=1.0)._replace(**changes))
    assert (cost.occupied, cost.weight_load) == (occupied, weight_load)


def test_a_tile_alone_takes_a_write_and_a_stream_more_than_its_folds_side_by_side():
    """write, write | stream, stream: the lead is what the first write or the last stream adds."""
    tile = tile_of(k=8, c=4, ox=2, macs_per_unit=0.125)
    cost = in_memory(tile, array_with(weight_sets=2, weight_rate=1.0))
    assert cost.occupied + cost.weight_lead == 16 + max(16, 16) + 16
    assert cost.weight_lead == 16


def test_depthwise_groups_stand_on_the_diagonal():
    """Nine taps in 32 rows: three channels at a time, with the zeros beside them written too."""
    tile = tile_of(g=9, fy=3, fx=3, ox=10, macs_per_unit=0.125)
    array = array_with(rows=32, cols=32, weight_sets=2, weight_rate=1.0)
    assert held_folds(tile, array) == 3
    assert in_memory(tile, array).occupied == 3 * max(80, 27 * 3)


def test_weights_in_place_leave_the_stream_and_the_inputs():
    tile = tile_of(k=8, c=12, ox=5, macs_per_unit=0.125)
    array = array_with(weight_sets=6, weight_rate=0.25, port_rate=0.5)
    again = with_weights_in_place(tile_cost(IN_MEMORY, 0, tile, array))
    assert (again.occupied, again.weight_load, again.weight_reads) == (6 * 40, 0, 0)
    assert again.input_reads == 12 * 5
    narrow = array._replace(port_rate=0.125)
    assert with_weights_in_place(tile_cost(IN_MEMORY, 0, tile, narrow)).occupied == 8 * 60


def test_strides_read_more_inputs_an_output_unless_the_window_skips_them():
    array = array_with(weight_sets=2)
    strided = tile_of(c=4, oy=5, fy=3, fx=1, stride_y=2, stride_x=2)
    assert in_memory(strided, array).input_reads == 4 * 5 * 2
    assert in_memory(strided._replace(fy=1), array).input_reads == 4 * 5


def test_cores_share_channels_evenly_since_each_writes_its_own_columns():
    """Four columns on two cores: two each, written in half the time."""
    tile = tile_of(k=4, c=4, macs_per_unit=0.125)
    array = array_with(cores=2, weight_sets=2, weight_rate=0.25)
    assert core_share(IN_MEMORY, 0, tile, array).k == 2
    assert tile_cost(IN_MEMORY, 0, tile, array).occupied == 8 / 0.25


def test_the_published_core_multiplies_32768_times_a_cycle():
    """Axelera's Metis: 512 x 512 cells, 8-bit inputs bit by bit."""
    array = array_with(rows=512, cols=512, weight_sets=4, weight_rate=512.0)
    tile = tile_of(k=512, c=512, ox=1000, macs_per_unit=0.125)
    assert 512 * 512 * 1000 / in_memory(tile, array).occupied == 32768


def test_inputs_that_come_slower_than_they_are_used_are_waited_for():
    """Twelve inputs at half an element a cycle; two folds that take eight cycles each."""
    tile = tile_of(k=4, c=12, macs_per_unit=0.125)
    array = array_with(rows=6, weight_sets=2, weight_rate=100.0, port_rate=0.5)
    assert input_wait(tile, array) == 12 / 0.5 - 2 * 8
    assert input_wait(tile, array._replace(port_rate=1.0)) == 0
