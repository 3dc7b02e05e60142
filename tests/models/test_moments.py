"""Expected values: each rule against a large sample that it is a statement about."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.models import moments
from npusim.models.functions import (
    GELU,
    HARD_SIGMOID,
    HARD_SWISH,
    RELU,
    RELU6,
    SILU,
    TANH,
)
from npusim.models.moments import Moments, normal

SAMPLES = 400_000
FUNCTIONS = (RELU, RELU6, HARD_SIGMOID, HARD_SWISH, TANH, SILU)


def sample(expected: Moments, seed: int = 0) -> np.ndarray:
    """Normal values with the moments of `expected`."""
    return np.random.default_rng(seed).normal(expected.mean, expected.std, SAMPLES)


def agrees(expected: Moments, values: np.ndarray) -> None:
    close = {"abs": 0.02 * values.std()}
    assert expected.mean == pytest.approx(values.mean(), **close)
    assert expected.std == pytest.approx(values.std(), **close)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda one: one.name)
@pytest.mark.parametrize("mean,std", [(0.0, 1.0), (0.5, 2.0), (-0.3, 0.4)])
def test_a_function_of_normal_values(function, mean: float, std: float) -> None:
    x = normal(mean, std)
    result = moments.applied(function.function, x)
    values = function.function(sample(x))
    agrees(result, values)
    assert ((values < result.low - 1e-3) | (values > result.high + 1e-3)).mean() < 1e-3


def test_gelu_is_its_definition() -> None:
    """x times the normal distribution's integral: 0.841345 and 0.158655 at 1 and -1."""
    found = GELU.function(np.array([-1.0, 0.0, 1.0]))
    assert found == pytest.approx([-0.158655, 0.0, 0.841345], abs=1e-6)


def test_sum_and_product_of_independent_values() -> None:
    x, y = normal(0.4, 0.6), normal(-0.2, 1.1)
    a, b = sample(x, 1), sample(y, 2)
    agrees(moments.added(x, y), a + b)
    agrees(moments.multiplied(x, y), a * b)


def test_bounds_of_a_sum_are_possible_ones() -> None:
    x = moments.applied(RELU.function, normal(0.0, 1.0))
    total = moments.added(x, x)
    assert total.low == 0.0
    assert total.high <= 2 * x.high


def test_joined_tensors_weigh_the_same() -> None:
    x, y = normal(0.0, 1.0), normal(2.0, 0.5)
    agrees(moments.joined([x, y]), np.concatenate([sample(x, 1), sample(y, 2)]))
    assert (moments.joined([x, y]).low, moments.joined([x, y]).high) == (-4.0, 4.0)


@pytest.mark.parametrize("low,high", [(-2.0, 2.0), (0.0, 6.0), (1.0, 3.0), (-3.0, -1.0)])
def test_scale_covers_the_bounds_and_zero(low: float, high: float) -> None:
    quantization = Moments(0.0, 1.0, low, high).quantization()
    scale, zero = float(quantization.scalar_scale), quantization.scalar_zero_point
    assert -128 <= zero <= 127
    reach = scale * (-128 - zero), scale * (127 - zero)
    assert reach[0] <= min(low, 0.0) + 0.51 * scale
    assert reach[1] >= max(high, 0.0) - 0.51 * scale
    assert reach[1] - reach[0] == pytest.approx(max(high, 0.0) - min(low, 0.0), rel=1e-6)


def test_hard_sigmoid_ends_where_the_format_does() -> None:
    """The drain saturates exactly at 0 and 1, so no clamp of its own is needed."""
    x = normal(HARD_SIGMOID.offset, HARD_SIGMOID.gain)
    quantization = moments.applied(HARD_SIGMOID.function, x).quantization()
    assert quantization.scalar_scale == np.float32(1 / 255)
    assert quantization.scalar_zero_point == -128
