"""Rows and columns of a sweep, in memory: a whole table, or the part that is a front."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from npusim.sweep.front import pareto_front
from npusim.sweep.objectives import costs_of
from npusim.sweep.store import Store


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


class StoredColumns(Mapping[str, np.ndarray]):
    """The columns of a store, each read when it is first asked for: 8 bytes a point if numbers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names = tuple(name for name in store.about.columns if name != "key")
        self._read: dict[str, np.ndarray] = {}
        store.hold()
        self._points = sum(store.counts().values())

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._read:
            self._read[name] = self._column(name)
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def _column(self, name: str) -> np.ndarray:
        about = self._store.about
        values = (row[0] for row in self._store.rows((name,)))
        if name == "number":
            return np.fromiter(values, np.int64, self._points)
        kind = dict(zip((*about.fields, *about.metrics), about.types, strict=True)).get(
            name, "TEXT"
        )
        if kind == "TEXT":
            column = np.empty(self._points, object)
            column[:] = list(values)
            return column
        numbers = (np.nan if value is None else value for value in values)
        found = np.fromiter(numbers, np.float64, self._points)
        whole = kind == "INTEGER" and name not in about.metrics and not np.isnan(found).any()
        return found.astype(np.int64) if whole else found


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
