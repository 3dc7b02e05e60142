"""Knee points of fronts whose knee is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from npusim.sweep.knee import knee


def test_the_corner_of_a_front_is_its_knee() -> None:
    assert knee(np.array([[1.0, 100.0], [1.2, 10.0], [9.0, 9.0], [100.0, 8.0], [50.0, 50.0]])) == 1


def test_it_is_the_point_farthest_from_the_line_between_the_ends() -> None:
    random = np.random.default_rng(0)
    x = np.sort(random.random(30))
    costs = np.stack([np.exp(x), np.exp((1 - x) ** 3)], axis=1)
    logs = np.log(costs)
    scaled = (logs - logs.min(axis=0)) / np.ptp(logs, axis=0)
    distances = (1 - scaled.sum(axis=1)) / math.sqrt(2)
    assert knee(costs) == int(np.argmax(distances))


def test_units_and_the_sign_of_what_is_maximised_do_not_move_it() -> None:
    costs = np.array([[1.0, 100.0], [1.2, 10.0], [9.0, 9.0], [100.0, 8.0]])
    assert knee(costs * [1e-9, 1e12]) == knee(costs)
    assert knee(np.stack([costs[:, 0], -1 / costs[:, 1]], axis=1)) == knee(costs)


@pytest.mark.parametrize(
    "costs",
    [
        [[1.0, 2.0], [2.0, 1.0]],
        [[1.0, 2.0], [1.0, 2.0], [2.0, 1.0]],
        [[1.0, 8.0], [2.0, 4.0], [4.0, 2.0], [8.0, 1.0]],
        [[1.0, 9.0], [4.0, 8.0], [9.0, 1.0]],
        [[math.nan, 1.0]],
    ],
    ids=["two points", "two of them equal", "a straight line", "a bulge", "nothing feasible"],
)
def test_some_fronts_have_none(costs: list[list[float]]) -> None:
    assert knee(np.array(costs)) is None


def test_three_objectives_with_zeros() -> None:
    costs = np.array([[0.0, 4.0, 4.0], [4.0, 0.0, 4.0], [4.0, 4.0, 0.0], [1.0, 1.0, 1.0]])
    assert knee(costs) == 3
