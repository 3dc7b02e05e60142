"""Schedules for energy: the weights of the search, and the judges of Programs."""

from __future__ import annotations

import pytest

from npusim.energy.model import energy_of
from npusim.energy.objective import OBJECTIVES, judge_of, objective_weights
from npusim.errors import UsageError
from npusim.schedule.estimate import LATENCY
from npusim.schedule.scheduler import build_program
from npusim.timing.counts import count, latency_cost
from tests.support.counted import conv_graph, hardware_of


def test_weights_are_the_figures_of_the_hardware() -> None:
    hardware = hardware_of(
        "technology.static=1 W", "technology.energy_per_action.dram_per_byte=40 pJ/B",
        "technology.energy_per_action.sram_write_per_byte=3 pJ/B",
    )  # fmt: skip
    weights = objective_weights(hardware)
    assert (weights.cycles_power, weights.energy_power) == (0, 1)
    assert (weights.dram_pj, weights.sram_pj) == (40.0, 3.0)
    background = hardware.memory.dram.table.background_w
    assert background is not None
    assert weights.static_pj_per_cycle == pytest.approx((1 + background.value) / 500e6 * 1e12)
    assert objective_weights(hardware, "edp")._replace(cycles_power=0) == weights
    assert objective_weights(hardware, "latency") == LATENCY


def test_an_unknown_objective_is_refused_with_a_hint() -> None:
    with pytest.raises(UsageError, match="did you mean 'energy'"):
        judge_of("energi")
    with pytest.raises(UsageError, match="latency, energy, edp"):
        objective_weights(hardware_of(), "area")


def test_judges_are_cycles_joules_and_their_product() -> None:
    hardware = hardware_of()
    program = build_program(conv_graph(), hardware, judge_of("latency"))
    counts = count(program)
    energy_j = energy_of(counts).total_j
    assert judge_of("energy")(program) == energy_j
    assert judge_of("edp")(program) == energy_j * counts.cycles
    assert judge_of("latency")(program) == latency_cost(program)
    assert int(latency_cost(program)) == counts.cycles - counts.overhead_cycles


@pytest.mark.parametrize("goal", OBJECTIVES)
def test_the_schedule_for_a_goal_is_the_best_of_the_three_at_it(goal: str) -> None:
    """Where SRAM is scarce the goals part ways; a part in a hundred is left to the estimates."""
    hardware = hardware_of("memory.sram.size=16 KiB", "technology.static=0 W")
    graph = conv_graph(size=24, channels=32, outputs=64)
    results = {
        name: judge_of(goal)(
            build_program(graph, hardware, judge_of(name), objective_weights(hardware, name))
        )
        for name in OBJECTIVES
    }
    assert results[goal] <= 1.01 * min(results.values()), results
