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
VALUES_AT_ONCE = 1 << 17
"""Few enough for a cache to hold the arrays between two steps, many enough to call numpy rarely."""
EXPONENT_BITS = np.int64(0x7FF << 52)
"""Of a float64: with the others cleared, a power of two is left."""
TO_WHOLE = 1.5 * 2.0**52
"""A float64 plus and minus so many steps is rounded to whole steps, ties to even."""


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
    near = np.empty_like(scaled)
    _round(grid, scaled, zero, near, np.empty_like(scaled))
    return near


def _round(grid: Grid, scaled: Array, zero: Array | float, near: Array, work: Array) -> None:
    """`rounded` into `near`; `work` has its shape, and is overwritten."""
    if grid.mantissa_bits is None or grid.least_exponent is None:
        np.rint(scaled, out=near)
    else:
        np.bitwise_and(scaled.view(np.int64), EXPONENT_BITS, out=work.view(np.int64))
        np.maximum(work, 2.0**grid.least_exponent, out=work)
        np.multiply(work, 2.0**-grid.mantissa_bits * TO_WHOLE, out=work)
        np.add(scaled, work, out=near)
        np.subtract(near, work, out=near)
    np.clip(near, grid.values[0] - zero, grid.values[-1] - zero, out=near)


class _Search:
    """The best so far of each row of a part: three arrays [rows], overwritten in place."""

    def __init__(self, grid: Grid, rows: Array, snap: Snap) -> None:
        self._grid, self._rows, self._snap = grid, rows, snap
        self._scale, self._zero = np.ones(len(rows)), np.zeros(len(rows))
        self._error = np.full(len(rows), np.inf)
        self._scaled, self._near, self._work = (np.empty_like(rows) for _ in range(3))

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
        near = self._rounded(self._scale, self._zero)
        matched = np.einsum("rn,rn->r", near, self._rows)
        squares = np.einsum("rn,rn->r", near, near)
        scale: Array = np.divide(matched, squares, out=self._scale.copy(), where=matched > 0)
        return scale

    def _try(self, scale: Array, zero: Array) -> None:
        """Take over the rows for which `scale`, where it exists, and `zero` are better."""
        scale = self._snap(scale)
        lost = np.subtract(self._scaled, self._rounded(scale, zero), out=self._work)
        error = np.einsum("rn,rn->r", lost, lost) * scale * scale
        better = error < self._error
        for kept, new in ((self._scale, scale), (self._zero, zero), (self._error, error)):
            kept[better] = new[better]

    def _rounded(self, scale: Array, zero: Array) -> Array:
        """The values of the grid for all rows; `_scaled` is what they were rounded from."""
        np.multiply(self._rows, (1.0 / scale)[:, None], out=self._scaled)
        _round(self._grid, self._scaled, zero[:, None], self._near, self._work)
        return self._near
