"""Tiles on systolic arrays, by hand and as SCALE-Sim counts them."""

from __future__ import annotations

import csv

import pytest

from npusim.cost.input_stationary import input_stationary
from npusim.cost.output_stationary import output_stationary
from npusim.cost.types import TileCost
from npusim.cost.weight_stationary import weight_stationary
from tests.support.shared import shared_path
from tests.support.tiles import array_with, tile_of


def test_weight_stationary_one_fold():
    """4 inputs, 4 outputs, 10 pixels on 4 x 4: a pixel a cycle; the skew follows the last one."""
    assert weight_stationary(tile_of(k=4, c=4, ox=10), array_with()) == TileCost(
        occupied=10, fill=0, weight_load=0, first_output=0, tail=6, weight_lead=4,
        input_reads=4 * 10, weight_reads=16,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("tile", "changes", "occupied", "fill", "load"),
    [
        (dict(k=8, c=4, ox=10), {}, 2 * 10, 0, 0),  # two column folds
        (dict(k=5, c=9, ox=10), {}, 2 * 3 * 10, 0, 0),  # ragged folds take as long
        (dict(k=4, c=4, ox=3), {}, 4, 0, 1),  # shorter than its weight load of 4 rows
        (dict(k=4, c=2, ox=3), {}, 3, 0, 0),  # two rows in use: two cycles to load
        (dict(k=4, c=2, ox=3), dict(load_idle_rows=True), 4, 0, 1),
        (dict(k=4, c=4, ox=10), dict(hide_weight_load=False), 14, 0, 4),
        (dict(k=4, c=4, ox=10), dict(hide_drain=False, pipeline_delay=2), 18, 8, 0),
        (dict(k=4, c=4, ox=10), dict(hide_drain=False), 16, 6, 0),
        (dict(k=4, c=4, ox=1), dict(hide_drain=False), 7, 6, 0),  # the load passes beside the drain
        (dict(k=4, c=4, ox=1), dict(hide_drain=False, weight_rate=2.0), 8, 6, 1),
        (dict(k=8, c=4, ox=10), dict(hide_drain=False, hide_weight_load=False), 40, 12, 8),
        (dict(k=4, c=4, ox=10), dict(weight_rate=0.5), 32, 0, 22),  # 16 weights, two cycles each
        (dict(k=4, c=4, ox=10, macs_per_unit=2.0), {}, 5, 0, 0),
        (dict(k=4, c=4, ox=10, macs_per_unit=0.5), {}, 20, 0, 0),
        (dict(b=2, k=4, c=1, oy=3, ox=2, fy=2, fx=2), {}, 12, 0, 0),
    ],
)
def test_weight_stationary_by_hand(tile, changes, occupied, fill, load):
    cost = weight_stationary(tile_of(**tile), array_with(**changes))
    assert (cost.occupied, cost.fill, cost.weight_load) == (occupied, fill, load)


@pytest.mark.parametrize(
    ("groups", "rows", "cols", "folds"),
    [
        (12, 32, 32, 4),  # 32 rows hold three filters of nine taps
        (12, 32, 2, 6),  # two columns hold two
        (12, 9, 32, 12),
        (12, 4, 32, 36),  # a filter takes three folds of four rows
    ],
)
def test_depthwise_filters_stand_on_the_diagonal(groups, rows, cols, folds):
    tile = tile_of(g=groups, fy=3, fx=3, oy=10, ox=10)
    array = array_with(rows=rows, cols=cols, weight_rate=1e6)
    assert weight_stationary(tile, array).occupied == folds * 100


def test_weight_stationary_outputs_leave_in_the_last_row_fold():
    cost = weight_stationary(tile_of(k=4, c=12, ox=10), array_with())
    assert (cost.occupied, cost.first_output) == (30, 20)


