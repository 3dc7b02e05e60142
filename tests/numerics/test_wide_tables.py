"""Tables of 513 entries: near to their functions, and refused where those have no values."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.errors import UnsupportedModelError
from npusim.kernels.reference.unary_table_513 import interpolated
from npusim.numerics.quantization import Quantization
from npusim.numerics.wide_softmax import wide_softmax
from npusim.numerics.wide_tables import table_of, wide_table

WORDS = np.arange(-(2**15), 2**15).astype(np.int16)


def per_tensor(scale: float) -> Quantization:
    return Quantization.per_tensor(scale)


def test_a_line_is_met_but_for_one_step():
    """The entries are 65535 / 512 inputs apart, and stand for 128 each."""
    table = table_of(lambda x: x, np.float32(0.5), 0, np.float32(0.5))
    assert table.values.size == 513
    assert np.abs(interpolated(WORDS, table) - WORDS).max() <= 1


def test_a_curve_is_met_within_its_slope_and_its_bend():
    """An input is off by one at most, an entry by half of what a line is too high.

    Outputs are 65536 / 65535 too large; an entry, its correction and the result are rounded.
    """
    x, y = np.float32(2.0**-14), np.float32(2.0**-12)
    found = interpolated(WORDS, table_of(np.exp, x, 0, y))
    exact = np.exp(WORDS * float(x)) / float(y)
    slope, bend = exact * float(x), exact * (128 * float(x)) ** 2 / 8
    assert (np.abs(found - exact) <= slope + bend / 2 + exact / 65535 + 1.5).all()


@pytest.mark.parametrize(("kind", "end"), [("log", -(2**15)), ("rsqrt", 2**15 - 1)])
def test_no_function_value_is_an_end_of_the_output(kind, end):
    table = wide_table(kind, (), per_tensor(1e-3), per_tensor(1e-3))
    np.testing.assert_array_equal(table.values[:250], end)


def test_tables_of_the_same_scales_are_equal_and_hashable():
    first, second = (wide_table("gelu", (False,), per_tensor(1e-3), per_tensor(1e-3)) for _ in "ab")
    assert first == second and len({first, second}) == 1


def test_exp_beyond_float32_is_refused():
    with pytest.raises(UnsupportedModelError, match="beyond float32"):
        wide_table("exp", (), per_tensor(0.003), per_tensor(1e-3))


def test_softmax_scales_differences_to_ten_over_65535():
    p = wide_softmax(per_tensor(10 / 65535), per_tensor(2.0**-15), 1.0, (-(2**15), 2**15 - 1), 4)
    assert p.multiplier * 2.0 ** (p.shift - 31) == pytest.approx(1.0, rel=1e-7)
    assert p.exponential.values[-1] == p.reciprocal.values[0] == 2**15 - 1
