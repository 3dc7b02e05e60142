"""Prices that hardware points have in common are those that each of them has alone."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

import npusim
from npusim.cost.machine import machine_of
from npusim.energy import parts
from npusim.energy.hardware_figures import Figures
from npusim.errors import UnsupportedModelError
from npusim.schedule.lower import lower
from tests.support.graphs import graphs
from tests.support.presets_drawn import moved_presets


@given(graphs(most_operators=3), st.lists(moved_presets(), min_size=2, max_size=4), st.booleans())
@settings(max_examples=20, deadline=None)
def test_kept_prices_are_those_of_each_hardware(graph, points, multiplies) -> None:
    for hardware in (*points, *reversed(points)):
        try:
            kinds = lower(graph, hardware, machine_of(hardware)).kinds
        except UnsupportedModelError:
            assume(False)
        own = tuple(bool(step.pair) and multiplies for step in kinds.models)
        alone = parts._prices_of_kinds(kinds, own, Figures(hardware))
        assert parts._kept_prices(kinds, own, Figures(hardware)) == alone


def test_each_field_that_prices_read_changes_them() -> None:
    changes = [
        {}, {"technology.node": "16 nm"}, {"memory.sram.size": "1 MiB"},
        {"memory.dram.technology": "hbm2e-3200"},
        {"technology.energy_per_action.mac_int8": "1 pJ"},
        {"mac_array.accumulator.format": "int48"},
    ]  # fmt: skip
    graph = npusim.load_model("mobilenet-v2").graph
    found = []
    for overrides in changes:
        hardware = npusim.load_hardware("tpu-like-128", overrides)
        kinds = lower(graph, hardware, machine_of(hardware)).kinds
        own = tuple(bool(step.pair) for step in kinds.models)
        found.append(parts._kept_prices(kinds, own, Figures(hardware)))
    assert len({str(prices) for prices in found}) == len(changes)
