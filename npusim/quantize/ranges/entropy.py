"""The range that changes the distribution least: the smallest Kullback-Leibler divergence.

Candidates are the extremes drawn in together. Of each, the distribution of the values with what
lies outside put into the last bins is compared with what is left of it when neighbouring bins are
joined to the levels of the format. Source: S. Migacz, 8-bit Inference with TensorRT, GTC 2017.
The bin
of 0 is left out, as there: behind a ReLU it holds half of all values, and 0 has a code anyway.
A format of floats is compared with as many levels as its 8 bits have codes.
"""

from __future__ import annotations

import numpy as np

from npusim.numerics.formats import Format
from npusim.quantize.histogram import BINS, Histogram

CANDIDATES = 128
"""Ranges that are tried, in equal steps from a narrow one to the extremes."""
MOST_LEVELS = 256
"""A format of 16 bits has more levels than the histogram has bins: there nothing is drawn in."""
SMALLEST = 1e-12
"""Stands for an empty level, so that the divergence is finite."""


def range_of(histogram: Histogram, fmt: Format, symmetric: bool) -> tuple[float, float]:
    """The candidate of the smallest divergence; the extremes where all are alike."""
    low, high = histogram.low, histogram.high
    if histogram.reach == 0.0 or fmt.bits > 8:
        return low, high
    levels = min(2**fmt.bits, MOST_LEVELS)
    parts = np.linspace(1.0, 1.0 / CANDIDATES, CANDIDATES)
    found = [_divergence(histogram, low * part, high * part, levels) for part in parts]
    best = float(parts[int(np.argmin(found))])
    return low * best, high * best


def _divergence(histogram: Histogram, low: float, high: float, levels: int) -> float:
    """Of the clipped distribution from the same one in `levels` levels; infinite if too narrow."""
    width = 2 * histogram.reach / BINS
    first = int(np.floor((low + histogram.reach) / width))
    last = max(int(np.ceil((high + histogram.reach) / width)), first + 1)
    first, last = max(first, 0), min(last, BINS)
    if last - first < levels:
        return np.inf if last - first < min(levels, _bins_seen(histogram)) else 0.0
    counts = histogram.counts.astype(np.float64)
    counts[BINS // 2] = 0.0
    inside = counts[first:last]
    clipped = inside.copy()
    clipped[0] += counts[:first].sum()
    clipped[-1] += counts[last:].sum()
    if clipped.sum() == 0.0:
        return 0.0
    level = np.arange(inside.size) * levels // inside.size
    filled = inside > 0
    sums = np.bincount(level, inside, levels)
    members = np.bincount(level, filled, levels)
    spread = np.where(filled, (sums / np.maximum(members, 1))[level], 0.0)
    p = clipped / clipped.sum()
    q = np.maximum(spread / max(spread.sum(), 1.0), SMALLEST)
    return float(np.sum(p[p > 0] * np.log(p[p > 0] / q[p > 0])))


def _bins_seen(histogram: Histogram) -> int:
    """How many bins the extremes span."""
    width = 2 * histogram.reach / BINS
    return max(int((histogram.high - histogram.low) / width), 1)
