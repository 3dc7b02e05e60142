"""A path from the most accurate assignment to the cheapest: each step saves most for its noise."""

from __future__ import annotations

import numpy as np

from npusim.quantize.tuning.table import Front, Table, undominated


def greedy_front(table: Table) -> Front:
    """The assignments on the path that no other one on it beats.

    Every layer begins with its most accurate choice, the cheapest of equal ones. A step changes one
    layer to a cheaper choice, where the saving per noise added is largest; it ends when there is no
    cheaper choice.
    """
    now = [
        int(np.lexsort((cost, noise))[0])
        for noise, cost in zip(table.noises, table.costs, strict=True)
    ]
    path = [list(now)]
    while (step := _best_step(table, now)) is not None:
        layer, choice = step
        now[layer] = choice
        path.append(list(now))
    costs = np.array([table.cost_of(one) for one in path])
    noises = np.array([table.noise_of(one) for one in path])
    kept = undominated(costs, noises)
    return Front(np.array(path, np.int64).reshape(len(path), -1)[kept], noises[kept], costs[kept])


def _best_step(table: Table, now: list[int]) -> tuple[int, int] | None:
    """The layer and choice that save most per noise added; those that add none come first."""
    best, chosen = -1.0, None
    for layer, at in enumerate(now):
        saved = table.costs[layer][at] - table.costs[layer]
        added = np.maximum(table.noises[layer] - table.noises[layer][at], 0.0)
        for choice in np.flatnonzero(saved > 0):
            with np.errstate(over="ignore"):  # next to no noise counts as none
                gain = np.inf if added[choice] == 0 else saved[choice] / added[choice]
            if gain > best:
                best, chosen = float(gain), (layer, int(choice))
    return chosen
