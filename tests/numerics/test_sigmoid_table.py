"""The table of the logistic function, and what brings inputs to its steps."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.errors import UnsupportedModelError
from npusim.kernels.reference.logistic_sigmoid_table import logistic_sigmoid_table
from npusim.kernels.reference.tanh_sigmoid_table import tanh_sigmoid_table
from npusim.numerics.quantization import Quantization
from npusim.numerics.sigmoid_table import (
    left_shift,
    power_of_two,
    sigmoid_steps,
    sigmoid_table,
    without_fixed_point,
)

Q15 = Quantization.per_tensor(2.0**-15)
WORDS = np.arange(-(2**15), 2**15).astype(np.int16)


def test_the_table_rises_from_a_half_to_almost_one():
    table = sigmoid_table()
    assert (table[0], table[-1], table.size) == (2**15, 2**16 - 1, 256)
    assert (np.diff(table) >= 0).all()


def test_entries_lie_above_the_function_by_less_than_a_step():
    """Half of what a line between entries is too low, at most 0.7 of a step, and its rounding."""
    exact = 2.0**16 / (1 + np.exp(-np.arange(256) / 24))
    assert (sigmoid_table() - exact).min() > -0.5
    assert (sigmoid_table() - exact).max() < 0.7 + 0.5


@pytest.mark.parametrize("scale", [2.0**-12, 3e-4, 1e-3, 7e-6])
def test_results_are_as_near_to_the_functions_as_their_steps_allow(scale):
    """Entries are off by 1.2 of 2^-16, results by half a step, inputs by half of 1/12288.

    tanh is twice the logistic function of twice the input.
    """
    logistic_bound = 1.2 / 2 + 0.5 + 0.5 / 12288 * 2**15 / 4
    tanh_bound = 1.2 + 0.5 + 0.5 / 12288 * 2**15
    x = Quantization.per_tensor(scale)
    real = WORDS.astype(np.float64) * float(np.float32(scale))
    for kind, kernel, exact, bound in (
        ("logistic", logistic_sigmoid_table, 1 / (1 + np.exp(-real)), logistic_bound),
        ("tanh", tanh_sigmoid_table, np.tanh(real), tanh_bound),
    ):
        out = np.empty_like(WORDS)
        kernel(WORDS, out, sigmoid_steps(kind, x, Q15))
        assert np.abs(out - np.clip(exact * 2**15, None, 2**15 - 1)).max() <= bound


def test_a_power_of_two_may_be_off_by_a_thousandth_of_its_logarithm():
    assert power_of_two(np.float32(2.0**-12 * 1.0006)) == -12
    assert power_of_two(np.float32(2.0**-12 * 1.001)) is None


@pytest.mark.parametrize(
    ("kind", "scale", "expected"),
    [("logistic", -12, 0), ("logistic", -11, None), ("tanh", -11, 1), ("tanh", -10, None)],
)
def test_what_counts_as_a_fixed_point_number(kind, scale, expected):
    x = Quantization.per_tensor(2.0**scale)
    assert left_shift(kind, x) == expected
    chosen = "sigmoid_table" if expected is None else "fixed_point"
    assert without_fixed_point(kind, "fixed_point", x) == chosen


@pytest.mark.parametrize("scale", [6.0, 1e-14])
def test_scales_without_a_factor_are_refused(scale):
    with pytest.raises(UnsupportedModelError, match="tanh of int16 with the scale"):
        sigmoid_steps("tanh", Quantization.per_tensor(scale), Q15)
