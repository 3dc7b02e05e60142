"""A report on a terminal: totals, where cycles and energy go, and a line a layer.

Everything fits the width of the console: columns are dropped, least important first, and names
are shortened, before a line would wrap. Colours appear on a terminal only.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from npusim.report.names import shortened
from npusim.report.quantities import ENERGY_J, decimals, scale_for
from npusim.report.summary import Column, Row, causes, layer_cells, parts, printable, title, totals

if TYPE_CHECKING:
    from npusim.report.report import Report

TEXT_WIDTH = 100
"""Columns of what is printed as text."""
GAP = 2
NAME_WIDTH = 18
BARS_SIDE_BY_SIDE = 44
"""Cells that bars need to stand beside the totals."""
BARS_WIDTH = 72


def print_report(report: Report, console: Console, most_layers: int | None = None) -> None:
    """Print `report`; of its layers only the `most_layers` slowest, in their order, if given."""
    width = console.width
    print_line(title(report), "bold", console)
    console.print(_overview(report, width, console.options.ascii_only))
    console.print()
    columns, left_out = _chosen(layer_cells(report), report, most_layers)
    console.print(table(columns, width, console.options.ascii_only))
    if left_out:
        print_line(left_out, "dim", console)
    for note in _remarks(report):
        console.print(Text(printable(note), "dim"))


def as_text(show: Callable[[Console], None]) -> str:
    """What `show` prints, without colours, `TEXT_WIDTH` wide."""
    text = io.StringIO()
    show(
        Console(
            file=text, width=TEXT_WIDTH, highlight=False, force_terminal=False, force_jupyter=False
        )
    )
    return text.getvalue()


def print_line(text: str, style: str, console: Console) -> None:
    """Print `text` in one line, cut at the width of the console."""
    console.print(Text(text, style), no_wrap=True, overflow="ellipsis")


def _remarks(report: Report) -> list[str]:
    count = len(report.confidence.not_modelled)
    trusted = report.confidence.preset
    if isinstance(trusted, str):
        state = f"{report.hardware.name} is {trusted}"
    else:
        found = f"{trusted['error_percent']:g} % mean error over {trusted['rows']:g} measurements"
        state = f"{report.hardware.name}: {found}"
    return [*report.notes, f"{state}; {count} effects are not modelled, --json lists them"]


def _overview(report: Report, width: int, ascii_only: bool) -> RenderableType:
    rows = totals(report)
    room = (width - sum(_widths(rows)) - 4 * GAP) // 2
    beside = room >= BARS_SIDE_BY_SIDE
    room = room if beside else min(width, BARS_WIDTH)
    cycles = [(name, value, f"{value:,.0f}") for name, value in causes(report)]
    joules = _joules(parts(report))
    blocks = [
        _totals(rows, width),
        _bars("cycles by cause", cycles, room, ascii_only),
        _bars("energy by part", joules, room, ascii_only),
    ]
    if not beside:
        return Group(blocks[0], Text(), blocks[1], Text(), blocks[2])
    row = Table.grid(padding=(0, GAP, 0, 0))
    row.add_row(*blocks)
    return row


def _joules(rows: Sequence[tuple[str, float]]) -> list[tuple[str, float, str]]:
    """Amounts in one unit, so that they can be compared by eye."""
    scale = scale_for(max((value for _, value in rows), default=0.0), ENERGY_J)
    texts = decimals([value / scale.size for _, value in rows])
    return [
        (name, value, f"{text} {scale.unit}")
        for (name, value), text in zip(rows, texts, strict=True)
    ]


def _widths(rows: Sequence[Row]) -> tuple[int, int, int]:
    """Cells that labels, values and remarks need."""
    cells = [(row.label, row.value, row.remark) for row in rows]
    label, value, remark = (max(map(cell_len, column)) for column in zip(*cells, strict=True))
    return label, value, remark


def _totals(rows: Sequence[Row], width: int) -> Table:
    grid = Table.grid(padding=(0, GAP, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, justify="right")
    label, value, _ = _widths(rows)
    room = max(1, width - label - value - 2 * GAP)
    grid.add_column(no_wrap=True, overflow="ellipsis", max_width=room)
    for row in rows:
        grid.add_row(Text(row.label), Text(row.value, "bold"), Text(row.remark, "dim"))
    return grid


def _bars(
    heading: str, rows: Sequence[tuple[str, float, str]], width: int, ascii_only: bool
) -> Table:
    """Label, amount, percentage of the rows' sum, and a bar against the largest row."""
    total = sum(value for _, value, _ in rows) or 1.0
    largest = max((value for _, value, _ in rows), default=1.0)
    grid = Table.grid(padding=(0, GAP, 0, 0))
    label = max([len(heading), *(len(name) for name, _, _ in rows)])
    amount = max([0, *(len(text) for _, _, text in rows)])
    length = max(4, width - label - amount - len("100.0 %") - 3 * GAP)
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(no_wrap=True)
    grid.add_row(Text(heading, "bold"))
    for name, value, text in rows:
        part = value / total
        bar = ("#" if ascii_only else "━") * max(1, round(value / largest * length))
        grid.add_row(Text(name.replace("_", " ")), Text(text), f"{100 * part:.1f} %",
                     Text(bar, "cyan"))  # fmt: skip
    return grid


def _chosen(columns: list[Column], report: Report, most: int | None) -> tuple[list[Column], str]:
    """The columns with the `most` slowest layers, and a line that says what is left out."""
    layers = report.layers
    if most is None or len(layers) <= most:
        return columns, ""
    order = sorted(range(len(layers)), key=lambda at: -layers[at].cycles)
    kept = sorted(order[:most])
    rest = sum(layers[at].cycles for at in order[most:]) / (report.total.cycles or 1)
    shorter = [
        Column(x.header, tuple(x.cells[at] for at in kept), x.importance, x.left) for x in columns
    ]
    return shorter, f"and {len(layers) - most} more layers with {100 * rest:.1f} % of the cycles"


def table(columns: Sequence[Column], width: int, ascii_only: bool = False) -> Table:
    """`columns` within `width`: the first one holds names and is shortened to what is left."""
    columns = fitting(columns, width)
    names, *others = columns
    room = max(1, width - sum(_width(column) + GAP for column in others))
    grid = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="bold")
    grid.add_column(names.header, no_wrap=True)
    for column in others:
        grid.add_column(column.header, justify="left" if column.left else "right", no_wrap=True)
    for cells in zip(*(column.cells for column in columns), strict=True):
        name = shortened(cells[0], room, ascii_only)
        grid.add_row(Text(name), *(Text(cell) for cell in cells[1:]))
    return grid


def print_table(columns: Sequence[Column], console: Console) -> None:
    """A blank line, then the table no wider than its names need; nothing if it has no rows."""
    if not columns or not columns[0].cells:
        return
    width = min(console.width, sum(map(_width, columns)) + GAP * (len(columns) - 1))
    console.print()
    console.print(table(columns, width, console.options.ascii_only))


def fitting(columns: Sequence[Column], width: int) -> list[Column]:
    """The columns that leave at least `NAME_WIDTH` (or all it needs) to the first, in order."""
    kept = list(columns)
    need = min(NAME_WIDTH, _width(kept[0]))
    while len(kept) > 1 and need + sum(_width(column) + GAP for column in kept[1:]) > width:
        kept.remove(min(kept[1:], key=lambda column: column.importance))
    return kept


def _width(column: Column) -> int:
    return max(cell_len(text) for text in (column.header, *column.cells))
