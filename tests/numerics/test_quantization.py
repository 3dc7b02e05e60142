"""Quantization parameters and the integer bounds of fused activations."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.numerics.formats import INT8, UINT8, format_of
from npusim.numerics.quantization import (
    Activation,
    Quantization,
    clamp_range,
    round_half_away,
)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        (Activation.NONE, (0, 255)),
        (Activation.RELU, (20, 255)),
        (Activation.RELU6, (20, 80)),
        (Activation.RELU_N1_TO_1, (10, 30)),
    ],
)
def test_bounds_of_an_activation(activation, expected):
    quantization = Quantization.per_tensor(0.1, 20)
    assert clamp_range(activation, UINT8, quantization, "half_away") == expected


@pytest.mark.parametrize(
    ("rounding", "zero", "high"),
    [
        ("half_away", 0, 3),
        ("half_away", 1, 4),
        ("half_even", 0, 2),
        ("half_even", 1, 3),
        ("half_even_sum", 0, 2),
        ("half_even_sum", 1, 4),
    ],
)
def test_a_bound_that_is_a_tie_goes_where_the_framework_sends_it(rounding, zero, high):
    quantization = Quantization.per_tensor(6.0 / 2.5, zero)
    assert np.float32(6.0) / quantization.scalar_scale == 2.5
    assert clamp_range(Activation.RELU6, INT8, quantization, rounding)[1] == high


def test_bounds_stay_inside_the_format():
    quantization = Quantization.per_tensor(0.001, -128)
    assert clamp_range(Activation.RELU6, INT8, quantization, "half_away") == (-128, 127)


def test_rounding_half_away_is_odd():
    assert [round_half_away(v) for v in (-2.5, -0.5, 0.0, 0.5, 2.5)] == [-3, -1, 0, 1, 3]


def test_per_channel_parameters_have_no_single_scale():
    quantization = Quantization(np.float32([1, 2]), np.zeros(2, np.int32), 0)
    with pytest.raises(ValueError, match="no single scale"):
        _ = quantization.scalar_scale
    with pytest.raises(ValueError, match="no single zero point"):
        _ = quantization.scalar_zero_point


def test_same_as_compares_values():
    a, b = Quantization.per_tensor(0.5, 3), Quantization.per_tensor(0.5, 3)
    assert a.same_as(b)
    assert not a.same_as(Quantization.per_tensor(0.5, 4))
    assert not a.same_as(None)


def test_formats_are_found_by_their_storage():
    assert format_of(np.int8) is INT8
    assert (INT8.low, UINT8.high, INT8.storage_bytes) == (-128, 255, 1)


def test_blocks_along_an_axis_have_their_own_scale_and_zero_point() -> None:
    stored = np.arange(10, dtype=np.int8).reshape(2, 5)
    scale = np.array([[1.0, 2.0], [4.0, 8.0]], np.float32)
    q = Quantization(scale, np.array([[0, 1], [0, 0]], np.int32), axis=1, block=3)
    expected = [[0, 1, 2, 4, 6], [20, 24, 28, 64, 72]]
    np.testing.assert_array_equal(q.real(stored), np.array(expected, np.float32))
