"""Multi-objective search by Optuna (extra `search`): NSGA-II, or the tree-structured Parzen
estimator.

Optuna only chooses points; they are evaluated as any others, and the store knows those that it
chooses again. Points are asked for in batches of a fixed size and told in the order that they were
asked for, so the search is the same with any number of workers.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from npusim.errors import Problem, UsageError
from npusim.sweep.axis import Axis
from npusim.sweep.objectives import objective_of
from npusim.sweep.samples import latin_hypercube
from npusim.sweep.space import Space

BATCH_TPE = 8
"""Points that the estimator proposes before it sees the first of them."""
LEAST_POPULATION, MOST_POPULATION = 12, 24
GENERATIONS = 20
"""Generations that a budget is spread over, as far as those limits allow."""
ASKED_PER_POINT = 20
"""Choices for each new point, after which a search that finds no new ones ends."""

Evaluate = Callable[[Sequence[int]], Sequence[tuple[float, ...] | None]]
"""For points of the grid their objectives, in the order of the space's; None if infeasible."""


def search(space: Space, evaluate: Evaluate) -> list[int]:
    """The numbers of the points that were evaluated: at most `space.sample.count` different ones.

    The first of them are a Latin hypercube. UsageError if Optuna is not installed, or constraints
    exclude every point that it chooses.
    """
    optuna = _optuna()
    sample = space.sample
    budget = min(sample.count or space.size, space.size)
    population = max(LEAST_POPULATION, min(MOST_POPULATION, budget // GENERATIONS))
    batch = BATCH_TPE if sample.method == "optuna-tpe" else population
    study = optuna.create_study(
        directions=["maximize" if objective_of(n).maximised else "minimize"
                    for n in space.objectives],
        sampler=_sampler(optuna, sample.method, sample.seed, population),
    )  # fmt: skip
    knobs = [_Knob(axis) for axis in space.axes]
    for number in latin_hypercube(space.lengths, sample.seed, population):
        study.enqueue_trial(_stated(knobs, space.places(number)))
    done: dict[int, None] = {}
    for _ in range(math.ceil(budget * ASKED_PER_POINT / batch)):
        trials = [study.ask() for _ in range(batch)]
        numbers = [space.number(tuple(knob.place(trial) for knob in knobs)) for trial in trials]
        chosen = _within(space, numbers, done, budget)
        wanted = sorted(chosen)
        found = dict(zip(wanted, evaluate(wanted), strict=True))
        done |= dict.fromkeys(wanted)
        for trial, number in zip(trials, numbers, strict=True):
            _tell(optuna, study, trial, found.get(number))
        if len(done) >= budget:
            break
    if not done:
        texts = "; ".join(constraint.text for constraint in space.constraints)
        raise UsageError(Problem("constraints", f"{texts}: exclude all points that were tried"))
    return list(done)


def _within(space: Space, numbers: list[int], done: dict[int, None], budget: int) -> set[int]:
    """Those of `numbers` that constraints allow, with no more new ones than the budget has left."""
    chosen: set[int] = set()
    left = budget - len(done)
    for number in dict.fromkeys(numbers):
        if number in done:
            chosen.add(number)
        elif left and space.allows(number):
            chosen.add(number)
            left -= 1
    return chosen


def _tell(optuna: Any, study: Any, trial: Any, values: tuple[float, ...] | None) -> None:
    if values is None:
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    else:
        study.tell(trial, list(values))


class _Knob:
    """An axis as Optuna varies it: numbers by their rank, anything else by its place."""

    def __init__(self, axis: Axis) -> None:
        firsts = [row[0] for row in axis.values]
        self.name = axis.name
        self.is_ordered = all(type(value) in (int, float) for value in firsts)
        self._places = list(range(len(axis)))
        if self.is_ordered:
            self._places.sort(key=lambda place: firsts[place])  # type: ignore[arg-type,return-value]

    def place(self, trial: Any) -> int:
        """The place of the value that `trial` takes."""
        if len(self._places) == 1:
            return 0
        if self.is_ordered:
            rank: int = trial.suggest_int(self.name, 0, len(self._places) - 1)
            return self._places[rank]
        return int(trial.suggest_categorical(self.name, self._places))

    def stated(self, place: int) -> int:
        """What `place` is to Optuna."""
        return self._places.index(place) if self.is_ordered else place


def _stated(knobs: Sequence[_Knob], places: tuple[int, ...]) -> dict[str, int]:
    return {k.name: k.stated(place) for k, place in zip(knobs, places, strict=True)}


def _sampler(optuna: Any, method: str, seed: int, population: int) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if method == "optuna-tpe":
            return optuna.samplers.TPESampler(
                seed=seed, multivariate=True, constant_liar=True, n_startup_trials=population
            )
        return optuna.samplers.NSGAIISampler(seed=seed, population_size=population)


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        what = "optuna is not installed: pip install 'npusim[search]'"
        raise UsageError(Problem("--sample", what)) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
