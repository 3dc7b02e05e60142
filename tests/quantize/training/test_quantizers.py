"""Quantizers of a network: how they start, what they export, what is frozen."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra qat)")

from npusim.quantize.training.quantizers import (  # noqa: E402
    ActivationQuantizer,
    WeightQuantizer,
)


def started(bits: int, signed: bool, *values: float) -> ActivationQuantizer:
    quantizer = ActivationQuantizer(bits, signed=signed)
    quantizer.observing = True
    for value in values:
        quantizer(torch.tensor([[value]]))
    quantizer.start_at_observed()
    return quantizer


def test_values_pass_until_it_starts() -> None:
    x = torch.tensor([[0.123]])
    assert torch.equal(ActivationQuantizer(4)(x), x)
    assert torch.equal(WeightQuantizer(4)(x), x)


def test_signed_activations_get_a_zero_point_from_their_extremes() -> None:
    quantizer = started(8, True, -1.0, 0.5, 1.55)
    assert quantizer.grid.zero == 100
    assert (quantizer.grid.low, quantizer.grid.high) == (0, 255)
    assert quantizer(torch.tensor([[-1.0]])).item() == pytest.approx(-1.0, abs=0.01)


def test_activations_behind_a_relu_begin_at_zero() -> None:
    quantizer = started(4, False, 0.0, 1.5)
    assert quantizer.grid.zero == 0
    assert quantizer(torch.tensor([[-3.0]])).item() == 0
    assert quantizer.observed == [] and not quantizer.observing


def test_a_channel_has_its_own_step_or_all_have_one() -> None:
    weight = torch.tensor([[7.0, -1.0], [0.7, 0.1]])
    for per_channel, shape in ((True, (2, 1)), (False, (1,))):
        quantizer = WeightQuantizer(4, per_channel)
        quantizer.start_at(weight, per_channel)
        assert quantizer.step.shape == shape
    assert WeightQuantizer(4).grid.integers(weight, torch.tensor([[1.0], [0.1]])).tolist() == [
        [7.0, -1.0],
        [7.0, 1.0],
    ]


def test_the_start_is_the_published_one_if_asked_for() -> None:
    weight = torch.tensor([[3.0, -1.0, 2.0]])
    published, best = WeightQuantizer(3, start="lsq"), WeightQuantizer(3)
    for quantizer in (published, best):
        quantizer.start_at(weight)
    assert published.step.item() == pytest.approx(2 * 2 / 3**0.5)
    assert best.step.item() == 1.0


def test_frozen_integers_are_computed_with_and_exported() -> None:
    quantizer = WeightQuantizer(4)
    quantizer.set_step(torch.tensor([[1.0]]))
    quantizer.follow(torch.tensor([[2.0, 2.0]]), momentum=0.5)
    assert quantizer.flips is not None
    for value in (3.0, 2.0, 3.0):
        quantizer.flips.observe(torch.tensor([[value, 2.0]]))
    quantizer.flips.freeze(0.1)
    weight = torch.tensor([[-5.0, -5.0]])
    assert quantizer(weight).tolist() == [[3.0, -5.0]]
    assert quantizer.integers(weight).tolist() == [[3.0, -5.0]]


def test_the_penalty_is_the_distance_to_the_bins_centre_within_the_range() -> None:
    quantizer = WeightQuantizer(3)
    quantizer.set_step(torch.tensor([[0.5]]))
    weight = torch.tensor([[0.6, -0.4, 9.0]], requires_grad=True)  # centres 0.5, -0.5, 1.5
    penalty = quantizer.distance(weight)
    assert penalty.item() == pytest.approx(0.1**2 + 0.1**2, rel=1e-5)
    penalty.backward()
    assert weight.grad is not None
    assert weight.grad.flatten().tolist() == pytest.approx([0.2, 0.2, 0.0], abs=1e-6)


def test_an_unknown_start_is_a_key_error_of_ours_only() -> None:
    with pytest.raises(KeyError):
        WeightQuantizer(4, start="guess")