def test_output_stationary_one_fold():
    """10 of reduction on 4 x 4 pixels and channels; skew 6 and drain 4 follow the last fold."""
    assert output_stationary(tile_of(k=4, c=10, ox=4), array_with()) == TileCost(
        occupied=10, fill=0, weight_load=0, first_output=10, tail=10, weight_lead=0,
        input_reads=4 * 10, weight_reads=4 * 10,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("tile", "changes", "occupied", "fill"),
    [
        (dict(k=8, c=10, ox=5), {}, 2 * 2 * 10, 0),  # two column folds, two of pixels
        (dict(k=4, c=3, ox=4), {}, 4, 1),  # the drain of 4 rows is longer than the reduction
        (dict(k=4, c=3, ox=4), dict(drain_beats=8), 8, 5),
        (dict(k=4, c=3, ox=4), dict(drain_beats=0), 3, 0),
        (dict(k=4, c=3, ox=4), dict(drain_whole=True), 10, 7),  # the wavefront takes 6 cycles more
        (dict(k=4, c=10, ox=4), dict(drain_whole=True), 10, 0),
        (dict(k=4, c=10, ox=4), dict(hide_drain=False, pipeline_delay=2, drain_beats=0), 18, 8),
        (dict(k=4, c=10, ox=4), dict(hide_drain=False), 10 + 6 + 4, 10),
        (dict(k=8, c=10, ox=4), dict(hide_drain=False), 2 * 20, 20),
        (dict(k=4, c=10, ox=4, macs_per_unit=2.0), {}, 5, 0),
        (dict(k=4, c=10, ox=4, macs_per_unit=0.5), {}, 20, 0),
        (dict(g=3, k=1, c=1, fy=3, fx=3, oy=2, ox=2), {}, 3 * 9, 0),  # groups one by one
    ],
)
def test_output_stationary_by_hand(tile, changes, occupied, fill):
    cost = output_stationary(tile_of(**tile), array_with(**changes))
    assert (cost.occupied, cost.fill) == (occupied, fill)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("reduction", [1, 5, 8, 30])
def test_the_last_sum_of_a_hidden_drain_leaves_as_if_nothing_followed(whole, reduction):
    """A longer fold holds the array, not its own sums: stream, skew, delay, then the beats."""
    array = array_with(rows=4, cols=8, drain_beats=8, drain_whole=whole, pipeline_delay=2)
    cost = output_stationary(tile_of(k=8, c=reduction, ox=4), array)
    assert cost.occupied + cost.tail == reduction + (4 + 8 - 2) + 2 + 8


def test_input_stationary_one_fold():
    """Four inputs of four pixels are loaded; ten filters stream past them."""
    assert input_stationary(tile_of(k=10, c=4, ox=4), array_with()) == TileCost(
        occupied=14, fill=0, weight_load=4, first_output=4, tail=6, weight_lead=0,
        input_reads=4 * 4, weight_reads=4 * 10,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("tile", "changes", "occupied", "fill", "load"),
    [
        (dict(k=10, c=4, ox=8), {}, 4 + 2 * 10, 0, 4),  # the second load is hidden
        (dict(k=10, c=5, ox=8), {}, 4 + 4 * 10, 0, 4),
        (dict(k=3, c=4, ox=12), {}, 4 + 4 + 4 + 3, 0, 6),  # filters are shorter than the load
        (dict(k=10, c=2, ox=4), {}, 2 + 10, 0, 2),  # two rows in use
        (dict(k=10, c=2, ox=4), dict(load_idle_rows=True), 4 + 10, 0, 4),
        (dict(k=10, c=4, ox=8), dict(hide_weight_load=False), 28, 0, 8),
        (dict(k=10, c=4, ox=8), dict(hide_drain=False, pipeline_delay=1), 38, 14, 4),
        (dict(k=1, c=4, ox=8), dict(hide_drain=False), 4 + 7 + 7, 12, 4),
        (dict(k=10, c=4, ox=4, macs_per_unit=2.0), {}, 4 + 5, 0, 4),
        (dict(g=3, k=1, c=1, fy=3, fx=3, ox=4), {}, 4 + 8 * 4 + 1, 0, 28),  # depthwise
    ],
)
def test_input_stationary_by_hand(tile, changes, occupied, fill, load):
    cost = input_stationary(tile_of(**tile), array_with(**changes))
    assert (cost.occupied, cost.fill, cost.weight_load) == (occupied, fill, load)


