"""Values as a source of moments: sums over sorted values stand where a density has integrals."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


class Samples:
    """Finite `values` of any shape, sorted once; every value counts 1 / N.

    `low` <= 0 <= `high` are the extremes, 0 included. ValueError without values, or with NaN or
    infinity among them.
    """

    def __init__(self, values: Array) -> None:
        self._sorted = np.sort(np.asarray(values, np.float64), axis=None)
        if not self._sorted.size:
            raise ValueError("no values")
        if not np.isfinite(self._sorted[[0, -1]]).all():
            raise ValueError("values are not finite")
        self._sums = tuple(
            np.concatenate([[0.0], np.cumsum(self._sorted**power)]) / self._sorted.size
            for power in (1, 2)
        )
        self.low = min(float(self._sorted[0]), 0.0)
        self.high = max(float(self._sorted[-1]), 0.0)

    @property
    def power(self) -> float:
        """Mean of the squares."""
        return float(self._sums[1][-1])

    def moments(self, ends: Array) -> Array:
        """See `densities.Source.moments`."""
        many = np.searchsorted(self._sorted, ends)
        return np.stack([many / self._sorted.size, *(sums[many] for sums in self._sums)])
