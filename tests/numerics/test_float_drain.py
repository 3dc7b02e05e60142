"""The drain of floating-point sums: each step in exact fractions, stored as by ml_dtypes."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.numerics.accumulation import Accumulation
from npusim.numerics.float_drain import FloatDrain
from npusim.numerics.formats import BF16, FP8_E4M3, FP8_E5M2, FP16, FP32, Format
from tests.support.exact_floats import as_float, number, product, stored, total

IN_FP32 = Accumulation(FP32, "infinity")
ORACLES: dict[Format, Any] = {
    FP8_E4M3: ml_dtypes.float8_e4m3fn,
    FP8_E5M2: ml_dtypes.float8_e5m2,
    FP16: np.float16,
    BF16: ml_dtypes.bfloat16,
    FP32: np.float32,
}
NUMBERS = st.floats(-(2.0**60), 2.0**60, width=32)
DIVISORS = st.floats(2.0**-20, 2.0**20, width=32)


@pytest.mark.parametrize("fmt", ORACLES, ids=lambda fmt: fmt.name)
def test_each_step_rounds_once(fmt: Format) -> None:
    @given(NUMBERS, NUMBERS, NUMBERS, DIVISORS)
    def check(acc: float, scale: float, bias: float, divisor: float) -> None:
        scaled = stored(product(number(acc), number(scale)), IN_FP32)
        y = as_float(stored(total(scaled, number(bias)), IN_FP32))
        y = min(max(y, -6.0), 1e9)
        exact = number(y)
        quotient = type(exact)(exact.value / number(divisor).value, exact.negative)
        y = as_float(stored(quotient, IN_FP32))
        with np.errstate(over="ignore"):
            right = np.array(y, np.float32).astype(ORACLES[fmt])
        drain = FloatDrain(
            np.array([scale], np.float32), np.array([bias], np.float32), -6.0, 1e9, divisor, fmt
        )
        found = drain.apply(np.array([acc], np.float32))
        assert found.tobytes() == right.tobytes()

    check()


def test_without_steps_it_only_stores() -> None:
    acc = np.array([1.0, -0.0, 500.0, -np.inf], np.float32)
    stored_codes = FloatDrain(out=FP8_E4M3, saturate=True).apply(acc)
    np.testing.assert_array_equal(stored_codes, [0x38, 0x80, 0x7E, 0xFE])
    np.testing.assert_array_equal(FloatDrain(out=FP8_E4M3).apply(acc), [0x38, 0x80, 0x7F, 0xFF])


def test_a_nan_is_stored_without_sign_or_payload_and_is_not_clamped() -> None:
    acc = np.array([0xFFC00001, 0x7FC00000], np.uint32).view(np.float32)
    for fmt, code in ((FP8_E4M3, 0x7F), (FP8_E5M2, 0x7E), (FP16, 0x7E00), (BF16, 0x7FC0)):
        found = FloatDrain(low=0.0, high=6.0, out=fmt, saturate=True).apply(acc)
        np.testing.assert_array_equal(found.view(f"uint{fmt.bits}"), [code, code])


def test_channels_are_chosen_from_factors_and_biases() -> None:
    drain = FloatDrain(np.arange(4, dtype=np.float32), np.ones(4, np.float32), out=FP16)
    part = drain.channels(np.array([3, 1]))
    np.testing.assert_array_equal(part.apply(np.ones((1, 2), np.float32)), [[4.0, 2.0]])
    assert FloatDrain(out=FP16).channels(np.array([0])).scale is None
