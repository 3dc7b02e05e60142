"""Oscillations are told from drift; frozen integers stay, on numpy arrays."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.quantize.training.flips import Flips


def followed(*sequence: float, momentum: float = 0.5) -> tuple[Flips, list[float]]:
    flips = Flips(np.array([sequence[0]], np.float64), momentum)
    return flips, [float(flips.observe(np.array([x]))[0]) for x in sequence[1:]]


def test_a_change_back_is_an_oscillation_and_a_climb_is_none() -> None:
    assert followed(0.0, 1.0, 2.0, 3.0)[1] == [0.0, 0.0, 0.0]
    assert followed(0.0, 1.0, 0.0, 1.0)[1] == [0.0, 1.0, 1.0]


def test_the_change_before_counts_however_long_ago_it_was() -> None:
    assert followed(0.0, 1.0, 1.0, 1.0, 0.0)[1] == [0.0, 0.0, 0.0, 1.0]


def test_frequency_and_mean_are_exponential_means() -> None:
    flips, _ = followed(4.0, 5.0, 4.0, 5.0)
    assert flips.frequency[0] == 0.75  # 0 -> 0 -> 1/2 -> 3/4
    assert flips.mean[0] == 4.625  # 4 -> 4.5 -> 4.25 -> 4.625
    assert flips.count[0] == 3


def test_what_flips_above_the_threshold_is_frozen_at_its_mean() -> None:
    flips, _ = followed(4.0, 5.0, 4.0, 5.0)
    flips.freeze(0.75)  # not above
    assert flips.applied(np.array([9.0]))[0] == 9.0
    flips.freeze(0.74)
    assert flips.applied(np.array([9.0]))[0] == 5.0


def test_a_frozen_weight_keeps_its_integer_when_its_mean_moves_on() -> None:
    flips, _ = followed(4.0, 5.0, 4.0, 5.0)
    flips.freeze(0.5)
    for _ in range(10):
        flips.observe(np.array([-3.0]))
    flips.freeze(0.0)
    assert flips.applied(np.array([9.0]))[0] == 5.0
    assert flips.frozen[0] == 1.0


def test_tensors_of_pytorch_give_the_same() -> None:
    torch = pytest.importorskip("torch", reason="needs PyTorch (extra qat)")
    rng = np.random.default_rng(1)
    momentum = 1 / 64  # the same number in float32, in which PyTorch computes a part of it
    ours = Flips(np.zeros(20), momentum)
    theirs = Flips(torch.zeros(20, dtype=torch.float64), momentum)
    for _ in range(200):
        integers = (rng.random(20) < np.linspace(0, 0.5, 20)).astype(np.float64)
        for flips, given in ((ours, integers), (theirs, torch.tensor(integers))):
            flips.observe(flips.applied(given))
            flips.freeze(0.2)
    assert 0 < ours.frozen.sum() < 20
    for name in ("frequency", "mean", "count", "frozen", "held"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name).numpy())
