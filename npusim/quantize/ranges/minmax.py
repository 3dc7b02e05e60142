"""The extremes that were seen: nothing saturates on the calibration data."""

from __future__ import annotations

from npusim.numerics.formats import Format
from npusim.quantize.histogram import Histogram


def range_of(histogram: Histogram, fmt: Format, symmetric: bool) -> tuple[float, float]:
    """The least and the greatest value."""
    return histogram.low, histogram.high
