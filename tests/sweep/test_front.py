"""The front is what comparing every point with every other gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.sweep.front import BLOCK_ROWS, pareto_front
from npusim.sweep.objectives import Floats

NUMBERS = st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, float("nan"), float("inf")])


def brute_force(costs: Floats) -> list[int]:
    """Rows that no other row dominates, by the definition."""
    rows = [at for at in range(len(costs)) if np.isfinite(costs[at]).all()]
    return [
        at for at in rows
        if not any((costs[x] <= costs[at]).all() and (costs[x] < costs[at]).any() for x in rows)
    ]  # fmt: skip


@given(st.integers(1, 4).flatmap(lambda k: st.lists(st.tuples(*[NUMBERS] * k), min_size=1)))
def test_small_tables_equal_brute_force(rows: list[tuple[float, ...]]) -> None:
    costs = np.array(rows)
    assert pareto_front(costs).tolist() == brute_force(costs)


@pytest.mark.parametrize("objectives", [2, 3, 4])
def test_tables_of_several_blocks_equal_brute_force(objectives: int) -> None:
    random = np.random.default_rng(objectives)
    costs = random.integers(0, 40, (3 * BLOCK_ROWS + 5, objectives)).astype(np.float64)
    assert pareto_front(costs).tolist() == brute_force(costs)


def test_points_with_equal_costs_are_all_on_the_front() -> None:
    costs = np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 3.0], [0.5, 3.0]])
    assert pareto_front(costs).tolist() == [0, 1, 3]


def test_no_feasible_point_makes_an_empty_front() -> None:
    assert pareto_front(np.full((3, 2), np.nan)).tolist() == []
    assert pareto_front(np.empty((0, 3))).tolist() == []


def test_a_front_of_a_hundred_thousand_points_on_a_sphere_octant_is_found_whole() -> None:
    angles = np.linspace(0.01, 1.5, 100_000)
    costs = np.stack([-np.cos(angles), -np.sin(angles)], axis=1)
    assert len(pareto_front(costs)) == 100_000
