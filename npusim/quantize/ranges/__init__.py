"""How the range of a tensor is chosen from its histogram: one way a file.

Each has `range_of(histogram, fmt, symmetric) -> (low, high)`, finite, low <= high, and within the
extremes that were seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from npusim.numerics.formats import Format
from npusim.quantize.histogram import Histogram
from npusim.quantize.ranges import entropy, mean_squared_error, minmax, moving_average, percentile

RangeOf = Callable[[Histogram, Format, bool], tuple[float, float]]

RANGES: Mapping[str, RangeOf] = {
    "minmax": minmax.range_of,
    "percentile": percentile.range_of,
    "mse": mean_squared_error.range_of,
    "entropy": entropy.range_of,
    "moving-average": moving_average.range_of,
}
"""Ways by name."""

__all__ = ["RANGES", "RangeOf"]
