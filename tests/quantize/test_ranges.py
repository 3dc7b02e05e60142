"""Laws of the ways to choose a range: all stay within the extremes, each keeps its promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npusim.numerics.formats import FP8_E4M3, INT4, INT8, UINT8
from npusim.quantize.histogram import Histogram
from npusim.quantize.ranges import RANGES, mean_squared_error, percentile

DRAWS = st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=200)


def histogram_of(values) -> Histogram:
    made = Histogram()
    made.add(np.asarray(values, np.float32))
    return made


@settings(max_examples=30)
@given(DRAWS, st.sampled_from((UINT8, INT8, FP8_E4M3)), st.booleans())
def test_every_way_stays_within_the_extremes(values, fmt, symmetric: bool) -> None:
    histogram = histogram_of(values)
    for name, range_of in RANGES.items():
        low, high = range_of(histogram, fmt, symmetric)
        assert histogram.low <= low <= high <= histogram.high or (
            name != "minmax" and min(histogram.low, 0) <= low <= high <= max(histogram.high, 0)
        ), name


@given(DRAWS)
def test_percentile_100_is_the_extremes(values) -> None:
    histogram = histogram_of(values)
    assert percentile.range_of(histogram, UINT8, False, 100.0) == (histogram.low, histogram.high)


def test_percentile_leaves_out_outliers_on_their_side() -> None:
    data = np.concatenate([np.linspace(0, 1, 100_000), [50.0]])
    low, high = percentile.range_of(histogram_of(data), UINT8, False, 99.99)
    assert low == pytest.approx(0, abs=0.02) and high == pytest.approx(1, abs=0.02)


@settings(max_examples=30)
@given(DRAWS, st.sampled_from((UINT8, INT4, FP8_E4M3)), st.booleans())
def test_mse_is_never_worse_than_the_extremes(values, fmt, symmetric: bool) -> None:
    histogram = histogram_of(values)
    errors = [
        mean_squared_error.error_of(histogram, *RANGES[name](histogram, fmt, symmetric), fmt,
                                    symmetric)
        for name in ("mse", "minmax")
    ]  # fmt: skip
    assert errors[0] <= errors[1]


def test_mse_clips_a_gaussian_in_four_bits() -> None:
    """The optimum of 16 levels for a Gaussian is near 2.5 sigma."""
    data = np.random.default_rng(0).normal(size=100_000)
    _, high = RANGES["mse"](histogram_of(data), INT4, True)
    assert 2.0 < high < 3.2


def test_moving_average_is_that_of_single_samples() -> None:
    histogram = Histogram()
    for value in (1.0, 2.0, 5.0):
        histogram.add(np.array([-1.0, value], np.float32))
    expected = 1.0 + 0.01 * 1.0
    expected += 0.01 * (5.0 - expected)
    assert RANGES["moving-average"](histogram, UINT8, False) == pytest.approx((-1, expected))


def test_entropy_draws_heavy_tails_in_and_leaves_a_uniform_alone() -> None:
    rng = np.random.default_rng(0)
    heavy = histogram_of(rng.standard_t(3, 100_000))
    assert RANGES["entropy"](heavy, UINT8, False)[1] < 0.7 * heavy.high
    even = histogram_of(rng.uniform(-1, 1, 100_000))
    assert RANGES["entropy"](even, UINT8, False)[1] > 0.9
    assert RANGES["entropy"](histogram_of([0.0, 0.0]), UINT8, False) == (0.0, 0.0)
