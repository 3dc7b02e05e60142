"""Hypervolume against counting unit cubes, and against boxes whose volume is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hypervolume import hypervolume, worst_of

SIDE = 5


@settings(deadline=None)
@given(
    st.integers(1, 4).flatmap(
        lambda k: st.lists(st.tuples(*[st.integers(0, SIDE + 1)] * k), min_size=1, max_size=12)
    )
)
def test_equals_the_number_of_unit_cubes_that_a_point_dominates(points) -> None:
    costs = np.array(points, np.float64)
    cubes = itertools.product(range(SIDE), repeat=costs.shape[1])
    covered = sum(any((row <= cube).all() for row in costs) for cube in map(np.array, cubes))
    assert hypervolume(costs, np.full(costs.shape[1], float(SIDE))) == pytest.approx(covered)


def test_one_point_is_a_box() -> None:
    assert hypervolume(np.array([[1.0, 2.0, 3.0]]), np.array([2.0, 4.0, 6.0])) == 6.0


def test_equals_inclusion_and_exclusion_of_random_boxes() -> None:
    random = np.random.default_rng(3)
    costs, reference = random.random((8, 3)), np.ones(3)
    sizes = range(1, len(costs) + 1)
    signed = (
        (-1) ** (size + 1) * float(np.prod(reference - costs[list(rows)].max(axis=0)))
        for size in sizes
        for rows in itertools.combinations(range(len(costs)), size)
    )
    assert hypervolume(costs, reference) == pytest.approx(sum(signed))


def test_infeasible_and_outside_points_add_nothing() -> None:
    costs = np.array([[0.5, 0.5], [np.nan, 0.1], [0.2, 1.5]])
    assert hypervolume(costs, np.ones(2)) == 0.25
    assert hypervolume(costs[1:], np.ones(2)) == 0.0


def test_the_worst_costs_are_those_of_feasible_points() -> None:
    assert worst_of(np.array([[1.0, 5.0], [3.0, 2.0], [np.nan, 9.0]])).tolist() == [3.0, 5.0]
    with pytest.raises(ValueError, match="no feasible"):
        worst_of(np.full((2, 2), np.nan))
