"""Sums rounded to odd are the exact sums with one sticky bit."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.numerics.accumulation import Accumulation
from npusim.numerics.float_sums import add, odd_sum, stored_sum
from npusim.numerics.formats import BF16, FP16, FP32, Format
from tests.support import exact_floats

NUMBERS = st.floats(width=32, allow_nan=False, allow_infinity=False)
FORMATS = (FP16, BF16, FP32)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_an_inexact_sum_is_odd_and_next_to_the_exact_one(a: float, b: float, c: float) -> None:
    product = a * b
    found = float(odd_sum(np.array(product), np.array(c)))
    exact = Fraction(product) + Fraction(c)
    if Fraction(found) == exact:
        return
    assert int(np.float64(found).view(np.int64)) % 2 == 1
    below, above = (Fraction(math.nextafter(found, side)) for side in (-math.inf, math.inf))
    assert below < exact < above


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
def test_a_sum_is_rounded_once(fmt: Format) -> None:
    how = Accumulation(fmt, "infinity")

    @given(NUMBERS, NUMBERS, NUMBERS)
    def check(a: float, b: float, c: float) -> None:
        start = float(stored_sum(np.array(c), how))
        product = exact_floats.product(exact_floats.number(a), exact_floats.number(b))
        total = exact_floats.total(product, exact_floats.number(start))
        right = exact_floats.as_float(exact_floats.stored(total, how))
        found = float(add(np.array(a * b), np.array(start), how))
        assert (found, math.copysign(1, found)) == (right, math.copysign(1, right))

    check()


def test_infinities_and_nan_pass() -> None:
    a = np.array([np.inf, np.inf, -np.inf, np.nan, 1.0])
    b = np.array([1.0, -np.inf, -np.inf, 1.0, np.inf])
    np.testing.assert_array_equal(odd_sum(a, b), [np.inf, np.nan, -np.inf, np.nan, np.inf])
