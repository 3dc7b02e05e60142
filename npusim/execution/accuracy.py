"""How many of a user's labelled samples a model gets right.

A sample is right if the score of its label is the largest; among equal scores, the first class
wins. It is right in the top 5 if fewer than five classes are ahead of its label in that order.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from npusim.errors import Problem, UsageError
from npusim.execution.npz import read_arrays
from npusim.numerics.floats import decode
from npusim.numerics.formats import Format

if TYPE_CHECKING:
    from npusim.ir.graph import Graph

LABEL_NAMES = ("labels", "label", "y")
FEWEST_CLASSES_FOR_TOP5 = 10
"""With fewer classes half of them would be right."""


def classes_of(graph: Graph, option: str = "--labels") -> int:
    """How many classes the first output has scores for; UsageError if it is no list of scores."""
    name = graph.outputs[0]
    shape = graph.tensors[name].shape
    first = graph.tensors[graph.inputs[0]].shape
    rows = first[0] if first else 1
    elements = prod(shape)
    axes = [extent for extent in shape if extent > 1]
    if elements % rows or len(axes) > (2 if rows > 1 else 1):
        what = f"output '{name}' of shape {tuple(shape)} is not one score for each class"
        raise UsageError(Problem(option, what))
    return elements // rows


def read_labels(path: str, rows: int, classes: int, option: str = "--labels") -> np.ndarray:
    """The classes of `rows` samples: the array called labels, label or y, or the only one that
    could be: integers, one a sample.

    Returns int64 [rows], each below `classes`.
    """
    stored = read_arrays(path, option)
    where = f"{option} {path}"
    name = _name_of_labels(stored, where)
    labels = _one_axis(stored[name])
    if not _are_labels(labels):
        hint = ""
        if labels.ndim == 2 and labels.shape[1] == classes:
            hint = ": of one score a class, store the argmax of each row"
        what = f"'{name}' is {labels.dtype} {labels.shape}, expected integers of one axis{hint}"
        raise UsageError(Problem(where, what))
    if labels.size != rows:
        raise UsageError(Problem(where, f"{labels.size} labels for {rows} samples"))
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if wrong.size:
        what = (
            f"sample {wrong[0]} has label {labels[wrong[0]]}; "
            f"the model has {classes} classes, 0 to {classes - 1}"
        )
        raise UsageError(Problem(where, what))
    return labels.astype(np.int64)


def _name_of_labels(stored: Mapping[str, np.ndarray], where: str) -> str:
    known = [name for name in LABEL_NAMES if name in stored]
    possible = [name for name, array in stored.items() if _are_labels(_one_axis(array))]
    names = known or (possible if len(possible) == 1 else list(stored))
    if not names or (len(names) > 1 and not known):
        found = ", ".join(f"'{name}'" for name in stored) or "no array"
        raise UsageError(Problem(where, f"no array called {' or '.join(LABEL_NAMES)}, but {found}"))
    return names[0]


def _one_axis(array: np.ndarray) -> np.ndarray:
    """A column as a row of numbers."""
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def _are_labels(array: np.ndarray) -> bool:
    return array.dtype.kind in "iu" and array.ndim == 1


def accuracy_of(
    outputs: Mapping[str, np.ndarray], labels: np.ndarray, fmt: Format | None = None
) -> dict[str, float]:
    """The `accuracy` of a report: shares and numbers right of the first output's scores.

    `fmt` is that output's format, where its elements are codes.
    The top 5 are there for `FEWEST_CLASSES_FOR_TOP5` classes or more.
    """
    scores = next(iter(outputs.values())).reshape(labels.size, -1)
    if fmt is not None and fmt.holds_codes:
        scores = decode(scores, fmt)
    ahead = _classes_ahead(scores, labels)
    samples = int(labels.size)
    correct = int((ahead < 1).sum())
    found: dict[str, float] = {
        "accuracy": correct / samples, "correct": correct, "samples": samples,
    }  # fmt: skip
    if scores.shape[1] >= FEWEST_CLASSES_FOR_TOP5:
        among = int((ahead < 5).sum())
        found |= {"top5_accuracy": among / samples, "top5_correct": among}
    return found


def _classes_ahead(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """int64 [N]: classes with a larger score than the label's, or an equal one and a lower number.

    A score that is no number is behind all others.
    """
    if scores.dtype.kind == "f":
        scores = np.where(np.isnan(scores), -np.inf, scores)
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    before = np.arange(scores.shape[1])[None, :] < labels[:, None]
    ahead: np.ndarray = ((scores > own) | ((scores == own) & before)).sum(axis=1)
    return ahead
