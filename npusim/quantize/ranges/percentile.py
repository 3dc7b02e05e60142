"""The range that all but a given share of the values lie in.

Of the values that are left out half lie on each side, or as many as there are: an end that no
value is left out at stays the extreme.
"""

from __future__ import annotations

import numpy as np

from npusim.numerics.formats import Format
from npusim.quantize.histogram import BINS, Histogram

PERCENT = 99.99
"""Of the values inside the range; NVIDIA's and ONNX Runtime's calibrators use 99.99 to 99.999."""


def range_of(
    histogram: Histogram, fmt: Format, symmetric: bool, percent: float = PERCENT
) -> tuple[float, float]:
    """The range of `percent` of the values; 100 gives the extremes."""
    total = int(histogram.counts.sum())
    left_out = int(total * (100.0 - percent) / 100.0)
    if histogram.reach == 0.0 or left_out == 0:
        return histogram.low, histogram.high
    width = 2 * histogram.reach / BINS
    below = np.cumsum(histogram.counts)
    above = np.cumsum(histogram.counts[::-1])
    first = int(np.searchsorted(below, left_out / 2, side="right"))
    last = BINS - int(np.searchsorted(above, left_out / 2, side="right"))
    low = first * width - histogram.reach
    high = last * width - histogram.reach
    return max(min(low, high), histogram.low), min(max(low, high), histogram.high)
