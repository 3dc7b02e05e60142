"""The range whose grid has the least mean squared error on the histogram.

Both ends are drawn in together, in steps of the extremes, then each alone. The extremes themselves
are among the candidates, so the result is never worse than theirs on the same histogram.
"""

from __future__ import annotations

import numpy as np

from npusim.numerics.formats import Format
from npusim.quantize.grids import grid_of, through
from npusim.quantize.histogram import Histogram

FRACTIONS = np.linspace(1.0, 0.05, 96)
"""Parts of the extremes that are tried; the first one is all of it."""


def range_of(histogram: Histogram, fmt: Format, symmetric: bool) -> tuple[float, float]:
    """The range of the least error among the candidates of the module's docstring."""
    low, high = histogram.low, histogram.high
    if histogram.reach == 0.0:
        return low, high
    together = [(low * part, high * part) for part in FRACTIONS]
    best = _best(histogram, together, fmt, symmetric)
    if symmetric or fmt.is_float:
        return best
    best = _best(histogram, [best, *((best[0], high * part) for part in FRACTIONS)], fmt, symmetric)
    return _best(histogram, [best, *((low * part, best[1]) for part in FRACTIONS)], fmt, symmetric)


def _best(
    histogram: Histogram, ranges: list[tuple[float, float]], fmt: Format, symmetric: bool
) -> tuple[float, float]:
    errors = [error_of(histogram, low, high, fmt, symmetric) for low, high in ranges]
    return ranges[int(np.argmin(errors))]


def error_of(histogram: Histogram, low: float, high: float, fmt: Format, symmetric: bool) -> float:
    """Mean squared error of the middles of the bins on the grid of `fmt` over [low, high]."""
    middles, counts = histogram.filled
    values = middles.astype(np.float32)
    error = through(values, grid_of(low, high, fmt, symmetric), fmt).astype(np.float64) - values
    return float(np.average(error**2, weights=counts))
