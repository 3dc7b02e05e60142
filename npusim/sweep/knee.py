"""Knee of a front: the design after which one objective costs most of another.

Costs of the front are taken as logarithms (ratios count: half the latency for twice the area) and
scaled to 0 (best on the front) ... 1 (worst). The knee is the point with the least sum of these.
With two objectives that is the point farthest below the line between the ends of the front (Das,
Structural Optimization 18, 1999; Kneedle does the same with a curve: Satopaa et al., ICDCSW 2011).
"""

from __future__ import annotations

import numpy as np

from npusim.sweep.front import pareto_front
from npusim.sweep.objectives import Floats

DEFINITION = "least sum of the objectives' logarithms, each scaled to 0 ... 1 over the front"
"""What `knee` means, for readers."""
TOLERANCE = 1e-9
"""Distances below this are rounding: points on the line between the ends are no knee."""


def knee(costs: Floats) -> int | None:
    """Row of the knee of `costs` [points, objectives] (less is better), the first of equal ones.

    None if there is none: a front of fewer than three different points, or with two objectives no
    point below the line between the ends. A column of negative costs (maximised, negated) is taken
    by its ratios as well; one with zeros or both signs as it is.
    """
    front = pareto_front(costs)
    if len(np.unique(costs[front], axis=0)) < 3:
        return None
    sums = np.stack([_scaled(column) for column in costs[front].T], axis=1).sum(axis=1)
    best = int(np.argmin(sums))
    if costs.shape[1] <= 2 and sums[best] > 1 - TOLERANCE:
        return None
    return int(front[best])


def _scaled(column: Floats) -> Floats:
    """0 at the least of `column`, 1 at its largest, by ratios where all have one sign."""
    if (column > 0).all():
        values = np.log(column)
    elif (column < 0).all():
        values = -np.log(-column)
    else:
        values = column
    span = values.max() - values.min()
    scaled: Floats = (values - values.min()) / span if span > 0 else np.zeros_like(values)
    return scaled
