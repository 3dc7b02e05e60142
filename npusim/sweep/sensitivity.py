"""Which knob matters: the share of an objective's variance that each field explains.

    first = Var(E[y | field]) / Var(y)          total = E[Var(y | all other fields)] / Var(y)

(Sobol 1993; Saltelli et al., Global Sensitivity Analysis, 2008). `first` is what the field does on
its own, `total` what it does with all interactions; `y` is the logarithm of the objective if that
is positive everywhere, since knobs multiply. On a full grid both are exact for that grid (they
are the sums of squares of an analysis of variance). Where infeasible points are missing, fields
are no longer independent: the same formulas are then an estimate. Of random points `first` is
estimated by the correlation ratio over at most `BINS` ranges of the field, less what chance alone
would give (Kelley's epsilon squared, 1935); `total` can't be told from these. Shares hold for the
range that was swept: a wider range of a field raises its share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from npusim.sweep.objectives import Floats

BINS = 8
"""Ranges that the values of a field are put into, where nearly every point has its own."""
GRID, PARTIAL_GRID, SAMPLE = "grid", "grid with holes (estimate)", "sample (estimate)"
SAME = 1e-12
"""Relative spread of values below which an objective does not vary: rounding."""


@dataclass(frozen=True)
class Share:
    """Of one field: first-order and total share of the variance, 0 ... 1.

    `total` is None where points are no grid.
    """

    field: str
    first: float
    total: float | None


@dataclass(frozen=True)
class Sensitivity:
    """Shares of all fields, the largest first; `basis` says what the points are.

    `logarithm`: shares are of the variance of the objective's logarithm. `varies` is False if the
    objective is the same at every point; there are no shares then.
    """

    shares: tuple[Share, ...]
    basis: str
    logarithm: bool
    varies: bool


def sensitivity(
    fields: Mapping[str, Sequence[Any]], values: Floats, sampled: bool = False
) -> Sensitivity:
    """Shares of `fields` (name: [points] levels) in `values` [points]; NaN: infeasible.

    `sampled`: the points were drawn at random; else they are a grid, or what is left of one.
    Fields with one level in all points explain nothing and have share 0. ValueError if a field has
    another number of points than `values`.
    """
    levels = {name: _levels(name, column, len(values)) for name, column in fields.items()}
    kept = np.isfinite(values)
    basis = SAMPLE if sampled else _basis(list(levels.values()), kept)
    y, logarithm = _response(values[kept])
    if len(y) < 2 or float(np.ptp(y)) <= SAME * float(np.abs(y).max()):
        return Sensitivity((), basis, logarithm, False)
    found = []
    for name, own in levels.items():
        others = [column[kept] for other, column in levels.items() if other != name]
        if basis == SAMPLE:
            found.append(Share(name, _adjusted(_binned(own[kept]), y), None))
        else:
            found.append(Share(name, _explained(own[kept], y), _unexplained(others, y)))
    found.sort(key=lambda one: -(one.first if one.total is None else one.total))
    return Sensitivity(tuple(found), basis, logarithm, True)


def _levels(name: str, column: Sequence[Any], points: int) -> NDArray[np.int64]:
    """[points] ranks of the column's values; values of several kinds are ranked by their text."""
    if len(column) != points:
        raise ValueError(f"{name}: {len(column)} values for {points} points")
    try:
        ranks = np.unique(np.asarray(column), return_inverse=True)[1]
    except TypeError:
        ranks = np.unique([str(value) for value in column], return_inverse=True)[1]
    return ranks.reshape(-1).astype(np.int64)


def _basis(levels: Sequence[NDArray[np.int64]], kept: NDArray[np.bool_]) -> str:
    """Whether each combination of levels is there once and `kept`, or some are missing."""
    if not levels or not kept.all() or not len(kept):
        return PARTIAL_GRID
    cells = np.prod([float(column.max() + 1) for column in levels])
    different = len(np.unique(np.stack(levels), axis=1).T)
    return GRID if cells == different == len(kept) else PARTIAL_GRID


def _response(values: Floats) -> tuple[Floats, bool]:
    if len(values) and (values > 0).all():
        return np.log(values), True
    return values, False


def _explained(own: NDArray[np.int64], y: Floats) -> float:
    """Variance of the means of y at each level of `own`, over that of y."""
    return 1.0 - _within(own, y)


def _unexplained(others: Sequence[NDArray[np.int64]], y: Floats) -> float:
    """Mean variance of y among points that differ in no other field, over that of y.

    A point that has no such neighbour left tells nothing, so it does not count.
    """
    if not others:
        return 1.0
    groups = np.unique(np.stack(others), axis=1, return_inverse=True)[1].reshape(-1)
    paired = int((np.bincount(groups)[groups] > 1).sum())
    return min(1.0, _within(groups, y) * len(y) / paired) if paired else 0.0


def _within(groups: NDArray[np.int64], y: Floats) -> float:
    """Sum of squares inside `groups` over that of all."""
    counts = np.bincount(groups)
    means = np.bincount(groups, y) / np.maximum(counts, 1)
    inside = float(((y - means[groups]) ** 2).sum())
    return min(1.0, inside / float(((y - y.mean()) ** 2).sum()))


def _binned(own: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most `BINS` levels with about as many points in each, in the order of the values."""
    present, ranks = np.unique(own, return_inverse=True)
    ranks = ranks.reshape(-1)
    if len(present) <= BINS:
        return ranks.astype(np.int64)
    upto = np.cumsum(np.bincount(ranks))[ranks]
    return ((upto - 1) * BINS // len(own)).astype(np.int64)


def _adjusted(groups: NDArray[np.int64], y: Floats) -> float:
    """The explained share less what `groups` without any meaning would explain; at least 0."""
    free = len(y) - len(np.unique(groups))
    if free <= 0:
        return 0.0
    return max(0.0, 1.0 - _within(groups, y) * (len(y) - 1) / free)
