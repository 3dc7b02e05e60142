"""Hypervolume: how much of the space below a reference point a set of designs dominates.

    HV = volume of the union of the boxes [cost, reference]          (Zitzler, Thiele, PPSN 1998)

Exact, by slices along the last cost: between two neighbouring values of it, the dominated part is
the hypervolume of the other costs of the points so far (While et al., IEEE TEC 2006). That is
O(n log n) for two costs and O(n^2 log n) for three; each further one multiplies by n again.
"""

from __future__ import annotations

import math

import numpy as np

from npusim.sweep.front import pareto_front
from npusim.sweep.objectives import Floats


def hypervolume(costs: Floats, reference: Floats) -> float:
    """Volume that the rows of `costs` [points, objectives] dominate below `reference` [objectives].

    Less is better. Rows that are not below the reference in every cost add nothing, nor do rows
    that are infeasible. The unit is the product of the units of the costs.
    """
    inside = costs[(costs < reference).all(axis=1)]
    return _volume(inside[pareto_front(inside)], reference)


def _volume(front: Floats, reference: Floats) -> float:
    if not len(front):
        return 0.0
    if front.shape[1] == 1:
        return float(reference[0] - front[:, 0].min())
    if front.shape[1] == 2:
        return _area(front, reference)
    ordered = front[np.argsort(front[:, -1], kind="stable")]
    depths = np.diff(np.append(ordered[:, -1], reference[-1]))
    slices = []
    for count, depth in enumerate(depths, start=1):
        if depth > 0:
            below = ordered[:count, :-1]
            slices.append(float(depth) * _volume(below[pareto_front(below)], reference[:-1]))
    return math.fsum(slices)


def _area(front: Floats, reference: Floats) -> float:
    """The union of rectangles: strips between neighbouring first costs."""
    ordered = front[np.argsort(front[:, 0], kind="stable")]
    widths = np.diff(np.append(ordered[:, 0], reference[0]))
    return math.fsum(widths * (reference[1] - ordered[:, 1]))


def worst_of(costs: Floats) -> Floats:
    """[objectives] the largest finite cost of each: a reference that every feasible point is below
    or on. ValueError if no row is finite."""
    finite = costs[np.isfinite(costs).all(axis=1)]
    if not len(finite):
        raise ValueError("no feasible point")
    worst: Floats = finite.max(axis=0)
    return worst