def scale_sim(name: str) -> list[dict[str, int]]:
    """Rows of a SCALE-Sim run; `pixels` and `reduction` are added."""
    with shared_path("data", "measurements", "scalesim", name).open() as file:
        rows = []
        for row in csv.DictReader(file):
            found = {key: int(text) for key, text in row.items() if text.isdigit()}
            found["reduction"] = found["filter_h"] * found["filter_w"] * found["channels"]
            found["pixels"] = found["macs"] // (found["reduction"] * found["num_filters"])
            rows.append(found)
    assert rows
    return rows


@pytest.mark.parametrize("beats", [0, 32])
def test_output_stationary_folds_are_scale_sims(beats):
    """Its program counts no cycles for shifting sums out; its paper does."""
    array = array_with(rows=32, cols=32, hide_drain=False, drain_beats=beats)
    for row in scale_sim("alexnet__os32_calc.csv"):
        tile = tile_of(k=row["num_filters"], c=row["reduction"], ox=row["pixels"])
        folds = row["row_folds"] * row["col_folds"]
        assert row["total_cycles"] == folds * row["cycles_per_fold"] - 1
        assert output_stationary(tile, array).occupied == folds * (row["cycles_per_fold"] + beats)


@pytest.mark.parametrize("network", ["alexnet", "mobilenet_v1"])
@pytest.mark.parametrize("loads_all", [False, True])
def test_weight_stationary_folds_are_scale_sims(network, loads_all):
    """Its program loads all 128 rows even if the reduction is shorter."""
    array = array_with(
        rows=128, cols=128, weight_rate=128.0, hide_drain=False, hide_weight_load=False,
        load_idle_rows=loads_all,
    )  # fmt: skip
    for row in scale_sim(f"{network}__ws128_calc.csv"):
        tile = tile_of(k=row["num_filters"], c=row["reduction"], ox=row["pixels"])
        folds = row["row_folds"] * row["col_folds"]
        idle_rows = 0 if loads_all else 128 - min(128, row["reduction"])
        assert row["total_cycles"] == folds * row["cycles_per_fold"] - 1
        assert weight_stationary(tile, array).occupied == folds * (
            row["cycles_per_fold"] - idle_rows
        )


@pytest.mark.parametrize(
    ("layer", "held_weights", "held_sums", "held_inputs"),
    [
        # 1x1: one fold; inputs have to be loaded first
        (dict(k=4, c=4, ox=4), 4, 4, 4 + 4),
        # GEMV: a weight load for every vector; one row of sums; one column of inputs
        (dict(k=8, c=8), 4 * 4, 2 * 8, 4 + 2 * 8),
        # two groups of 2 x 2: on the diagonal, one after the other, one after the other
        (dict(g=2, k=2, c=2, ox=4), 4, 2 * 4, 2 + 2 + 2),
        # depthwise 3x3: three folds of four rows a group; nine steps; one filter a load
        (dict(g=4, k=1, c=1, fy=3, fx=3, ox=4), 12 * 4, 4 * 9, 12 * 4 + 1),
    ],
    ids=["1x1", "gemv", "grouped", "depthwise"],
)
def test_each_kind_of_layer_maps_as_its_dataflow_must(layer, held_weights, held_sums, held_inputs):
    """On 4 x 4 with loads and drains hidden: cycles by hand."""
    tile, array = tile_of(**layer), array_with()
    assert weight_stationary(tile, array).occupied == held_weights
    assert output_stationary(tile, array).occupied == held_sums
    assert input_stationary(tile, array).occupied == held_inputs
