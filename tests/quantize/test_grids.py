"""Laws of grids: they hold 0 and the whole range, and round by half a step at most."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.numerics.formats import FP8_E4M3, FP8_E5M2, INT8, INT16, UINT8
from npusim.quantize.grids import bounds_of, grid_of, stored_of, through

ends = st.floats(-1e6, 1e6, width=32)
FORMATS = (UINT8, INT8, INT16)


@given(ends, ends, st.sampled_from(FORMATS), st.booleans())
def test_error_inside_the_range_is_half_a_step_at_most(a, b, fmt, symmetric: bool) -> None:
    low, high = min(a, b), max(a, b)
    grid = grid_of(low, high, fmt, symmetric)
    values = np.linspace(min(low, 0), max(high, 0), 257).astype(np.float32)
    error = np.abs(through(values, grid, fmt).astype(np.float64) - values)
    # The zero point is rounded, so one end of the range may lie up to half a step outside.
    scale = float(grid.scalar_scale)
    low_end, high_end = bounds_of(grid, fmt)
    inside = (values >= low_end) & (values <= high_end)
    slack = np.abs(values) * 2.0**-22
    assert np.all(error[inside] <= scale / 2 + slack[inside])
    assert np.all(error <= scale * (1 + 1e-6) + slack)


@given(ends, ends, st.sampled_from((*FORMATS, FP8_E4M3, FP8_E5M2)), st.booleans())
def test_zero_is_exact(a: float, b: float, fmt, symmetric: bool) -> None:
    grid = grid_of(min(a, b), max(a, b), fmt, symmetric)
    assert through(np.zeros(1, np.float32), grid, fmt).item() == 0


@pytest.mark.parametrize("fmt", [UINT8, INT8, FP8_E4M3])
def test_a_range_of_zero_width_has_a_sound_scale(fmt) -> None:
    assert grid_of(0, 0, fmt).scalar_scale == 1
    grid = grid_of(5, 5, fmt)
    assert through(np.array([5], np.float32), grid, fmt).item() == pytest.approx(5, rel=1e-6)


def test_tiny_ranges_do_not_underflow() -> None:
    assert grid_of(0, 1e-44, UINT8).scalar_scale > 0


def test_symmetric_grids_put_zero_in_the_middle() -> None:
    assert grid_of(-1, 3, INT8, symmetric=True).scalar_zero_point == 0
    assert grid_of(-1, 3, UINT8, symmetric=True).scalar_zero_point == 128
    assert grid_of(-1, 3, INT8, symmetric=True).scalar_scale == np.float32(3 / 127)


def test_the_greatest_value_becomes_the_greatest_number_of_an_8_bit_float() -> None:
    grid = grid_of(-2, 1, FP8_E4M3)
    assert bounds_of(grid, FP8_E4M3) == pytest.approx((-2, 2), rel=1e-6)
    assert stored_of(np.array([-9], np.float32), grid, FP8_E4M3).item() == 0xFE  # -448
