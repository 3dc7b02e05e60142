"""The Numba sums in floating point equal their reference to the bit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given

from npusim.doctor import float_cases
from npusim.ir.loopnest import Tile
from npusim.kernels.compiled.float_convolution import significant_bits
from npusim.kernels.table import kernels
from npusim.numerics.accumulation import Accumulation
from npusim.numerics.formats import BF16, FP16, FP32, Format
from tests.support.drawn import cases_of


@pytest.mark.parametrize("depthwise", [False, True])
def test_sums_equal_the_reference(depthwise: bool) -> None:
    @given(cases_of(lambda draw: float_cases.float_convolution(draw, depthwise)))
    def check(case: float_cases.FloatConvolutionCase) -> None:
        found, right = case.run(kernels("numba")), case.run(kernels("reference"))
        np.testing.assert_array_equal(found, right)

    check()


def one_sum(a: float, b: float, start: float, fmt: Format) -> float_cases.FloatConvolutionCase:
    """start + a * b."""
    return float_cases.FloatConvolutionCase(
        np.full((1, 1, 1, 1, 1), a, np.float32),
        np.full((1, 2, 1, 1, 1), b, np.float32),
        np.full((1, 1, 1, 1, 2), start, np.float32),
        Tile(0, 1, 0, 1, 0, 2, 0, 1, 0, 1, 0, 1),
        (1, 1, 1, 1, 0, 0),
        Accumulation(fmt, "infinity"),
    )


@pytest.mark.parametrize(
    ("a", "b", "start", "fmt", "right"),
    [
        (1 + 2.0**-10, 2.0**-11 * (1 - 2.0**-10), 1 + 2.0**-10, FP16, 1 + 2.0**-10),
        (1 + 2.0**-8 + 2.0**-4, 1.0, 2.0**-100, BF16, 1 + 2.0**-4 + 2.0**-7),
        (1 + 2.0**-12, 1 + 2.0**-12, 2.0**-100, FP32, 1 + 2.0**-11 + 2.0**-23),
    ],
)
def test_sums_beside_the_middle_of_two_numbers(
    a: float, b: float, start: float, fmt: Format, right: float
) -> None:
    """Float64 would drop 2^-100, and round a middle to even."""
    case = one_sum(a, b, start, fmt)
    assert (case.run(kernels("numba")).view(np.float32) == np.float32(right)).all()
    np.testing.assert_array_equal(case.run(kernels("numba")), case.run(kernels("reference")))


def test_significant_bits_are_those_of_the_longest_mantissa() -> None:
    assert significant_bits(np.array([0, 1, -2, 0.5, np.inf], np.float32)) == 1
    assert significant_bits(np.array([1, 1.5, 3], np.float32)) == 2
    assert significant_bits(np.array([1 + 2.0**-10], np.float32)) == 11
    assert significant_bits(np.array([1 + 2.0**-23], np.float32)) == 24


def test_arguments_that_do_not_fit_are_refused() -> None:
    case = one_sum(1, 1, 0, FP16)
    with pytest.raises(ValueError, match="leaves"):
        dataclasses.replace(case, tile=Tile(0, 1, 0, 1, 1, 3, 0, 1, 0, 1, 0, 1)).run(
            kernels("numba")
        )
    with pytest.raises(ValueError, match="float32"):
        dataclasses.replace(case, x=case.x.astype(np.float64)).run(kernels("numba"))
