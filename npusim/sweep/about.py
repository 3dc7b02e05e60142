"""What a table of a sweep is of, and how it is laid out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from npusim.sweep.metrics import WHOLE
from npusim.sweep.objectives import ACCURACY

FIRST = ("number", "key", "status", "reason")
"""The columns of every table, before fields and metrics."""


@dataclass(frozen=True)
class About:
    """Which space a store is of: `identity` is the hash of all that its rows depend on."""

    identity: str
    npusim: str
    hardware: str
    models: tuple[str, ...]
    fields: tuple[str, ...]
    types: tuple[str, ...]
    metrics: tuple[str, ...]
    units: Mapping[str, str]
    objectives: tuple[str, ...]
    axes: Mapping[str, int]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns of the table, in order."""
        return (*FIRST, *self.fields, *self.metrics)

    @property
    def column_types(self) -> tuple[str, ...]:
        """SQLite's types of `columns`."""
        return ("INTEGER", "TEXT", "TEXT", "TEXT", *self.types)


def column_types(values: Sequence[Sequence[Any]], metrics: Sequence[str], models: int) -> list[str]:
    """SQLite's types of the fields, from all `values` that each takes, and of `metrics`."""
    return [
        *(_type(column) for column in values),
        *("INTEGER" if models == 1 and name in WHOLE else "REAL" for name in metrics),
    ]


def _type(values: Sequence[Any]) -> str:
    present = [value for value in values if value is not None]
    if all(isinstance(value, int) for value in present):
        return "INTEGER"
    return "REAL" if all(isinstance(value, int | float) for value in present) else "TEXT"


def difference(there: About, asked: About) -> str:
    """The first thing in which two spaces differ, in words."""
    for name in ("npusim", "hardware", "models", "axes"):
        theirs, ours = getattr(there, name), getattr(asked, name)
        if theirs != ours:
            return f"its {name} {_shown(theirs)}, here {_shown(ours)}"
    with_accuracy = [ACCURACY in about.metrics for about in (there, asked)]
    if with_accuracy[0] != with_accuracy[1]:
        return "its points have " + ("accuracy, here not" if with_accuracy[0] else "no accuracy")
    return "values, constraints, models or options differ"


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "are " + ", ".join(f"{name} ({count} values)" for name, count in value.items())
    return f"is {value}" if isinstance(value, str) else f"are {', '.join(value)}"
