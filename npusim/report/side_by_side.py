"""Reports of several models or hardware as one result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from npusim.report.report import Report
from npusim.report.shown import Shown

if TYPE_CHECKING:
    from rich.console import Console

    from npusim.report.difference import Difference

SCHEMA = "npusim.compare/1"
MOST_REASONS = 3
"""Largest parts of a difference that are printed."""


@dataclass(frozen=True, eq=False)
class Comparison(Shown):
    """Reports of several models or hardware, models in the outer order; prints as a table."""

    reports: tuple[Report, ...]

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Of each model, every hardware after the first one against the first."""
        from npusim.report.difference import difference

        first: dict[tuple[str, str], Report] = {}
        pairs = []
        for report in self.reports:
            key = report.model.name, report.model.sha256
            if first.setdefault(key, report) is not report:
                pairs.append(difference(first[key], report))
        return tuple(pairs)

    def to_dict(self) -> dict[str, Any]:
        """The document of `compare --json`: those of `run --json` and of `diff --json`."""
        return {
            "schema": SCHEMA,
            "runs": [report.to_dict() for report in self.reports],
            "differences": [found.to_dict() for found in self.differences],
        }

    def print(self, console: Console, most: int = MOST_REASONS) -> None:
        """Print the table, and the `most` largest reasons of each difference; 0: no reasons."""
        from npusim.report.comparison import print_comparison
        from npusim.report.reasons import print_reasons

        print_comparison(self.reports, console)
        several = len({report.model.name for report in self.reports}) > 1
        for at, found in enumerate(self.differences if most else ()):
            if at or not several:  # a matrix ends with a blank line of its own
                console.print()
            print_reasons(found, most, console, several)
