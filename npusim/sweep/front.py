"""Pareto front: the points that no other point beats.

Point a dominates b if no cost of a is larger and at least one is smaller. Points with equal costs
do not dominate each other, so all of them are on the front. Rows are sorted lexicographically,
without doubles: then a row can be dominated by an earlier one only. With two costs, a row is on
the front if its second cost is below that of all rows before it (Kung, Luccio, Preparata, JACM
1975): O(n log n). With more, blocks of rows are compared with the front so far: O(n x front).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from npusim.sweep.objectives import Floats, feasible

BLOCK_ROWS = 256
"""Rows that are compared at a time: their table of comparisons stays in a core's cache."""


def pareto_front(costs: Floats) -> NDArray[np.int64]:
    """Ascending numbers of the rows of `costs` [points, objectives] that are on the front.

    Less is better. Rows with a cost that is not finite are infeasible and never on the front.
    """
    rows = np.flatnonzero(feasible(costs))
    if not rows.size:
        return rows
    distinct, place = np.unique(costs[rows], axis=0, return_inverse=True)
    found: NDArray[np.int64] = rows[_minimal(distinct)[place.reshape(-1)]]
    return found


def _minimal(rows: Floats) -> NDArray[np.bool_]:
    """[rows] which of the sorted, distinct `rows` no other dominates."""
    if rows.shape[1] == 1:
        return np.asarray(np.arange(len(rows)) == 0)
    if rows.shape[1] == 2:
        second = rows[:, 1]
        below: NDArray[np.bool_] = second[1:] < np.minimum.accumulate(second)[:-1]
        return np.concatenate([[True], below])
    kept = np.zeros(len(rows), np.bool_)
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        alive = np.flatnonzero(~_covered(block, rows[:start][kept[:start]]))
        own = block[alive]
        earlier = np.tri(len(own), k=-1, dtype=np.bool_).T
        kept[start + alive] = ~(_no_larger(own, own) & earlier).any(axis=0)
    return kept


def _covered(block: Floats, front: Floats) -> NDArray[np.bool_]:
    """[rows of block] whether a row of `front` is nowhere larger."""
    return np.asarray(_no_larger(front, block).any(axis=0))


def _no_larger(left: Floats, right: Floats) -> NDArray[np.bool_]:
    """[left, right] whether the left row is nowhere larger than the right one."""
    found = np.ones((len(left), len(right)), np.bool_)
    for one, other in zip(left.T, right.T, strict=True):
        found &= one[:, None] <= other[None, :]
    return found
