"""The summary of a table says what the table holds."""

from __future__ import annotations

import json

import numpy as np
import pytest

import npusim
from npusim.errors import UsageError
from npusim.sweep.front import pareto_front
from npusim.sweep.objectives import costs_of
from npusim.sweep.sensitivity import PARTIAL_GRID, SAMPLE
from npusim.sweep.summary import Infeasible, Summary, knobs_of, summary
from tests.support.designs import FIELDS, OBJECTIVES, UNITS, designs


@pytest.fixture(scope="module")
def found() -> Summary:
    return summary(designs(), FIELDS, OBJECTIVES, UNITS)


def test_points_are_counted_with_the_reasons_of_those_that_fail(found: Summary) -> None:
    assert (found.points, found.feasible) == (128, 120)
    reason = "conv1: no tile fits in 256 KiB of sram"
    assert found.infeasible == (Infeasible("does not fit", 8, reason, 96),)


def test_the_best_of_each_objective_is_its_least_value(found: Summary) -> None:
    for name in OBJECTIVES:
        assert found.columns[name][found.best[name]] == np.nanmin(found.columns[name])


def test_what_is_maximised_is_best_at_its_largest_value() -> None:
    columns = {**designs(), "tops_per_watt": 1 / designs()["energy_j"]}
    best = summary(columns, FIELDS, ["latency_s", "tops_per_watt"]).best["tops_per_watt"]
    assert columns["tops_per_watt"][best] == np.nanmax(columns["tops_per_watt"])


def test_the_front_is_whole_and_in_the_order_of_the_first_objective(found: Summary) -> None:
    rows = pareto_front(costs_of(found.columns, OBJECTIVES))
    assert sorted(found.front) == rows.tolist()
    latencies = found.columns["latency_s"][list(found.front)]
    assert (np.diff(latencies) >= 0).all()
    assert found.knee in found.front


def test_each_objective_has_shares_of_all_fields(found: Summary) -> None:
    assert set(found.sensitivities) == set(OBJECTIVES)
    for one in found.sensitivities.values():
        assert {share.field for share in one.shares} == set(FIELDS)
        assert one.basis == PARTIAL_GRID
    area = {share.field: share.total for share in found.sensitivities["area_mm2"].shares}
    assert area["clock"] == pytest.approx(0, abs=1e-12)
    sampled = summary(designs(), FIELDS, OBJECTIVES, sampled=True)
    assert sampled.sensitivities["area_mm2"].basis == SAMPLE


def test_fields_that_change_together_are_one_knob() -> None:
    columns = {**designs(), "twice": designs()["clock"] * 2, "fixed": np.ones(128)}
    knobs = knobs_of(columns, (*FIELDS, "twice", "fixed"))
    assert knobs == (*((field,) for field in FIELDS[:3]), ("clock", "twice"), ("fixed",))
    found = summary(columns, (*FIELDS, "twice"), OBJECTIVES)
    shares = {one.field for one in found.sensitivities["latency_s"].shares}
    assert shares == {*FIELDS[:3], "clock+twice"}


def test_the_document_is_json_of_every_part(found: Summary) -> None:
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert document["schema"] == "npusim.sweep/1"
    assert document["points"] == document["feasible"] + sum(
        one["points"] for one in document["infeasible"]
    )
    assert [row["number"] for row in document["front"]] == list(found.front)
    assert document["best"]["latency_s"]["memory.sram.size"] == 2**21
    assert document["knee"]["number"] == found.knee
    assert set(document["sensitivity"]) == set(OBJECTIVES)


def test_the_fields_of_a_point_make_its_hardware(found: Summary) -> None:
    at = found.best["latency_s"]
    hardware = npusim.load_hardware("edge-npu-1", found.overrides(at))
    stated = [hardware.mac_array.rows, hardware.mac_array.cols,
              hardware.memory.sram.size_bytes, hardware.clock_hz]  # fmt: skip
    assert stated == [found.columns[field][at] for field in FIELDS]


def test_without_a_feasible_point_there_is_only_the_reason() -> None:
    columns = designs()
    columns["status"][:] = "does not fit"
    for name in OBJECTIVES:
        columns[name][:] = np.nan
    found = summary(columns, FIELDS, OBJECTIVES)
    assert (found.feasible, found.front, found.knee, found.best) == (0, (), None, {})
    assert found.sensitivities == {}
    assert found.infeasible[0].points == 128
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_feasible_point_without_a_value_is_not_hidden() -> None:
    columns = {**designs(), "accuracy": np.full(128, np.nan)}
    found = summary(columns, FIELDS, ["latency_s", "accuracy"])
    assert [(one.status, one.points) for one in found.infeasible] == [
        ("no value", 120), ("does not fit", 8),
    ]  # fmt: skip


def test_an_objective_that_is_unknown_or_absent_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'latency_s'"):
        summary(designs(), FIELDS, ["latency"])
    with pytest.raises(UsageError, match="no accuracy"):
        summary(designs(), FIELDS, ["accuracy"])
