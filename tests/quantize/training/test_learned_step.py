"""Fake quantization: ONNX's integers forward, the published gradients backward."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra qat)")

from npusim.quantize.training.learned_step import (  # noqa: E402
    Grid,
    best_step,
    fake_quantized,
    published_step,
    through,
)


def tensor(*values: float) -> torch.Tensor:
    return torch.tensor(values)


def gradients(
    x: torch.Tensor, step: torch.Tensor, grid: Grid, upstream: torch.Tensor, **options: object
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients of x and of the step for the gradient `upstream` of the result."""
    x, step = x.clone().requires_grad_(), step.clone().requires_grad_()
    fake_quantized(x, step, grid, **options).backward(upstream)
    assert x.grad is not None and step.grad is not None
    return x.grad, step.grad


@pytest.mark.parametrize(
    ("bits", "signed", "expected"),
    ((8, True, (-127, 127)), (4, True, (-7, 7)), (3, True, (-3, 3)), (4, False, (0, 15))),
)
def test_grids(bits: int, signed: bool, expected: tuple[int, int]) -> None:
    grid = Grid.symmetric(bits) if signed else Grid.unsigned(bits)
    assert (grid.low, grid.high) == expected


def test_integers_are_those_of_onnx_quantize_linear() -> None:
    helper = pytest.importorskip("onnx").helper
    from onnx.reference import ReferenceEvaluator

    x = np.concatenate([np.arange(-40, 40) / 8, np.random.default_rng(1).normal(0, 9, 500)])
    x = x.astype(np.float32)
    step, zero = np.float32(0.25), np.uint8(7)
    node = helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"])
    (expected,) = ReferenceEvaluator(node).run(None, {"x": x, "s": step, "z": zero})
    found = Grid.unsigned(8, 7).integers(torch.from_numpy(x), tensor(step))
    np.testing.assert_array_equal(found.numpy(), expected)


def test_values_are_integers_times_the_step() -> None:
    found = fake_quantized(tensor(-9.0, -0.6, 0.25, 0.3, 9.0), tensor(0.5), Grid.symmetric(3))
    assert found.tolist() == [-1.5, -0.5, 0.0, 0.5, 1.5]


def test_the_gradient_passes_inside_the_range_and_stops_outside() -> None:
    x = tensor(-2.0, -1.7, 0.3, 1.7, 2.0)  # the range is -3..3 halves: up to 1.75
    found, _ = gradients(x, tensor(0.5), Grid.symmetric(3), torch.ones(5))
    assert found.tolist() == [0.0, 1.0, 1.0, 1.0, 0.0]


def test_the_gradient_of_the_step_is_the_published_one() -> None:
    x, upstream = tensor(-9.0, 0.3, 0.6, 9.0), tensor(1.0, 2.0, 3.0, 5.0)
    _, found = gradients(x, tensor(0.5), Grid.symmetric(3), upstream)
    expected = 1 * -3 + 2 * (1 - 0.6) + 3 * (1 - 1.2) + 5 * 3
    assert found.item() == pytest.approx(expected / sqrt(4 * 3), rel=1e-6)


def test_with_a_zero_point_clamped_values_count_from_it() -> None:
    grid = Grid.unsigned(4, zero=5)
    _, found = gradients(tensor(-9.0, 9.0), tensor(0.5), grid, tensor(1.0, 1.0))
    assert found.item() == pytest.approx((-5 + 10) / sqrt(2 * 10), rel=1e-6)


def test_the_scale_counts_the_values_of_one_sample() -> None:
    x = torch.full((6, 4), 9.0)
    grid, step = Grid.unsigned(4), tensor(0.5)
    _, found = gradients(x, step, grid, torch.ones(6, 4), samples=6)
    assert found.item() == pytest.approx(24 * 15 / sqrt(4 * 15), rel=1e-6)


def test_each_channel_has_its_own_step_and_gradient() -> None:
    x, step = tensor(0.3, 9.0).reshape(2, 1), tensor(0.5, 2.0).reshape(2, 1)
    _, found = gradients(x, step, Grid.symmetric(3), torch.ones(2, 1))
    np.testing.assert_allclose(found.flatten() * sqrt(3), [0.4, 3.0], rtol=1e-6)


def test_frozen_integers_stay_and_their_latent_values_get_no_gradient() -> None:
    x, step, grid = tensor(0.3, 0.3), tensor(0.5), Grid.symmetric(3)
    options = {"frozen": tensor(0.0, 1.0), "held": tensor(9.0, -2.0)}
    assert fake_quantized(x, step, grid, **options).tolist() == [0.5, -1.0]
    for_x, for_step = gradients(x, step, grid, torch.ones(2), **options)
    assert for_x.tolist() == [1.0, 0.0]
    assert for_step.item() == pytest.approx((0.4 - 2) / sqrt(2 * 3), rel=1e-6)


def test_a_step_that_crosses_zero_does_not_turn_values_around() -> None:
    found = fake_quantized(tensor(1.0), tensor(-0.5), Grid.symmetric(3))
    assert found.item() >= 0


def test_through_is_exact_and_straight() -> None:
    x = torch.randn(2000, generator=torch.Generator().manual_seed(1)).requires_grad_()
    step = tensor(0.37)
    found = through(x, step)
    assert torch.equal(found, torch.round(x / step) * step)
    found.sum().backward()
    assert x.grad is not None and torch.equal(x.grad, torch.ones(2000))


def test_the_published_start() -> None:
    values = tensor(1.0, -3.0, 2.0, -2.0).reshape(2, 2)
    found = published_step(values, Grid.symmetric(3))
    np.testing.assert_allclose(found, [4 / sqrt(3), 4 / sqrt(3)], rtol=1e-6)


@pytest.mark.parametrize("bits", (8, 4, 3))
def test_the_best_step_has_a_smaller_error_than_the_largest_value_and_the_published_one(
    bits: int,
) -> None:
    values = torch.randn(3, 4000, generator=torch.Generator().manual_seed(bits))
    grid = Grid.symmetric(bits)

    def error(step: torch.Tensor) -> torch.Tensor:
        return (grid.rounded(values, step[:, None]) - values).square().mean(dim=1)

    best = error(best_step(values, grid))
    assert (best <= error(values.abs().amax(dim=1) / grid.high)).all()
    assert (best < error(published_step(values, grid))).all()


def test_the_best_step_of_values_on_the_grid_is_the_grids() -> None:
    values = torch.arange(16, dtype=torch.float32)[None] * 0.25
    assert best_step(values, Grid.unsigned(4)).item() == 0.25
    assert best_step(values - 1.25, Grid.unsigned(4, zero=5)).item() == 0.25


def test_all_zeros_have_a_positive_step() -> None:
    assert best_step(torch.zeros(1, 5), Grid.symmetric(8)).item() > 0
