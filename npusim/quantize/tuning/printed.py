"""A search for precisions on a terminal: the front, each format everywhere, what is lacking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from npusim.report.quantities import BYTES, ENERGY_J, TIME_S, decibels
from npusim.report.summary import Column, printable, scaled
from npusim.report.terminal import print_line, print_table

if TYPE_CHECKING:
    from npusim.quantize.tuning.tuned import Point, Tuned


def print_tuned(tuned: Tuned, console: Console) -> None:
    """Print `tuned`: every point of the front was executed and simulated."""
    title = f"{printable(tuned.model)} on {printable(tuned.hardware)}: "
    print_line(f"{title}{tuned.quality} against {tuned.against}", "bold", console)
    front = [(str(at), point) for at, point in enumerate(tuned.front, 1)]
    print_table(_columns(tuned, front, "front"), console)
    uniform = [(point.everywhere, point) for point in tuned.points if point.everywhere is not None]
    print_table(_columns(tuned, uniform, "everywhere"), console)
    widened = [one for one in tuned.candidates if one.is_widened]
    for one in widened:
        text = f"{one.name}: weights are stored in 4 bits and multiplied as {one.runs_as}"
        console.print(Text(text, "dim"))
    for reason in tuned.lacking:
        console.print(Text(printable(reason), "dim"))


def _columns(tuned: Tuned, rows: Sequence[tuple[str, Point]], title: str) -> list[Column]:
    """Named points: layers by format, quality, costs."""
    if not rows:
        return []
    names, points = zip(*rows, strict=True)
    found = [point.measured for point in points]
    columns = [
        Column(title, tuple(names), 10, left=True),
        *(
            Column(candidate.name, tuple(_layers(point, at) for point in points), 4)
            for at, candidate in enumerate(tuned.candidates)
            if any(0 < point.assignment.count(at) < len(point.assignment) for point in points)
        ),
        Column("SQNR, dB", tuple(decibels(one.sqnr_db) for one in found), 7),
    ]
    for header, values in (
        ("agree, %", [one.agreement for one in found]),
        ("right, %", [one.accuracy for one in found]),
    ):
        known = [100 * value for value in values if value is not None]
        if found and len(known) == len(found):
            columns.append(Column(header, tuple(f"{value:.1f}" for value in known), 6))
    return [
        *columns,
        scaled("latency", [one.latency_s for one in found], TIME_S, 9),
        scaled("energy", [one.energy_j for one in found], ENERGY_J, 8),
        scaled("weights", [one.weight_bytes for one in found], BYTES, 5),
    ]


def _layers(point: Point, candidate: int) -> str:
    """How many layers have the candidate; nothing where none has."""
    many = point.assignment.count(candidate)
    return str(many) if many else ""
