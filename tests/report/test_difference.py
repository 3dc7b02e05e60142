"""Differences of reports: layers by name, time in seconds, everything adds up."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

import npusim
from npusim.errors import UsageError
from npusim.report.difference import Difference, difference
from npusim.report.report import Report
from npusim.report.saved import Saved, read_saved


def saved(report: Report) -> Saved:
    return Saved.model_validate_json(report.to_json())


@pytest.fixture(scope="module")
def reports() -> tuple[Report, Report]:
    faster = npusim.load_hardware("edge-npu-1", ["clock=1 GHz"])
    return npusim.simulate("digits", "edge-npu-1"), npusim.simulate("digits", faster)


@pytest.fixture(scope="module")
def compared(reports: tuple[Report, Report]) -> Difference:
    return difference(*map(saved, reports))


def test_layers_and_causes_add_up_to_the_change_of_latency(compared):
    change = compared.after.total.latency_s - compared.before.total.latency_s
    assert math.fsum(layer.time_s.change for layer in compared.layers) == pytest.approx(change)
    assert math.fsum(delta.change for delta in compared.causes_s) == pytest.approx(change)
    joules = compared.after.total.energy_j - compared.before.total.energy_j
    assert math.fsum(layer.energy_j.change for layer in compared.layers) == pytest.approx(joules)
    assert math.fsum(delta.change for delta in compared.parts_j) == pytest.approx(joules)


def test_causes_and_parts_of_a_layer_add_up_to_its_change(compared):
    for layer in compared.layers:
        seconds = math.fsum(delta.change for delta in layer.causes_s)
        assert seconds == pytest.approx(layer.time_s.change, rel=1e-9, abs=1e-18)
        joules = math.fsum(delta.change for delta in layer.parts_j)
        assert joules == pytest.approx(layer.energy_j.change, rel=1e-9, abs=1e-21)
        assert layer.cause == (layer.causes_s[0].name if layer.cause_s else "")


def test_a_report_need_not_be_saved_to_be_compared(compared, reports):
    found = difference(*reports)
    assert found.layers == compared.layers
    assert found.to_dict() == compared.to_dict()


def test_a_higher_clock_is_a_shorter_time_not_equal_cycles(compared, reports):
    before, after = reports
    layer = next(one for one in before.layers if one.macs)
    other = next(one for one in after.layers if one.name == layer.name)
    delta = next(one.time_s for one in compared.layers if one.time_s.name == layer.name)
    assert delta.before == pytest.approx(layer.cycles / before.hardware.clock_hz)
    assert delta.after == pytest.approx(other.cycles / after.hardware.clock_hz)


def test_a_report_does_not_differ_from_itself(reports):
    found = difference(saved(reports[0]), saved(reports[0]))
    assert found.differing == ()
    deltas = (*found.totals, *found.causes_s, *found.parts_j)
    assert all(delta.change == 0 for delta in deltas)
    assert all(layer.cause == "" for layer in found.layers)


def test_what_is_not_the_same_is_said(reports):
    before, after = map(saved, reports)
    (text,) = difference(before, after).differing
    assert "hardware" in text
    other = after.model_copy(update={"batch": 4})
    assert any("batch: 1 before, 4 after" in text for text in difference(before, other).differing)


def test_layers_that_only_one_report_has_are_there(reports):
    before, after = reports
    shorter = replace(after, layers=after.layers[1:])
    found = difference(saved(before), saved(shorter))
    gone = next(one for one in found.layers if one.time_s.name == before.layers[0].name)
    assert gone.time_s.after is None
    assert gone.time_s.change == -gone.time_s.before


def test_layers_of_one_name_are_matched_in_order(reports):
    twice = replace(reports[0], layers=(*reports[0].layers, *reports[0].layers))
    found = difference(saved(twice), saved(twice))
    assert len(found.layers) == len(twice.layers)
    assert all(layer.time_s.change == 0 for layer in found.layers)


def test_a_file_that_is_no_report_is_refused(tmp_path: Path, reports):
    path = tmp_path / "report.json"
    for text in ("", "[]", "{", '{"schema": "npusim.compare/1"}', '{"schema": 1}'):
        path.write_text(text)
        with pytest.raises(UsageError, match=r"report\.json"):
            read_saved(str(path))
    document = reports[0].to_dict()
    del document["total"]["energy_j"]
    document["layers"][0]["cycles"] = "many"
    path.write_text(json.dumps(document))
    with pytest.raises(UsageError) as caught:
        read_saved(str(path))
    assert {"energy_j" in str(p) or "cycles" in str(p) for p in caught.value.problems} == {True}
    assert len(caught.value.problems) == 2
    with pytest.raises(UsageError, match="can't be read"):
        read_saved(str(tmp_path / "absent.json"))
