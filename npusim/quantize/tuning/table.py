"""What each layer may choose from, what each choice costs and how much noise it adds.

The additive model: quantization errors of different layers are uncorrelated at the output, so their
powers add up; costs of layers add up too. Both are approximations, so what is chosen by them is
executed and simulated before anybody believes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Table:
    """`noises` and `costs` float64 [layers][choices], finite and >= 0; `names` [layers][choices].

    A noise is the power of the error at the network's output that one layer causes alone; costs are
    of any one unit. ValueError where shapes differ or a figure is negative or not finite.
    """

    layers: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    noises: tuple[np.ndarray, ...]
    costs: tuple[np.ndarray, ...]

    def __post_init__(self) -> None:
        if not len(self.layers) == len(self.names) == len(self.noises) == len(self.costs):
            raise ValueError("one entry a layer is needed everywhere")
        for names, noise, cost in zip(self.names, self.noises, self.costs, strict=True):
            figures = np.concatenate([noise, cost])
            if not names or not len(names) == len(noise) == len(cost):
                raise ValueError("every choice needs a name, a noise and a cost")
            if not np.isfinite(figures).all() or (figures < 0).any():
                raise ValueError("noises and costs are finite and not negative")

    def noise_of(self, assignment: Sequence[int]) -> float:
        """Noise of one choice a layer."""
        return float(sum(x[at] for x, at in zip(self.noises, assignment, strict=True)))

    def cost_of(self, assignment: Sequence[int]) -> float:
        """Cost of one choice a layer."""
        return float(sum(x[at] for x, at in zip(self.costs, assignment, strict=True)))


@dataclass(frozen=True, eq=False)
class Front:
    """Assignments, none of which is better than another in both noise and cost, cheapest first.

    `assignments` int64 [points, layers], `noises` and `costs` float64 [points]. Every assignment of
    the table has one here that costs no more and has at most `1 + tolerance` times its noise.
    """

    assignments: np.ndarray
    noises: np.ndarray
    costs: np.ndarray
    tolerance: float = 0.0

    def __len__(self) -> int:
        return len(self.costs)

    def best_within(self, cost: float) -> int | None:
        """Index of the assignment with least noise that costs at most `cost`; None: none does."""
        fitting = int(np.searchsorted(self.costs, cost, side="right"))
        return fitting - 1 if fitting else None

    def rivals_of(self, noise: float, cost: float) -> list[int]:
        """Indices of the least noise for `cost`, and of the least cost for no more `noise`."""
        slack = 1 + 1e-12  # sums in another order
        within = self.best_within(cost * slack)
        quiet = np.flatnonzero(self.noises <= noise * slack)
        return [at for at in (within, *map(int, quiet[:1])) if at is not None]


def undominated(costs: np.ndarray, noises: np.ndarray) -> np.ndarray:
    """Indices of the points that no other one beats in both, cheapest first; one of equal ones."""
    order = np.lexsort((noises, costs))
    least = np.minimum.accumulate(noises[order])
    better = np.concatenate([[True], least[1:] < least[:-1]])
    kept: np.ndarray = order[better]
    return kept
