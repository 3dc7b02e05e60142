"""Accuracy at a point: the share of a model's labelled samples that its hardware gets right.

A model has one accuracy for each way in which hardware computes its bits (requantization, number
formats and widths of sums, saturation, and where the order of a sum matters its tiles). It is
computed when a point first needs it and kept; most fields of hardware do not change it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from npusim.errors import Problem, UsageError
from npusim.schedule.kept import Kept
from npusim.sweep.objectives import ACCURACY

if TYPE_CHECKING:
    from npusim.api import Model
    from npusim.schedule.program import Program
    from npusim.sweep.space import Space

MOST_KEPT = 256
"""Ways to compute the bits of a model whose accuracy is kept; each takes some ten kB at most."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Samples of a model: `inputs` by name, one row a sample; `labels`: int64 [N] classes."""

    inputs: dict[str, np.ndarray]
    labels: np.ndarray

    @property
    def sha256(self) -> str:
        """Of all arrays with their names, types and shapes."""
        state = hashlib.sha256()
        for name, array in (*sorted(self.inputs.items()), ("labels", self.labels)):
            state.update(f"{name} {array.dtype} {array.shape} ".encode())
            state.update(np.ascontiguousarray(array).data)
        return state.hexdigest()


def labelled_of(space: Space, models: Sequence[Model]) -> tuple[Labelled, ...]:
    """The samples of each of `models`, those of the space with its batch; none if nobody asks.

    Accuracy is asked for as an objective, or by naming the inputs of a model. UsageError names
    every model whose accuracy can't be found, and why.
    """
    if not space.finds_accuracy:
        return ()
    problems: list[Problem] = []
    found = []
    for share, model in zip(space.models, models, strict=True):
        try:
            _require_executable(space, share.name, model)
            own = share.inputs is not None
            files = (share.inputs, share.labels) if own else (space.inputs, space.labels)
            found.append(_samples(*files, share.name, model))
        except UsageError as error:
            problems += error.problems
    if problems:
        raise UsageError(problems)
    return tuple(found)


def _require_executable(space: Space, name: str, model: Model) -> None:
    graph, reason = model.graph, ""
    if graph.weightless:
        reason = "it is a layer table without weights"
    elif graph.counted_only:
        reason = graph.counted_only
    elif space.assumes:
        reason = "a format that is assumed is counted, not executed; quantize the model instead"
    if reason:
        raise UsageError(Problem(ACCURACY, f"'{name}' has none: {reason}"))


def _samples(inputs: str | None, labels: str | None, name: str, model: Model) -> Labelled:
    """The samples of files, or those that come with the bundled network."""
    from npusim.execution.accuracy import classes_of, read_labels
    from npusim.execution.npz import read_inputs
    from npusim.models.bundled import bundled_model_path, bundled_samples_of
    from npusim.models.catalog import NAMES

    graph = model.graph
    if inputs is None or labels is None:
        if graph.sha256 == hashlib.sha256(bundled_model_path().read_bytes()).hexdigest():
            bundled = bundled_samples_of(graph)
            return Labelled(dict(bundled.inputs), bundled.labels)
        what = f"'{name}' has none: no labelled samples are given (inputs and labels)"
        if name in NAMES:
            what += ", and its weights are synthetic"
        raise UsageError(Problem(ACCURACY, what))
    arrays = read_inputs(inputs, model.inputs, f"inputs of {name}:")
    rows = next(iter(arrays.values())).shape[0]
    where = f"labels of {name}:"
    return Labelled(arrays, read_labels(labels, rows, classes_of(graph, where), where))


class Accuracies:
    """The accuracy of one model on any hardware."""

    def __init__(self, samples: Labelled) -> None:
        self._samples = samples
        self._ordered: Kept[frozenset[tuple[str, ...]]] = Kept(MOST_KEPT)
        self._found: Kept[float] = Kept(MOST_KEPT)

    def of(self, program: Program) -> float:
        """The share of the samples that `program`, a schedule of the model, gets right: 0 to 1.

        UnsupportedModelError if its hardware computes an operator in a way that npusim can't.
        """
        from npusim.execution.bits import reductions_of, units_of
        from npusim.execution.profile_choice import choose_profile

        profile = choose_profile(None, program.hardware, program.graph)
        units = profile.name, units_of(program)
        ordered = self._ordered.get(units, lambda: _ordered(program))
        key = units, reductions_of(program, ordered)
        return self._found.get(key, lambda: self._computed(program))

    def _computed(self, program: Program) -> float:
        from npusim import api
        from npusim.execution.accuracy import accuracy_of

        graph = program.graph
        outputs = api.infer(program, self._samples.inputs)
        scores = graph.tensors[graph.outputs[0]].format
        return accuracy_of(outputs, self._samples.labels, scores)[ACCURACY]


def _ordered(program: Program) -> frozenset[tuple[str, ...]]:
    from npusim.execution.executor import Executor
    from npusim.execution.profile_choice import choose_profile
    from npusim.kernels.table import kernels

    profile = choose_profile(None, program.hardware, program.graph)
    return Executor(program, profile, kernels()).ordered
