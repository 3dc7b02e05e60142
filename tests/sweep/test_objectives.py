"""Objectives: which way is better, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.errors import UsageError
from npusim.sweep.objectives import OBJECTIVES, costs_of, feasible, objective_of

COLUMNS = {"latency_s": np.array([1.0, 2.0]), "tops_per_watt": np.array([3.0, np.nan])}


def test_what_is_maximised_is_negated() -> None:
    costs = costs_of(COLUMNS, ["latency_s", "tops_per_watt"])
    assert costs[0].tolist() == [1.0, -3.0]
    assert feasible(costs).tolist() == [True, False]


def test_ratios_to_a_resource_are_maximised_and_amounts_are_not() -> None:
    most = {name for name, one in OBJECTIVES.items() if one.maximised}
    assert {"tops_per_watt", "tops_per_mm2", "accuracy"} <= most
    assert not {"latency_s", "energy_j", "edp_js", "area_mm2", "dram_bytes"} & most


def test_an_objective_can_be_of_one_of_several_models() -> None:
    found = objective_of("tops_per_watt of resnet-50")
    assert (found.label, found.maximised) == ("efficiency of resnet-50", True)
    assert costs_of({found.name: np.array([2.0])}, [found.name]).tolist() == [[-2.0]]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["latency"], "did you mean 'latency_s'"),
        (["energy_j"], "this sweep has no energy_j"),
        (["latency_s", "latency_s"], "twice"),
        ([], "none is given"),
    ],
)
def test_mistakes_are_named(names: list[str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        costs_of(COLUMNS, names)
