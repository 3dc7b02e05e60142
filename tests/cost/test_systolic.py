"""Tiles on systolic arrays, by hand and as SCALE-Sim counts them."""

from __future__ import annotations

import csv

import pytest

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
        (dict(k=4, c=4, ox=10), dict(hide_weight_load=False), 14, 0, 4),
        (dict(k=4, c=4, ox=10), dict(hide_drain=False), 16, 6, 0),
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


def test_output_stationary_folds_are_scale_sims_and_shift_out():
    """Its program counts as many folds, each shorter by the cycles in which results shift out."""
    array = array_with(rows=32, cols=32, hide_drain=False)
    for row in scale_sim("alexnet__os32_calc.csv"):
        tile = tile_of(k=row["num_filters"], c=row["reduction"], ox=row["pixels"])
        folds = row["row_folds"] * row["col_folds"]
        assert row["total_cycles"] == folds * row["cycles_per_fold"] - 1
        assert output_stationary(tile, array).occupied == folds * (row["cycles_per_fold"] + 32)


@pytest.mark.parametrize("network", ["alexnet", "mobilenet_v1"])
def test_weight_stationary_folds_are_scale_sims_but_for_idle_rows(network):
    """Its program loads all 128 rows even if the reduction is shorter; else the folds are equal."""
    array = array_with(
        rows=128, cols=128, weight_rate=128.0, hide_drain=False, hide_weight_load=False
    )
    for row in scale_sim(f"{network}__ws128_calc.csv"):
        tile = tile_of(k=row["num_filters"], c=row["reduction"], ox=row["pixels"])
        folds = row["row_folds"] * row["col_folds"]
        idle_rows = 128 - min(128, row["reduction"])
        assert row["total_cycles"] == folds * row["cycles_per_fold"] - 1
        assert weight_stationary(tile, array).occupied == folds * (
            row["cycles_per_fold"] - idle_rows
        )
