"""What explains the difference of two reports: its largest parts, and the others as one row.

The rows of each table add up to the whole difference of latency or energy: by cause (by part of
the chip for energy), and by layer and cause. A share is a part of that difference; where some
parts grow and others shrink, shares are above 100 % or below 0; where they cancel so much that a
share would mean nothing, there is no such column.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console
from rich.text import Text

from npusim.report.changes import change_columns
from npusim.report.difference import Delta, Difference
from npusim.report.names import shortened
from npusim.report.quantities import ENERGY_J, TIME_S, Scale, shown, significant
from npusim.report.summary import Column, printable, telling
from npusim.report.terminal import print_table

NAME_WIDTH = 20
"""Cells of the name of a hardware at the head of a column."""
LARGEST_SHARE = 3.0
"""Parts that are more than this many times the difference mostly cancel each other."""


def print_reasons(found: Difference, most: int, console: Console, name_model: bool = True) -> None:
    """Print what changed, and the `most` largest parts of it, by cause and by layer and cause.

    The first line names both hardware, and the model if `name_model`.
    """
    model = f"{printable(found.after.model.name)}, " if name_model else ""
    console.print(Text(f"{model}{_headline(found)}", "bold"))
    by_layer = telling([printable(layer.time_s.name) for layer in found.layers])
    kinds = (
        ("time", "cause", found.causes_s, TIME_S, [layer.causes_s for layer in found.layers]),
        ("energy", "part", found.parts_j, ENERGY_J, [layer.parts_j for layer in found.layers]),
    )
    for what, kind, whole, scales, deltas in kinds:
        change = math.fsum(delta.change for delta in whole)
        rows = [(delta, "") for delta in whole]
        print_table(_columns(f"{what} by {kind}", rows, kind, most, change, scales, found), console)
        rows = [
            (replace(delta, name=name), delta.name)
            for name, own in zip(by_layer, deltas, strict=True)
            for delta in own
        ]
        rows.sort(key=lambda row: -abs(row[0].change))
        columns = _columns(f"{what} by layer", rows, kind, most, change, scales, found)
        print_table(columns, console)


def _headline(found: Difference) -> str:
    names = (printable(side.hardware.name) for side in (found.after, found.before))
    before, after = found.before.total, found.after.total
    figures = (
        _change("latency", before.latency_s, after.latency_s, TIME_S),
        _change("energy", before.energy_j, after.energy_j, ENERGY_J),
    )
    return f"{' against '.join(names)}: {', '.join(figures)}"


def _change(what: str, before: float, after: float, scales: tuple[Scale, ...]) -> str:
    change = after - before
    text = f"{what} {'-' if change < 0 else '+'}{shown(abs(change), scales)}"
    return f"{text} (x {significant(after / before)})" if before else text


def _columns(
    heading: str,
    rows: Sequence[tuple[Delta, str]],
    kind: str,
    most: int,
    change: float,
    scales: tuple[Scale, ...],
    found: Difference,
) -> list[Column]:
    """The table of `rows` (amount, its cause or nothing), of which all but `most` are one row."""
    chosen = [row for row in _shortened(rows, most) if row[0].change]
    sides = found.before.hardware.name, found.after.hardware.name
    first, second = (shortened(printable(name), NAME_WIDTH) for name in sides)
    columns = change_columns(heading, [delta for delta, _ in chosen], scales, (first, second))
    if not columns:
        return []
    names, *amounts, _ = columns
    causes = tuple(cause.replace("_", " ") for _, cause in chosen)
    middle = [Column(kind, causes, 90, True)] if any(causes) else []
    return [names, *middle, *amounts, *_shares([delta.change for delta, _ in chosen], change)]


def _shares(changes: Sequence[float], whole: float) -> list[Column]:
    if max(map(abs, changes)) > LARGEST_SHARE * abs(whole):
        return []
    return [Column("share", tuple(f"{100 * change / whole:.1f} %" for change in changes), 70)]


def _shortened(rows: Sequence[tuple[Delta, str]], most: int) -> list[tuple[Delta, str]]:
    """The first `most` rows and the sum of the others; one that would be left alone is kept."""
    if len(rows) <= most + 1:
        return list(rows)
    rest = [delta for delta, _ in rows[most:]]
    before = math.fsum(delta.before or 0.0 for delta in rest)
    after = math.fsum(delta.after or 0.0 for delta in rest)
    return [*rows[:most], (Delta(f"{len(rest)} others", before, after), "")]
