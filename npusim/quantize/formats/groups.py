"""One scale for each row of a matrix: channels of weights, or blocks of them.

Each value is rounded to its nearest code by arithmetic, with the exponent taken from float64's own
bits: step = 2^(max(floor(log2 |x / scale|), least exponent) - mantissa bits), 1 for integers. So
rows of any length cost the same a value, where `clip` would sort each.

The search is that of `clip`, each row on its own: from 2 times a row's extreme down by `OCTAVES`
octaves, `STEPS` points each, `ZOOM` times more finely around the best, then `FITS` scales of least
squares where they are better. Rows of a few values have many narrow optima: formats that differ by
a few tenths of a dB are equal as far as this search tells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from npusim.quantize.formats.block_scales import ANY, Snap, snap_of
from npusim.quantize.formats.grids import Grid

Array = np.ndarray

OCTAVES, STEPS, ZOOM, FITS = 4, 16, 4, 3
VALUES_AT_ONCE = 1 << 15
"""So that the arrays between two steps stay in a processor's own cache."""
EXPONENT_BITS = np.int64(0x7FF << 52)
"""Of a float64: with the others cleared, a power of two is left."""


@dataclass(frozen=True, eq=False)
class RowFits:
    """Of each row: its scale and zero point [rows], and the sum of squared errors [rows]."""

    scale: Array
    zero_point: Array
    squared_error: Array


def best_rows(grid: Grid, rows: Array, kind: str = ANY) -> RowFits:
    """`grid` at the scale of least error for each row of finite float64 `rows` [rows, n].

    Scales are of `kind`, one of `block_scales.BLOCK_SCALES`.
    """
    low = np.minimum(rows.min(axis=1, initial=0.0), 0.0)
    high = np.maximum(rows.max(axis=1, initial=0.0), 0.0)
    held = (low < 0) | (high > 0)
    unclipped = grid.placed(low, high, 1.0)[0][held]
    snap = snap_of(kind, float(unclipped.max(initial=0.0)) or 1.0)
    many = max(1, VALUES_AT_ONCE // max(1, rows.shape[1]))
    starts = range(0, len(rows), many)
    parts = [_Search(grid, rows[at : at + many], snap).best() for at in starts]
    return RowFits(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def rounded(grid: Grid, scaled: Array, zero: Array | float = 0.0) -> Array:
    """The nearest values of `grid`, less the zero point, to `scaled` values; ties go to even."""
    low, high = grid.values[0] - zero, grid.values[-1] - zero
    if grid.mantissa_bits is None or grid.least_exponent is None:
        near = np.rint(scaled)
    else:
        power = (scaled.view(np.int64) & EXPONENT_BITS).view(np.float64)
        step = np.maximum(power, 2.0**grid.least_exponent) * 2.0**-grid.mantissa_bits
        near = np.rint(scaled / step) * step
    clipped: Array = np.clip(near, low, high)
    return clipped


class _Search:
    """The best so far of each row of a part: three arrays [rows], overwritten in place."""

    def __init__(self, grid: Grid, rows: Array, snap: Snap) -> None:
        self._grid, self._rows, self._snap = grid, rows, snap
        self._scale, self._zero = np.ones(len(rows)), np.zeros(len(rows))
        self._error = np.full(len(rows), np.inf)

    def best(self) -> tuple[Array, Array, Array]:
        """Scale, zero point and squared error of each row."""
        low = np.minimum(self._rows.min(axis=1, initial=0.0), 0.0)
        high = np.maximum(self._rows.max(axis=1, initial=0.0), 0.0)
        for step in range(OCTAVES * STEPS + 1):
            self._try(*self._grid.placed(low, high, 2.0 ** (1.0 - step / STEPS)))
        coarse, zero = self._scale.copy(), self._zero.copy()
        for step in (*range(-ZOOM + 1, 0), *range(1, ZOOM)):
            self._try(coarse * 2.0 ** (step / (STEPS * ZOOM)), zero)
        for _ in range(FITS):
            self._try(self._least_squares(), self._zero)
        return self._scale, self._zero, self._error

    def _least_squares(self) -> Array:
        """The scale of least squares for the values that each row has now."""
        near = rounded(self._grid, self._rows / self._scale[:, None], self._zero[:, None])
        matched = np.einsum("rn,rn->r", near, self._rows)
        squares = np.einsum("rn,rn->r", near, near)
        scale: Array = np.divide(matched, squares, out=self._scale.copy(), where=matched > 0)
        return scale

    def _try(self, scale: Array, zero: Array) -> None:
        """Take over the rows for which `scale`, where it exists, and `zero` are better."""
        scale = self._snap(scale)
        scaled = self._rows / scale[:, None]
        lost = scaled - rounded(self._grid, scaled, zero[:, None])
        error = np.einsum("rn,rn->r", lost, lost) * scale * scale
        better = error < self._error
        for kept, new in ((self._scale, scale), (self._zero, zero), (self._error, error)):
            kept[better] = new[better]
