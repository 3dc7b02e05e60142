"""What a sweep found, as a user of Python holds it: a table, its front, and files of it."""

from __future__ import annotations

import csv
import html
import io
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from npusim.report.files import whole_file
from npusim.sweep.store import Store
from npusim.sweep.table import StoredColumns, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from npusim.sweep.summary import Summary


class Sweep:
    """The points of a space that are in a store; nothing is read before it is asked for."""

    def __init__(
        self, store: Store, objectives: Sequence[str] | None = None, sampled: bool = False
    ) -> None:
        """`objectives` of the front, those of the store by default; `sampled`: not a whole grid."""
        self._store, self._sampled = store, sampled
        self.about = store.about
        self.objectives = tuple(objectives or self.about.objectives)

    @cached_property
    def table(self) -> Table:
        """All points as rows and columns; a column is read when it is asked for."""
        about = self.about
        return Table(StoredColumns(self._store), about.fields, about.metrics, about.units)

    def rows(self) -> Iterator[dict[str, Any]]:
        """The points one by one, without holding all of them."""
        names = self.about.columns
        return (dict(zip(names, row, strict=True)) for row in self._store.rows())

    def counts(self) -> dict[str, int]:
        """How many points there are of each status."""
        return self._store.counts()

    def reasons(self) -> list[tuple[str, str, int]]:
        """Status, reason and number of infeasible points, the most frequent first."""
        return self._store.reasons()

    def pareto(self, *objectives: str) -> Table:
        """The points that no other is better than in all `objectives`: the space's by default."""
        return self.table.pareto(*(objectives or self.objectives))

    def summary(self, *objectives: str) -> Summary:
        """Counts, the best point of each objective, front, knee, and which field matters."""
        from npusim.sweep.summary import summary

        table, wanted = self.table, objectives or self.objectives
        return summary(table.columns, table.fields, wanted, table.units, self._sampled)

    def plot(self, kind: str = "all") -> Figure:
        """A figure of the summary: `scatter`, `heat_map`, `parallel`, or `all` on a page."""
        from npusim.sweep.plots import figure_of

        return figure_of(self.summary(), kind)

    def to_pandas(self) -> Any:
        """A pandas DataFrame of all points."""
        return self.table.to_pandas()

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write all points, by ascending number; floats so that they read back the same.

        Columns of fields with a unit are named with it: `memory.sram.size [B]`.
        """
        with whole_file(path) as file:
            for part in self._csv():
                file.write(part.encode())

    def to_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write all points as a Parquet file (extra `parquet`), with the columns of `to_csv`."""
        from npusim.sweep.parquet import write_parquet

        about = self.about
        kinds = dict(zip(about.columns, about.column_types, strict=True))
        types = [kinds[name] for name in self._names]
        write_parquet(self._store.rows(self._names), self._headings(), types, path)

    def close(self) -> None:
        """Close the store; a table that was read stays."""
        self._store.close()

    def __len__(self) -> int:
        return sum(self.counts().values())

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {status}" for status, count in self.counts().items())
        return f"<Sweep of {', '.join(self.about.fields)}: {counts or 'no points'}>"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def __str__(self) -> str:
        if not self.counts():
            return repr(self)
        from npusim.report.terminal import as_text
        from npusim.sweep.printed import print_summary

        return as_text(lambda console: print_summary(self.summary(), console))

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(name for name in self.about.columns if name != "key")

    def _headings(self) -> list[str]:
        units = self.about.units
        return [f"{name} [{units[name]}]" if name in units else name for name in self._names]

    def _csv(self) -> Iterator[str]:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self._headings())
        for row in self._store.rows(self._names):
            writer.writerow(row)
            if text.tell() > 1 << 16:
                yield text.getvalue()
                text.seek(0)
                text.truncate()
        yield text.getvalue()
