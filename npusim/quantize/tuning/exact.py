"""The whole front of the additive model, by dynamic programming over layers.

After each layer only the partial assignments that no other one beats in noise and cost are kept:
what is beaten now stays beaten, since the rest adds the same to both (G. L. Nemhauser and
Z. Ullmann, "Discrete dynamic programming and capital allocation", 1969).
"""

from __future__ import annotations

import numpy as np

from npusim.quantize.tuning.table import Front, Table, undominated

MOST_KEPT = 1 << 17
"""Partial assignments that are kept; where there are more, noises are told apart less finely."""
FINEST = 1e-9
"""Noises are first told apart to this part when there are too many."""


def exact_front(table: Table, most: int = MOST_KEPT) -> Front:
    """The front of `table`; its `tolerance` is 0 unless more than `most` points were alive."""
    costs, noises = np.zeros(1), np.zeros(1)
    parents: list[np.ndarray] = []
    choices: list[np.ndarray] = []
    tolerance = 0.0
    for noise, cost in zip(table.noises, table.costs, strict=True):
        many = len(cost)
        all_costs = (costs[:, None] + cost[None, :]).ravel()
        all_noises = (noises[:, None] + noise[None, :]).ravel()
        kept = undominated(all_costs, all_noises)
        kept, lost = _thinned(kept, all_noises, most)
        tolerance = (1 + tolerance) * (1 + lost) - 1
        costs, noises = all_costs[kept], all_noises[kept]
        parents.append(kept // many)
        choices.append(kept % many)
    assignments = np.zeros((len(costs), len(choices)), np.int64)
    at = np.arange(len(costs))
    for layer in range(len(choices) - 1, -1, -1):
        assignments[:, layer] = choices[layer][at]
        at = parents[layer][at]
    return Front(assignments, noises, costs, tolerance)


def _thinned(kept: np.ndarray, noises: np.ndarray, most: int) -> tuple[np.ndarray, float]:
    """At most `most` of `kept`, cheapest first, and by what part the noise of one lost may grow.

    Of points whose noise is the same to that part the cheapest is kept.
    """
    part = 0.0
    while len(kept) > most:
        part = max(FINEST, 4 * part)
        positive = np.maximum(noises[kept], np.finfo(np.float64).tiny)
        level = np.floor(np.log(positive) / np.log1p(part))
        kept = kept[np.concatenate([[True], level[1:] != level[:-1]])]
    return kept, part
