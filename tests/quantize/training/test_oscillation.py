"""The oscillation experiment: flip rate 2d, mean at the optimum, dampening and freezing stop it."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.quantize.training.oscillation import DISTANCES, Course, train_weights

SETTLED = 2_000
"""By then the slowest weight (d = 0.05, rate 0.01) has made its way to the threshold: 900 steps."""


@pytest.fixture(scope="module", params=(0.1, 0.01))
def course(request: pytest.FixtureRequest) -> Course:
    return train_weights(rate=request.param)


def test_flips_per_step_are_twice_the_distance_at_every_rate(course: Course) -> None:
    np.testing.assert_allclose(
        course.flips_per_step(SETTLED), 2 * np.array(DISTANCES), rtol=0, atol=2e-4
    )


def test_the_mean_over_time_is_the_optimum(course: Course) -> None:
    assert np.abs(course.mean_error(SETTLED)).max() < 0.002


def test_a_weight_never_leaves_the_two_grid_points_beside_its_optimum(course: Course) -> None:
    assert set(np.unique(course.integers)) == {0.0, 1.0}


def test_an_optimum_anywhere_on_the_grid_behaves_alike() -> None:
    distances = np.pi / 30 + np.array([-3.0, 0.0, 7.0])  # and no round fraction of the steps
    course = train_weights(distances)
    np.testing.assert_allclose(course.flips_per_step(SETTLED), np.pi / 15, atol=2e-4)
    assert np.abs(course.mean_error(SETTLED)).max() < 0.002


def test_an_optimum_on_the_grid_does_not_oscillate() -> None:
    assert train_weights((0.0, 3.0), steps=500).flips_per_step().max() == 0


def test_dampening_leaves_no_flip_and_the_latent_weight_inside_its_bin() -> None:
    course = train_weights(dampening=1.0)
    assert course.flips_per_step().max() == 0
    np.testing.assert_allclose(course.latent[-1], DISTANCES)  # where pull and gradient balance


def test_too_little_dampening_does_not_help_an_optimum_far_from_the_grid() -> None:
    course = train_weights(dampening=0.5)  # comes to rest d / 0.5 from the centre: beyond 1/2
    moving = course.flips_per_step(SETTLED) > 0
    assert list(moving) == [distance > 0.25 for distance in DISTANCES]


@pytest.mark.parametrize("rate", (0.1, 0.01))
def test_freezing_stops_every_weight_after_four_flips(rate: float) -> None:
    course = train_weights(rate=rate, freeze_above=0.02)
    changes = np.diff(course.integers, axis=0) != 0
    assert list(changes.sum(axis=0)) == [4] * len(DISTANCES)
    assert not changes[SETTLED:].any()
    assert course.frozen.all()


def test_a_frozen_weight_stays_at_the_grid_point_next_to_its_optimum() -> None:
    course = train_weights((0.05, 0.3, 0.7, 0.95), freeze_above=0.02)
    assert list(course.integers[-1]) == [0, 0, 1, 1]
