"""One pass in any order of sizes: no count is lost, extremes are exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.quantize.histogram import BINS, Histogram


@given(st.lists(st.floats(-1e8, 1e8, width=32), min_size=1, max_size=40), st.integers(1, 5))
def test_every_value_is_counted_once(values: list[float], parts: int) -> None:
    histogram = Histogram()
    data = np.array(values, np.float32)
    for part in np.array_split(data, min(parts, data.size)):
        histogram.add(part)
    assert histogram.counts.sum() == data.size
    assert (histogram.low, histogram.high) == (data.min(), data.max())
    assert histogram.reach >= np.abs(data).max()


def test_middles_are_within_half_a_bin_of_the_values() -> None:
    histogram, data = Histogram(), np.random.default_rng(0).normal(size=5000).astype(np.float32)
    histogram.add(data[:100] / 1000)
    histogram.add(data)
    middles, counts = histogram.filled
    width = 2 * histogram.reach / BINS
    expected = np.sort(np.concatenate([data[:100] / 1000, data]))
    assert np.abs(np.repeat(middles, counts) - expected).max() <= width


def test_order_of_samples_does_not_matter_to_counts() -> None:
    data = np.random.default_rng(1).normal(size=(4, 100)).astype(np.float32) * [[1], [9], [0], [2]]
    first, second = Histogram(), Histogram()
    for row in data:
        first.add(row.astype(np.float32))
    for row in data[::-1]:
        second.add(row.astype(np.float32))
    assert np.array_equal(first.counts, second.counts) and first.reach == second.reach


def test_share_beyond_a_range() -> None:
    histogram = Histogram()
    histogram.add(np.linspace(0, 1, 1001, dtype=np.float32))
    assert histogram.share_beyond(0.0, 0.9) == pytest.approx(0.1, abs=0.002)
    assert histogram.share_beyond(0.0, 1.0) == 0
