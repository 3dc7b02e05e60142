"""ONNX Runtime's parameters: a fused multiply-add that rounds once, and tables that stay finite."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from npusim.numerics.onnx_runtime import (
    fused_multiply_add,
    fused_sum,
    product_sum,
    softmax_table,
)
from npusim.numerics.quantization import Quantization

FLOATS = st.floats(width=32, min_value=-(2.0**60), max_value=2.0**60, allow_subnormal=False)


def _once_rounded(*terms: float) -> np.float32:
    """a * b + c of float32 values, in rational arithmetic and then to float32, ties to even."""
    a, b, c = (Fraction(float(np.float32(term))) for term in terms)
    exact = a * b + c
    near = np.float32(float(exact))
    above, below = (np.nextafter(near, np.float32(end)) for end in (np.inf, -np.inf))

    def distance(value: np.float32) -> tuple[Fraction, int]:
        return abs(Fraction(float(value)) - exact), int(value.view(np.int32)) & 1

    return min((near, above, below), key=distance)


@settings(max_examples=500)
@given(FLOATS, FLOATS, FLOATS)
@example(1.0 + 2.0**-23, 1.0 + 2.0**-23, 2.0**-60)
@example(1.0 + 2.0**-12, 1.0 + 2.0**-12, 2.0**-59)
@example(1.0 + 2.0**-12, 1.0 + 2.0**-12, -(2.0**-59))
@example(255.0, 0.1, -25.5)
@example(0.0, 3.0, 0.0)
def test_fused_multiply_add_rounds_once(a: float, b: float, c: float) -> None:
    found = fused_multiply_add(np.float32(a), np.float32(b), np.float32(c))
    assert found == _once_rounded(a, b, c)


def test_rounding_twice_would_differ_where_this_does_not() -> None:
    """A product just off a float32 tie by less than float64 resolves: the naive way misrounds."""
    a = b = np.float32(1.0 + 2.0**-12)
    c = np.float32(2.0**-59)
    naive = np.float32(np.float64(a) * np.float64(b) + np.float64(c))
    found = fused_multiply_add(a, b, c)
    assert naive != found == _once_rounded(float(a), float(b), float(c))


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_fused_multiply_add_keeps_shapes(shape: tuple[int, ...]) -> None:
    ones = np.ones(shape, np.float32)
    found = fused_multiply_add(ones, np.float32(2), np.float32(3))
    assert found.shape == shape and found.dtype == np.float32 and np.all(found == 5)


def test_the_constant_of_a_sum_is_contracted_on_the_first_operand() -> None:
    a, b, y = (Quantization.per_tensor(s, z) for s, z in ((0.37, 201), (0.11, 93), (0.29, 77)))
    p = fused_sum(a, b, y, (0, 255))
    inner = np.float32(p.b_ratio * np.float32(93))
    assert p.constant == np.float32(77) - _once_rounded(float(p.a_ratio), 201.0, float(inner))


def test_the_scale_of_a_product_is_rounded_at_each_step() -> None:
    a, b, y = (Quantization.per_tensor(s, 0) for s in (0.1, 0.3, 0.7))
    p = product_sum(a, b, y, (0, 255))
    assert p.scale == np.float32(0.1) * np.float32(0.3) / np.float32(0.7)


@given(st.floats(1e-4, 8.0), st.integers(1, 100_000))
def test_a_row_of_maxima_still_sums_in_float32(scale: float, length: int) -> None:
    x, y = Quantization.per_tensor(scale, 0), Quantization.per_tensor(1 / 256, 0)
    p = softmax_table(x, y, 1.0, (0, 255), length)
    assert p.table.dtype == np.float32 and np.all(np.diff(p.table) >= 0)
    assert np.isfinite(np.float32(p.table[255]) * np.float32(length)) and p.table[255] > 0
    assert p.factor == 256
