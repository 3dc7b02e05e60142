"""Rows of cycles measured on RTL (`measurements/rtl_cycles.csv`), and how they are compared.

The file's columns are explained in `reference/nvdla_rtl.md` of the development data. Any file of
that form can be read.
"""

from __future__ import annotations

import csv
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

Row = dict[str, str]


@dataclass(frozen=True)
class Compared:
    """One workload on one memory: cycles measured and simulated; `details` are for printing."""

    name: str
    measured: int
    simulated: int
    details: str = ""

    @property
    def error(self) -> float:
        """Relative error of the simulation, signed."""
        return self.simulated / self.measured - 1


def read_rows(path: Path, design: str) -> list[Row]:
    """Rows of `path` whose design begins with `design`, as text by column."""
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["design"].startswith(design)]


def mean_error(rows: Sequence[Compared]) -> float:
    """Mean of the absolute relative errors."""
    return statistics.fmean(abs(row.error) for row in rows)


def median_error(rows: Sequence[Compared]) -> float:
    """Median of the absolute relative errors."""
    return statistics.median(abs(row.error) for row in rows)


def worst_error(rows: Sequence[Compared]) -> float:
    """Largest absolute relative error."""
    return max(abs(row.error) for row in rows)


def print_rows(title: str, rows: Sequence[Compared]) -> None:
    """An aligned table of all rows, then mean, median and worst error."""
    width = max(len(row.name) for row in rows)
    print(f"{title}\n{'workload':{width}} {'measured':>10} {'simulated':>10} {'error':>8}")
    for row in rows:
        figures = f"{row.measured:10} {row.simulated:10} {row.error:+8.2%}"
        print(f"{row.name:{width}} {figures}  {row.details}".rstrip())
    print(
        f"{len(rows)} rows: mean {mean_error(rows):.2%}, median {median_error(rows):.2%}, "
        f"worst {worst_error(rows):.2%}\n"
    )
