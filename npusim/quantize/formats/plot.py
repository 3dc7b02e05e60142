"""SQNR of formats, a panel for each kind of data: densities, weights, what layers read.

Distributions that are all Student's t stand over their degrees of freedom: where two lines cross,
the winner changes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from npusim.quantize.formats.densities import STUDENT
from npusim.quantize.formats.study import DENSITY, TENSOR, FormatStudy, Row
from npusim.report.names import shortened
from npusim.report.plots.style import (
    BLACK,
    BLUE,
    DARK_GREY,
    DARK_VERMILLION,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    Plot,
    beginnings,
    new_figure,
    settings,
)
from npusim.report.summary import printable, telling

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOOKS = (
    (BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (VERMILLION, "D"), (PURPLE, "v"), (SKY, "P"),
    (BLACK, "X"), (DARK_VERMILLION, "<"), (DARK_GREY, ">"),
)  # fmt: skip
"""Colour and marker of the formats in their order; with more formats they come again, dashed."""
WIDTH, MARGIN, PANEL = 8.6, 0.8, 3.2
"""Inches: of a figure, of its legend, of a panel."""
MOST_NAMES, NAME_WIDTH = 32, 22
LEAST_NU = 3
"""Densities that make a line over the degrees of freedom."""


def figure(found: FormatStudy) -> Plot:
    """All panels of `found`, one above the other."""
    kinds = list(dict.fromkeys((row.what, row.per) for row in found.rows))
    with settings():
        page = new_figure((WIDTH, MARGIN + PANEL * len(kinds)))
        panels = page.subplots(len(kinds), 1, squeeze=False)[:, 0]
        for axes, (what, per) in zip(panels, kinds, strict=True):
            rows = [row for row in found.rows if (row.what, row.per) == (what, per)]
            _draw(axes, found, rows)
            axes.set_title(_title(found, what, per))
            below = kinds[kinds.index((what, per)) + 1 :]
            if what != DENSITY and any(_same_layers(found, rows, each) for each in below):
                axes.tick_params(labelbottom=False)
        handles, labels = panels[0].get_legend_handles_labels()
        columns = min(len(labels), 9)
        page.legend(handles, labels, loc="outside lower center", ncols=columns, columnspacing=1.4)
    return page


def _same_layers(found: FormatStudy, rows: Sequence[Row], kind: tuple[str, str]) -> bool:
    """True if the panel of `kind` has the layers of `rows`, whose names can stand there."""
    others = [row.name for row in found.rows if (row.what, row.per) == kind]
    return others == [row.name for row in rows]


def _title(found: FormatStudy, what: str, per: str) -> str:
    if what == DENSITY:
        return "Formats over distributions, each at its best scale"
    scale = "one scale a tensor" if per == TENSOR else f"one scale a {per}"
    name = shortened(printable(found.model), 30)
    return f"{name}: {what} of its layers, {scale}"


def _draw(axes: Axes, found: FormatStudy, rows: Sequence[Row]) -> None:
    over_nu = len(rows) >= LEAST_NU and all(row.name.startswith(STUDENT) for row in rows)
    places = [_nu(row) for row in rows] if over_nu else [float(at) for at in range(len(rows))]
    order = sorted(range(len(rows)), key=lambda at: places[at])
    dense = len(rows) > MOST_NAMES
    for at, grid in enumerate(found.grids):
        colour, marker = LOOKS[at % len(LOOKS)]
        heights = [rows[i].sqnr_db[grid.name] for i in order]
        axes.plot(
            [places[i] for i in order],
            [height if math.isfinite(height) else math.nan for height in heights],
            color=colour, marker=marker, markersize=3.5 if dense else 5.5, linewidth=1.3,
            linestyle="-" if at < len(LOOKS) else "--", label=grid.name,
        )  # fmt: skip
    exact = any(math.isinf(row.sqnr_db[grid.name]) for row in rows for grid in found.grids)
    axes.set_ylabel("SQNR [dB]; gaps: exact" if exact else "SQNR [dB]")
    axes.set_ylim(bottom=0)
    axes.grid(axis="y")
    if over_nu:
        _set_nu_axis(axes, places)
    else:
        _name_places(axes, rows)


def _nu(row: Row) -> float:
    """Degrees of freedom of a density `student:NU...`."""
    return float(row.name.split("@")[0].split(":")[1])


def _set_nu_axis(axes: Axes, places: Sequence[float]) -> None:
    axes.set_xscale("log", base=2)
    ticks = sorted({2.0 ** round(math.log2(nu)) for nu in places})
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xlabel("degrees of freedom of Student's t: the tail gets lighter to the right")
    axes.grid(axis="x")


def _name_places(axes: Axes, rows: Sequence[Row]) -> None:
    """Names below the panel; of many layers every n-th."""
    if rows[0].what == DENSITY:
        axes.set_xticks(range(len(rows)), [row.name for row in rows])
        axes.set_xlim(-0.4, len(rows) - 0.6)
        axes.set_xlabel("distribution, the heavier tail to the right" if _heavier(rows) else
                        "distribution")  # fmt: skip
        return
    names = beginnings(telling([printable(row.name) for row in rows]))
    every = math.ceil(len(rows) / MOST_NAMES)
    ticks = range(0, len(rows), every)
    labels = [shortened(names[at], NAME_WIDTH) for at in ticks]
    axes.set_xticks(ticks, labels, rotation=40, ha="right", rotation_mode="anchor", fontsize=8)
    axes.set_xlim(-0.6, len(rows) - 0.4)


def _heavier(rows: Sequence[Row]) -> bool:
    """True if the rows are in the order uniform, gaussian, Student's t of falling NU."""
    ranks = [
        {"uniform": -math.inf, "gaussian": -1e9}.get(
            row.name.partition("@")[0].partition(":")[0], -_nu(row) if STUDENT in row.name else 0.0
        )
        for row in rows
    ]
    return ranks == sorted(ranks)
