"""Rows and columns of a sweep, in memory: a whole table, or the part that is a front."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from npusim.sweep.front import pareto_front
from npusim.sweep.objectives import costs_of


@dataclass(frozen=True, eq=False)
class Table:
    """Points in ascending order of their numbers.

    `columns` maps `number`, `status`, `reason`, each field that varies and each metric to an array
    of one value a point: metrics are float64, NaN where a point is infeasible, fields int64 or
    float64, and objects where values are no numbers. `fields` names the columns that vary,
    `metrics` what was found; `units` has the unit of each field with one.
    """

    columns: Mapping[str, np.ndarray]
    fields: tuple[str, ...]
    metrics: tuple[str, ...]
    units: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.columns["number"])

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The rows, as mappings of column to value."""
        return (self.row(index) for index in range(len(self)))

    def row(self, index: int) -> dict[str, Any]:
        """Row `index` as a mapping of column to value."""
        return {name: _plain(column[index]) for name, column in self.columns.items()}

    @property
    def ok(self) -> np.ndarray:
        """[points] True where a point is feasible."""
        found: np.ndarray = self.columns["status"] == "ok"
        return found

    def take(self, rows: np.ndarray) -> Table:
        """The part of the table that `rows` (indices, or a mask) selects."""
        chosen = {name: column[rows] for name, column in self.columns.items()}
        return Table(chosen, self.fields, self.metrics, self.units)

    def pareto(self, *objectives: str) -> Table:
        """The points that no other is better than in all `objectives` (names of columns)."""
        return self.take(pareto_front(costs_of(self.columns, objectives)))

    def to_pandas(self) -> Any:
        """A pandas DataFrame with these columns."""
        import pandas

        return pandas.DataFrame(dict(self.columns))


def table_of(
    rows: Sequence[Sequence[Any]], names: Sequence[str], fields: Sequence[str],
    metrics: Sequence[str], units: Mapping[str, str],
) -> Table:  # fmt: skip
    """The table of `rows`, whose values are named `names`."""
    columns = {name: _column([row[i] for row in rows]) for i, name in enumerate(names)}
    columns["number"] = np.array([row[0] for row in rows], np.int64)
    for name in metrics:
        columns[name] = columns[name].astype(np.float64)
    for place in (1, 2):  # status and reason
        columns[names[place]] = np.array([row[place] for row in rows], object)
    return Table(columns, tuple(fields), tuple(metrics), dict(units))


def _column(values: list[Any]) -> np.ndarray:
    """int64 of whole numbers, float64 of numbers and None (NaN), objects of anything else."""
    if values and all(type(value) is int for value in values):
        return np.array(values, np.int64)
    if all(v is None or (isinstance(v, int | float) and type(v) is not bool) for v in values):
        return np.array([np.nan if value is None else value for value in values], np.float64)
    column = np.empty(len(values), object)
    column[:] = values
    return column


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
