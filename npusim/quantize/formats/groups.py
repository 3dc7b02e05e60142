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


def best_rows(grid: Grid, rows: Array) -> RowFits:
    """`grid` at the scale of least error for each row of finite float64 `rows` [rows, n]."""
    many = max(1, VALUES_AT_ONCE // max(1, rows.shape[1]))
    parts = [_best_of(grid, rows[at : at + many]) for at in range(0, len(rows), many)]
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


def _best_of(grid: Grid, rows: Array) -> tuple[Array, Array, Array]:
    low = np.minimum(rows.min(axis=1, initial=0.0), 0.0)
    high = np.maximum(rows.max(axis=1, initial=0.0), 0.0)
    found = _Best(*(np.full(len(rows), each) for each in (1.0, 0.0, np.inf)))
    for step in range(OCTAVES * STEPS + 1):
        _try(found, grid, rows, *grid.placed(low, high, 2.0 ** (1.0 - step / STEPS)))
    coarse, zero = found.scale.copy(), found.zero.copy()
    for step in (*range(-ZOOM + 1, 0), *range(1, ZOOM)):
        _try(found, grid, rows, coarse * 2.0 ** (step / (STEPS * ZOOM)), zero)
    for _ in range(FITS):
        levels = rounded(grid, rows / found.scale[:, None], found.zero[:, None])
        matched = np.einsum("rn,rn->r", levels, rows)
        squares = np.einsum("rn,rn->r", levels, levels)
        scale = np.divide(matched, squares, out=found.scale.copy(), where=matched > 0)
        _try(found, grid, rows, scale, found.zero)
    return found.scale, found.zero, found.error


@dataclass(eq=False)
class _Best:
    """The best so far of each row: three arrays [rows], overwritten in place."""

    scale: Array
    zero: Array
    error: Array


def _try(found: _Best, grid: Grid, rows: Array, scale: Array, zero: Array) -> None:
    """Take over the rows for which `scale` and `zero` are better."""
    scaled = rows / scale[:, None]
    lost = scaled - rounded(grid, scaled, zero[:, None])
    error = np.einsum("rn,rn->r", lost, lost) * scale * scale
    better = error < found.error
    for kept, new in ((found.scale, scale), (found.zero, zero), (found.error, error)):
        kept[better] = new[better]
