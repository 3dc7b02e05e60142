"""What is kept of a tensor's values over all samples: extremes, and a histogram that grows.

The histogram has a fixed number of bins over [-reach, reach]. Where a value lies beyond, the reach
doubles and neighbouring bins are joined, so one pass over the samples is enough, memory does not
depend on their number, and no count is ever split: reach is a power of two, and so is a bin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

BINS = 8192
"""Over both signs; after the last doubling at least a quarter of them lie within the extremes."""
AVERAGING = 0.01
"""Weight of a new sample in the moving average: PyTorch's MovingAverageMinMaxObserver."""


@dataclass(eq=False)
class Histogram:
    """Counts of values in `BINS` equal bins over [-reach, reach]; extremes are exact."""

    low: float = math.inf
    high: float = -math.inf
    average_low: float = 0.0
    average_high: float = 0.0
    samples: int = 0
    reach: float = 0.0
    counts: np.ndarray = field(default_factory=lambda: np.zeros(BINS, np.int64))

    def add(self, values: np.ndarray) -> None:
        """Count the float32 `values` of one sample, which are finite."""
        low, high = float(values.min()), float(values.max())
        self.low, self.high = min(self.low, low), max(self.high, high)
        weight = AVERAGING if self.samples else 1.0
        self.average_low += weight * (low - self.average_low)
        self.average_high += weight * (high - self.average_high)
        self.samples += 1
        self._grow(max(-low, high))
        if self.reach == 0.0:
            self.counts[BINS // 2] += values.size
            return
        at = np.floor(values.reshape(-1) * np.float32(BINS / 2 / self.reach)).astype(np.int64)
        at += BINS // 2
        self.counts += np.bincount(np.clip(at, 0, BINS - 1), minlength=BINS)

    def _grow(self, needed: float) -> None:
        """Double the reach until `needed` lies within; 0 stays 0."""
        if needed == 0.0 or needed <= self.reach:
            return
        wanted = 2.0 ** math.ceil(math.log2(max(needed, 2.0**-100)))
        while wanted < needed:
            wanted *= 2
        if self.reach == 0.0:
            self.reach = wanted
            return
        while self.reach < wanted:
            joined = self.counts.reshape(-1, 2).sum(axis=1)
            quarter = BINS // 4
            self.counts = np.zeros(BINS, np.int64)
            self.counts[quarter : BINS - quarter] = joined
            self.reach *= 2

    @property
    def filled(self) -> tuple[np.ndarray, np.ndarray]:
        """Middles (float64) and counts of the bins that are not empty, inside the extremes."""
        at = np.flatnonzero(self.counts)
        width = 2 * self.reach / BINS
        middles = (at + 0.5) * width - self.reach
        return np.clip(middles, self.low, self.high), self.counts[at]

    def share_beyond(self, low: float, high: float) -> float:
        """The share of all values outside [low, high], to the width of a bin."""
        middles, counts = self.filled
        outside = counts[(middles < low) | (middles > high)].sum()
        return float(outside / max(int(counts.sum()), 1))
