"""Rows of measurements beside what npusim says: what the comparisons share.

Files of real NPUs have the columns of `silicon.csv` of the development data: one figure a row, with
its source.
"""

from __future__ import annotations

import csv
import os
import statistics
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

SHARED = Path(os.environ.get("NPUSIM_SHARED", Path(__file__).resolve().parents[3] / "shared"))
MEASURED = SHARED / "data" / "measurements" / "silicon.csv"

Row = dict[str, str]


class Compared(NamedTuple):
    """One row: its name, what was measured, what was simulated, in the same unit."""

    name: str
    measured: float
    simulated: float

    @property
    def error_percent(self) -> float:
        """Simulated against measured, signed."""
        return 100.0 * (self.simulated / self.measured - 1.0)


def rows_of(file: Path, system: str, metric: str) -> Iterator[Row]:
    """The rows of `file` that measure `metric` of `system`; claims are left out."""
    with file.open(newline="") as text:
        for row in csv.DictReader(text):
            measured = row["measured_or_claimed"].startswith("measured")
            if measured and (row["system"], row["metric"]) == (system, metric):
                yield row


def table(rows: Iterable[Compared], unit: str) -> str:
    """Aligned rows, then mean, median and worst of the absolute errors."""
    found = list(rows)
    lines = [f"{'row':58} {'measured':>10} {'simulated':>10} {'error %':>8}  ({unit})"]
    lines += [
        f"{row.name:58} {row.measured:10.3f} {row.simulated:10.3f} {row.error_percent:8.2f}"
        for row in found
    ]
    errors = [abs(row.error_percent) for row in found]
    if errors:
        lines.append(
            f"{len(errors)} rows: mean {statistics.mean(errors):.2f} %, "
            f"median {statistics.median(errors):.2f} %, worst {max(errors):.2f} %"
        )
    return "\n".join(lines)
