"""What a sweep found, in short: how many points are feasible, the best, the front, its knee, and
which fields matter.

The document of `sweep --json` is `Summary.to_dict`, schema npusim.sweep/1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from npusim.sweep.axis import NO_FIELDS
from npusim.sweep.front import pareto_front
from npusim.sweep.knee import DEFINITION, knee
from npusim.sweep.labels import level
from npusim.sweep.objectives import Floats, costs_of, feasible
from npusim.sweep.sensitivity import Sensitivity, sensitivity

SCHEMA = "npusim.sweep/1"
OK = "ok"
"""Status of a feasible point."""


@dataclass(frozen=True)
class Infeasible:
    """How many points have one status, and the reason of the first of them."""

    status: str
    points: int
    example: str
    number: int


@dataclass(frozen=True)
class Summary:
    """Rows are indices into `columns`, whose arrays hold one value a point.

    `best` maps each of `objectives` to its best row; `front` is sorted by the first objective, best
    first; `knee` is None where the front has none. `knobs` are the fields, those that always change
    together as one; so they are in `sensitivities`, joined by `+`. Without a feasible point there
    is neither best nor sensitivity.
    """

    columns: Mapping[str, np.ndarray]
    fields: tuple[str, ...]
    knobs: tuple[tuple[str, ...], ...]
    units: Mapping[str, str]
    objectives: tuple[str, ...]
    points: int
    feasible: int
    infeasible: tuple[Infeasible, ...]
    best: Mapping[str, int]
    front: tuple[int, ...]
    knee: int | None
    sensitivities: Mapping[str, Sensitivity]

    def to_dict(self) -> dict[str, Any]:
        """The document of `sweep --json`: dicts, lists, text, numbers and None."""
        return {
            "schema": SCHEMA,
            "points": self.points,
            "feasible": self.feasible,
            "infeasible": [asdict(one) for one in self.infeasible],
            "fields": list(self.fields),
            "knobs": [list(knob) for knob in self.knobs],
            "units": dict(self.units),
            "objectives": list(self.objectives),
            "best": {name: self.row(at) for name, at in self.best.items()},
            "front": [self.row(at) for at in self.front],
            "knee": None if self.knee is None else self.row(self.knee),
            "knee_definition": DEFINITION,
            "sensitivity": {name: asdict(one) for name, one in self.sensitivities.items()},
        }

    def overrides(self, at: int) -> dict[str, Any]:
        """The fields of one point, as `load_hardware` takes them over the base of the sweep."""
        values = {field: _plain(self.columns[field][at]) for field in self.fields}
        return {
            field: level(value, self.units[field]) if field in self.units else value
            for field, value in values.items()
            if field not in NO_FIELDS
        }

    def row(self, at: int) -> dict[str, Any]:
        """Every column of one point, numbers as Python's own, NaN as None."""
        return {name: _plain(column[at]) for name, column in self.columns.items()}


def summary(
    columns: Mapping[str, np.ndarray],
    fields: Sequence[str],
    objectives: Sequence[str],
    units: Mapping[str, str] | None = None,
    sampled: bool = False,
) -> Summary:
    """The summary of a table: `columns` are those of `npusim.sweep.table.Table`.

    They map `number`, `status`, `reason`, the `fields` and the objectives to one value a point.
    `units` has the base unit of fields with one; `sampled` says that points were drawn at random.
    UsageError for an objective that is unknown or that the table lacks.
    """
    costs = costs_of(columns, objectives)
    ok = feasible(costs)
    front = pareto_front(costs)
    order = np.lexsort(tuple(costs[front].T[::-1]))
    knobs = knobs_of(columns, fields)
    return Summary(
        columns, tuple(fields), knobs, dict(units or {}), tuple(objectives), len(costs),
        int(ok.sum()), _infeasible(columns, ok), _best(costs, objectives, ok),
        tuple(int(at) for at in front[order]), knee(costs),
        _sensitivities(columns, knobs, objectives, sampled) if ok.any() else {},
    )  # fmt: skip


def _infeasible(columns: Mapping[str, np.ndarray], ok: np.ndarray) -> tuple[Infeasible, ...]:
    """Statuses of points that are not `ok`, the most frequent first."""
    found: dict[str, list[int]] = {}
    for at in np.flatnonzero(~ok):
        found.setdefault(str(columns["status"][at]), []).append(int(at))
    return tuple(
        Infeasible(
            "no value" if status == OK else status, len(rows),
            str(columns["reason"][rows[0]] or ""), int(columns["number"][rows[0]]),
        )
        for status, rows in sorted(found.items(), key=lambda pair: -len(pair[1]))
    )  # fmt: skip


def _best(costs: Floats, objectives: Sequence[str], ok: np.ndarray) -> dict[str, int]:
    """Of each objective the row with the least cost; of equal ones the least of the others."""
    rows = np.flatnonzero(ok)
    if not len(rows):
        return {}
    found = {}
    for at, name in enumerate(objectives):
        others = [costs[rows, other] for other in range(len(objectives)) if other != at]
        found[name] = int(rows[np.lexsort((*reversed(others), costs[rows, at]))[0]])
    return found


def _sensitivities(
    columns: Mapping[str, np.ndarray], knobs: Sequence[Sequence[str]], objectives: Sequence[str],
    sampled: bool,
) -> dict[str, Sensitivity]:  # fmt: skip
    levels = {"+".join(knob): columns[knob[0]].tolist() for knob in knobs}
    return {name: sensitivity(levels, columns[name], sampled) for name in objectives}


def knobs_of(
    columns: Mapping[str, np.ndarray], fields: Sequence[str]
) -> tuple[tuple[str, ...], ...]:
    """The `fields`, those together whose values always change together."""
    groups: dict[tuple[int, ...], list[str]] = {}
    for field in fields:
        seen: dict[Any, int] = {}
        ranks = tuple(seen.setdefault(value, len(seen)) for value in columns[field].tolist())
        groups.setdefault(ranks if len(seen) > 1 else (len(groups),), []).append(field)
    return tuple(map(tuple, groups.values()))


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float):
        return None if value != value else int(value) if value.is_integer() else value
    return value
