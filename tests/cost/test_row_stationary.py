"""Row-stationary tiles: Eyeriss's sets and passes by hand, its published mappings, and bounds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from npusim.cost.array import ROW_STATIONARY, tile_cost
from npusim.cost.row_stationary import pass_cycles, row_mapping, row_stationary
from npusim.cost.types import ArrayParams, Extents
from tests.support.tiles import array_with, extents, macs_of, peak_macs, row_arrays, tile_of


def eyeriss(**changes: object) -> ArrayParams:
    """12 x 14 elements with the scratchpads and networks of the chip, nothing hidden."""
    chip = {
        "rows": 12, "cols": 14, "hide_weight_load": False, "hide_drain": False,
        "filter_entries": 224, "input_entries": 12, "sum_entries": 24, "input_rate": 1.0,
        "sum_rate": 4.0, "sum_bits": 16,
    }  # fmt: skip
    return array_with(**chip | changes)


@pytest.mark.parametrize(
    ("tile", "published"),
    [
        (tile_of(k=96, oy=7, ox=55, fy=11, fx=11, stride_y=4, stride_x=4), (16, 1, 1, 2)),
        (tile_of(k=64, c=2, oy=27, ox=27, fy=5, fx=5), (16, 2, 1, 1)),
        (tile_of(b=4, k=64, c=6, oy=13, ox=13, fy=3, fx=3), (16, 3, 2, 2)),
    ],
    ids=["CONV1", "CONV2", "CONV4 and CONV5"],
)
def test_p_q_r_t_of_alexnet_are_those_of_the_publication(tile: Extents, published: tuple) -> None:
    """JSSC 52(1), 2017, Table III."""
    found = row_mapping(tile, eyeriss())
    assert (found.p, found.q, found.r, found.t) == published


def test_a_pass_by_hand() -> None:
    """CONV4: 4 images, 32 filters, 6 channels of a 13 x 13 output in a pass."""
    tile = tile_of(b=4, k=32, c=6, oy=13, ox=13, fy=3, fx=3)
    found = row_mapping(tile, eyeriss())
    assert found.passes == 1
    assert found.mac_cycles == 4 * 16 * 3 * 3 * 13
    assert found.load == 32 * 6 * 9 // 4
    assert found.fill == 6 * 3 * 15  # three columns of 15 rows of each channel, one a cycle
    assert found.stream == found.mac_cycles
    assert found.input_words == 4 * 6 * 15 * 15
    assert found.sum_words == 4 * 32 * 13 * 13
    assert found.filter_words == 32 * 6 * 9
    cost = row_stationary(tile, eyeriss())
    assert cost.occupied == found.mac_cycles + found.load + found.fill
    assert cost.weight_load == found.load
    assert cost.fill == found.fill


def test_sums_limit_a_pass_of_few_channels() -> None:
    """One channel of 3 x 3 takes 3 cycles a sum in an element, and 13 x 4 sums arrive 4 a cycle."""
    found = row_mapping(tile_of(k=16, oy=13, ox=224, fy=3, fx=3), eyeriss())
    assert found.t == 4 and found.p == 4
    assert found.mac_cycles == 4 * 3 * 224
    assert found.stream == 16 * 13 * 224 // 4


def test_inputs_limit_a_pass_of_few_filters() -> None:
    found = row_mapping(tile_of(k=1, oy=14, ox=50, fy=3, fx=3), eyeriss())
    assert found.stream == 16 * 52 > found.mac_cycles


def test_a_wide_set_is_folded_or_cut_into_strips() -> None:
    """27 rows of a 5 x 5 filter take two places of 14 and 13 columns: one strip, one set."""
    found = row_mapping(tile_of(k=16, c=2, oy=27, ox=27, fy=5, fx=5), eyeriss())
    assert found.e == 27 and found.r * found.t == 1
    high = row_mapping(tile_of(k=16, c=2, oy=55, ox=27, fy=5, fx=5), eyeriss())
    assert high.e <= 28 and high.passes >= 2


def test_filters_larger_than_the_array_are_cut_into_pieces() -> None:
    """13 filter rows on 12 rows of elements: two pieces of 7 and 6, and each adds to the sums."""
    found = row_mapping(tile_of(oy=4, ox=4, fy=13, fx=13), eyeriss())
    assert found.sum_words == 4 * 4 * 4
    assert found.passes == 4


def test_filters_and_first_windows_are_hidden_where_the_array_hides_them() -> None:
    tile = tile_of(b=4, k=32, c=6, oy=13, ox=13, fy=3, fx=3)
    found = row_mapping(tile, eyeriss())
    hidden = eyeriss(hide_weight_load=True, hide_drain=True)
    assert pass_cycles(found, hidden) == found.stream
    assert pass_cycles(found, eyeriss()) == found.stream + found.load + found.fill


@settings(max_examples=200, deadline=None)
@given(extents(), row_arrays())
def test_no_tile_beats_the_peak_and_scratchpads_hold_what_they_get(
    tile: Extents, array: ArrayParams
) -> None:
    cost = tile_cost(ROW_STATIONARY, 0, tile, array)
    assert cost.occupied * peak_macs(array, tile) >= macs_of(tile) * (1 - 1e-9)
    assert cost.fill + cost.weight_load <= cost.occupied
    found = row_mapping(tile, array)
    assert found.p <= array.sum_entries
    assert found.q * min(tile.fx, array.input_entries) <= 2 * array.input_entries
    assert found.sum_words >= tile.b * tile.k * tile.oy * tile.ox


@settings(max_examples=100, deadline=None)
@given(extents(), row_arrays())
def test_wider_networks_never_cost_a_cycle(tile: Extents, array: ArrayParams) -> None:
    wider = array._replace(input_rate=2 * array.input_rate, weight_rate=2 * array.weight_rate)
    assert row_stationary(tile, wider).occupied <= row_stationary(tile, array).occupied
