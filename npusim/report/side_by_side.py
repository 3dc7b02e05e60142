"""Reports of several models or hardware as one result."""

from __future__ import annotations

import html
import io
import json
from dataclasses import dataclass
from typing import Any

from npusim.report.report import Report

SCHEMA = "npusim.compare/1"
TEXT_WIDTH = 100
"""Columns of a comparison that is printed as text."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Reports of several models or hardware, models in the outer order; prints as a table."""

    reports: tuple[Report, ...]

    def to_dict(self) -> dict[str, Any]:
        """The document of `compare --json`: the documents of `run --json` in `runs`."""
        return {"schema": SCHEMA, "runs": [report.to_dict() for report in self.reports]}

    def to_json(self) -> str:
        """`to_dict` as JSON text, indented, with a newline at its end."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"

    def __str__(self) -> str:
        from rich.console import Console

        from npusim.report.comparison import print_comparison

        text = io.StringIO()
        plain = Console(
            file=text, width=TEXT_WIDTH, highlight=False, force_terminal=False, force_jupyter=False
        )
        print_comparison(self.reports, plain)
        return text.getvalue()

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"
