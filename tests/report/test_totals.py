"""The quick figures of a Program equal those of its Report, number by number."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import npusim
from npusim.api import evaluate
from npusim.energy.objective import OBJECTIVES
from npusim.errors import DoesNotFitError, UnsupportedModelError, UsageError
from npusim.hardware import Hardware
from npusim.hardware.presets import preset_names
from npusim.ir.graph import Graph
from npusim.report.totals import Totals
from tests.support.counted import conv_graph
from tests.support.graphs import graphs
from tests.support.presets_drawn import moved_presets

NAMES = [field.name for field in fields(Totals)]


def assert_equal_to_the_report(graph: Graph, hardware: Hardware, objective: str) -> None:
    model = npusim.api.Model(graph)
    total = npusim.simulate(model, hardware, objective=objective).total
    quick = evaluate(model, hardware, objective)
    assert {name: getattr(quick, name) for name in NAMES} == {
        name: getattr(total, name) for name in NAMES
    }


@pytest.mark.parametrize("preset", preset_names())
def test_they_equal_the_total_of_a_report_on_every_preset(preset: str) -> None:
    assert_equal_to_the_report(conv_graph(), npusim.load_hardware(preset), "latency")


@settings(max_examples=15, deadline=None)
@given(graphs(), moved_presets(), st.sampled_from(OBJECTIVES))
def test_they_equal_the_total_of_a_report_on_random_networks(graph, hardware, objective) -> None:
    try:
        assert_equal_to_the_report(graph, hardware, objective)
    except (DoesNotFitError, UnsupportedModelError):
        return


def test_a_batch_and_formats_are_those_of_simulate() -> None:
    hardware = npusim.load_hardware("edge-npu-1")
    total = npusim.simulate("digits", hardware, batch=4).total
    quick = evaluate("digits", hardware, batch=4)
    assert (quick.cycles, quick.energy_j) == (total.cycles, total.energy_j)
    with pytest.raises(UsageError, match="number formats of its own"):
        evaluate("digits", hardware, assume="int8")
