"""Requantization arithmetics against exact rationals, above all on ties."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.numerics.quantization import Quantization
from npusim.numerics.requantize import (
    ARITHMETICS,
    make_requantizer,
    multiply_by_quantized_multiplier,
    product_scales,
    quantize_multiplier,
    rounding_divide_by_power_of_two,
    saturating_rounding_doubling_high_mul,
)

INT32 = st.integers(-(2**31), 2**31 - 1)


def requantized(arithmetic: str, acc: list[int], scale: float, zero: int = 0) -> list[int]:
    """int8 results of accumulators under one scale that float32 holds exactly."""
    factor = np.full(len(acc), scale)
    requantizer = make_requantizer(arithmetic, factor, factor, zero, -128, 127)
    return requantizer.apply(np.array(acc, np.int32), np.int8).tolist()


@pytest.mark.parametrize(
    ("arithmetic", "expected"),
    [
        ("float32_rint", [-2, -2, 0, 0, 2, 2]),
        ("float64_half_away", [-3, -2, -1, 1, 2, 3]),
        ("single_rounding", [-2, -1, 0, 1, 2, 3]),
        ("double_rounding", [-2, -1, 0, 1, 2, 3]),
    ],
)
def test_ties_go_where_the_arithmetic_says(arithmetic, expected):
    assert requantized(arithmetic, [-5, -3, -1, 1, 3, 5], 0.5) == expected


def test_double_rounding_rounds_away_where_it_shifts():
    assert requantized("double_rounding", [-10, -6, -2, 2, 6, 10], 0.25) == [-3, -2, -1, 1, 2, 3]


@pytest.mark.parametrize("arithmetic", list(ARITHMETICS))
def test_results_saturate_around_the_zero_point(arithmetic):
    assert requantized(arithmetic, [10**6, -(10**6), 0], 0.25, zero=7) == [127, -128, 7]


@given(a=INT32, b=INT32)
def test_the_high_product_is_the_nearest_integer(a, b):
    result = int(saturating_rounding_doubling_high_mul(np.array(a), np.array(b)))
    exact = Fraction(a * b, 2**31)
    assert result == min(math.floor(exact + Fraction(1, 2)), 2**31 - 1)


@given(x=INT32, exponent=st.integers(0, 31))
def test_the_right_shift_rounds_half_away_from_zero(x, exponent):
    exact = Fraction(abs(x), 2**exponent)
    nearest = math.floor(exact + Fraction(1, 2))
    result = int(rounding_divide_by_power_of_two(np.array(x, np.int64), np.array(exponent)))
    assert result == (nearest if x >= 0 else -nearest)


@given(real=st.floats(2.0**-30, 2.0**20))
def test_a_multiplier_is_its_number_to_31_bits(real):
    multiplier, shift = (int(value) for value in quantize_multiplier(real))
    assert 2**30 <= multiplier < 2**31
    assert abs(Fraction(multiplier) * Fraction(2) ** (shift - 31) / Fraction(real) - 1) <= 2.0**-31


def test_a_multiplier_that_rounds_up_to_one_is_normalized():
    assert [int(v) for v in quantize_multiplier(1.0 - 2.0**-40)] == [2**30, 1]
    assert [int(v) for v in quantize_multiplier(2.0**-40)] == [0, 0]


@given(x=st.integers(-(2**24), 2**24), real=st.floats(2.0**-20, 8.0))
def test_double_rounding_stays_within_one_of_the_exact_product(x, real):
    multiplier, shift = quantize_multiplier(real)
    result = int(multiply_by_quantized_multiplier(np.array(x), multiplier, shift))
    assert abs(result - x * real) <= 1.0


def test_product_scales_round_in_float32_step_by_step():
    x, y = Quantization.per_tensor(0.1), Quantization.per_tensor(0.3)
    w = Quantization(np.float32([0.7, 0.01]), np.zeros(2, np.int32), 0)
    single, real = product_scales(x, w, y, 2)
    step = np.float32(np.float32(0.1) * w.scale) / np.float32(0.3)
    np.testing.assert_array_equal(single, step)
    exact = np.float64(np.float32(0.1)) * w.scale.astype(np.float64) / np.float64(np.float32(0.3))
    np.testing.assert_array_equal(real, exact)


def test_the_float32_accumulator_itself_rounds():
    acc = 2**24 + 1
    assert requantized("float32_rint", [acc], 2.0**-24) == [1]
    factor = np.array([2.0**-18])
    one = make_requantizer("float32_rint", factor, factor, 0, -128, 127)
    assert one.apply(np.array([acc * 0 + 2**24 + 2**17 + 1], np.int32), np.int8).tolist() == [64]
