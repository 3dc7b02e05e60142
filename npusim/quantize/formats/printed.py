"""A study of formats on a terminal: densities, the layers of each kind, what most layers say."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from npusim.quantize.formats.study import DENSITY, FormatStudy, Row
from npusim.report.summary import Column, printable
from npusim.report.terminal import print_line, print_table, table


def print_study(found: FormatStudy, console: Console, most: int = 0) -> None:
    """Print `found`; of each kind of data the `most` layers that lose most, 0 for all."""
    about = f"the layers of {printable(found.model)}" if found.model else "distributions"
    print_line(f"SQNR in dB at the best scale: formats over {about}", "bold", console)
    densities = [row for row in found.rows if row.what == DENSITY]
    print_table(_columns(found, "distribution", densities), console)
    for each in found.summaries:
        rows = [row for row in found.rows if (row.what, row.per) == (each.what, each.per)]
        shown = _losing_most(rows, most)
        _print_titled(
            f"{each.what}, a scale per {each.per}", _columns(found, "layer", shown), console
        )
        if len(shown) < len(rows):
            print_line(f"and {len(rows) - len(shown)} more layers, which lose less", "dim", console)
    if found.summaries:
        title = "all layers: the median, and for how many a format is the best"
        _print_titled(title, _summaries(found), console)
    for note in found.notes:
        console.print(Text(printable(note), "dim"))


def _print_titled(title: str, columns: Sequence[Column], console: Console) -> None:
    """A blank line, the title, and the table."""
    console.print()
    print_line(title, "bold", console)
    console.print(table(columns, console.width, console.options.ascii_only))


def _losing_most(rows: list[Row], most: int) -> list[Row]:
    """The `most` rows whose best format keeps least, in their order; 0 for all."""
    order = sorted(range(len(rows)), key=lambda at: rows[at].sqnr_db[rows[at].winner])
    return [rows[at] for at in sorted(order[: most or None])]


def _columns(found: FormatStudy, heading: str, rows: Sequence[Row]) -> list[Column]:

    return [
        Column(heading, tuple(printable(row.name) for row in rows), 100, True),
        Column("peak/rms", tuple(f"{row.peak_to_rms:.1f}" for row in rows), 10),
        *(
            Column(grid.name, tuple(_db(row.sqnr_db[grid.name]) for row in rows), 90 - at)
            for at, grid in enumerate(found.grids)
        ),
        Column("best", tuple(row.winner for row in rows), 95, True),
    ]


def _summaries(found: FormatStudy) -> list[Column]:
    """For each kind of data a line of medians, and one of how many layers a format is best for."""
    kinds = found.summaries
    names = [name for each in kinds for name in (f"{each.what} per {each.per}", "  best for")]
    columns = [Column("", tuple(names), 100, True)]
    for at, grid in enumerate(found.grids):
        pairs = ((_db(each.median_db[grid.name]), f"{each.wins[grid.name]}") for each in kinds)
        columns.append(Column(grid.name, tuple(cell for pair in pairs for cell in pair), 90 - at))
    return columns


def _db(value: float) -> str:
    """One decimal; a format that loses nothing is exact."""
    return "exact" if math.isinf(value) else f"{value:.1f}"
