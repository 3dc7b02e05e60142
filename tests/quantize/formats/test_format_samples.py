"""Sums over sorted values are sums over values."""

from __future__ import annotations

import numpy as np
import pytest

from npusim.quantize.formats.samples import Samples


def test_moments_are_means_over_the_values_below() -> None:
    values = np.array([[3.0, -1.0], [0.5, 2.0]])
    source = Samples(values)
    ends = np.array([-np.inf, -1.5, 0.0, 2.5, np.inf])
    expected = [[(values[values < end] ** k).sum() / 4 for end in ends] for k in range(3)]
    assert source.moments(ends) == pytest.approx(np.array(expected))
    assert (source.low, source.high, source.power) == (-1.0, 3.0, 14.25 / 4)


def test_the_range_holds_zero() -> None:
    assert Samples(np.array([2.0, 3.0])).low == 0.0
    assert Samples(np.array([-2.0])).high == 0.0


@pytest.mark.parametrize("values", [[], [1.0, np.nan], [np.inf, 0.0], [-np.inf]])
def test_what_is_no_data_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError):
        Samples(np.array(values))
