"""A report in a notebook: the totals, then the layers, as two plain tables."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from npusim.report.summary import layer_cells, title, totals
from npusim.report.types import Findings

_RIGHT = ' style="text-align:right"'


def page(report: Findings) -> str:
    """HTML of `report`; names from the model file are escaped."""
    head = f"<h4>{escape(title(report))}</h4>"
    summary = [(row.label, f"{row.value} {row.remark}".strip()) for row in totals(report)]
    columns = layer_cells(report)
    body = zip(*(column.cells for column in columns), strict=True)
    return head + _table([], summary) + _table([column.header for column in columns], list(body))


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in headers)
    lines = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


def _cells(row: Sequence[str]) -> str:
    first, *rest = row
    return f"<td>{escape(first)}</td>" + "".join(f"<td{_RIGHT}>{escape(x)}</td>" for x in rest)
