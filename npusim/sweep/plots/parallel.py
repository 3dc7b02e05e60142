"""Parallel coordinates (Inselberg 1985): a line a design, an axis a field or an objective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from npusim.report.names import shortened
from npusim.report.plots.style import (
    BLACK,
    BLUE,
    LIGHT_GREY,
    VERMILLION,
    Plot,
    new_figure,
    settings,
)
from npusim.report.quantities import significant
from npusim.report.summary import printable
from npusim.sweep.labels import knob_names, level
from npusim.sweep.objectives import Floats
from npusim.sweep.plots.axes import counted, shown_objective
from npusim.sweep.plots.heat_map import levels_of
from npusim.sweep.summary import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

WIDE_PAGE = (13.0, 5.6)
"""Inches."""
MOST_LINES = 1000
"""Lines of designs that are not on the front."""
MOST_MARKS = 9
"""Values that are written beside an axis."""
NAME_WIDTH = 18


@dataclass(frozen=True)
class Coordinate:
    """An axis: `places` [points] from 0 to 1, and marks as (place, text)."""

    label: str
    places: Floats
    marks: list[tuple[float, str]]


def figure(found: Summary) -> Plot:
    """The parallel coordinates of `found`."""
    with settings():
        page = new_figure(WIDE_PAGE)
        draw(page, found, f"From fields to objectives: {counted(found)}")
    return page


def draw(target: FigureBase, found: Summary, title: str) -> None:
    """Draw into `target`: designs in grey, those on the front in blue, the knee on top."""
    axes = target.subplots()
    coordinates = [_field(found, *pair) for pair in knob_names(found.knobs).items()]
    coordinates += [_objective(found, name) for name in found.objectives]
    table = np.stack([one.places for one in coordinates], axis=1)
    rows = np.flatnonzero(np.isfinite(table).all(axis=1))
    front = np.array(found.front)
    others = np.setdiff1d(rows, front)
    some = others[np.linspace(0, len(others) - 1, min(len(others), MOST_LINES)).astype(int)]
    part = f", {len(some):,} of them drawn" if len(some) < len(others) else ""
    lines = [
        (some, LIGHT_GREY, 0.6, 0.5, f"others ({len(others):,}{part})"),
        (front, BLUE, 1.1, 0.65, f"front ({len(front):,})"),
        (np.array([found.knee]), VERMILLION, 2.6, 1.0, "knee"),
    ]
    handles = []
    for place, (chosen, colour, width, alpha, label) in enumerate(lines):
        if len(chosen) and chosen[0] is not None:
            _draw_lines(axes, table[chosen], colour, width, alpha, place + 2)
            handles.append(Line2D([], [], color=colour, linewidth=width + 0.6, label=label))
    _draw_axes(axes, coordinates)
    axes.set_title(title, pad=12.0)
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=3)


def _field(found: Summary, field: str, label: str) -> Coordinate:
    """Levels at equal distances."""
    levels = levels_of(found, field)
    rank = {value: at / max(len(levels) - 1, 1) for at, value in enumerate(levels)}
    places = [rank.get(value, np.nan) for value in found.columns[field].tolist()]
    step = max(1, -(-len(levels) // MOST_MARKS))
    unit = found.units.get(field)
    marks = [(rank[value], printable(level(value, unit))) for value in levels[::step]]
    return Coordinate(shortened(printable(label), NAME_WIDTH), np.array(places), marks)


def _objective(found: Summary, name: str) -> Coordinate:
    """Values between the least and the largest, by logarithm where the axis is wide."""
    one = shown_objective(found, name)
    values = np.log(one.values) if one.logarithmic else one.values
    low, high = np.nanmin(values), np.nanmax(values)
    places = (values - low) / (high - low) if high > low else values - low
    ends = np.linspace(low, high, 5) if high > low else np.array([low])
    marks = [
        (at / max(len(ends) - 1, 1), significant(float(np.exp(end) if one.logarithmic else end)))
        for at, end in enumerate(ends)
    ]
    return Coordinate(f"{one.label}\n{one.better}", places, marks)


def _draw_lines(
    axes: Axes, rows: Floats, colour: str, width: float, alpha: float, order: int
) -> None:
    xs = np.broadcast_to(np.arange(rows.shape[1]), rows.shape)
    lines = LineCollection(list(np.stack([xs, rows], axis=2)), colors=colour, zorder=order)
    lines.set(linewidth=width, alpha=alpha, rasterized=len(rows) > 200)
    axes.add_collection(lines)


def _draw_axes(axes: Axes, coordinates: list[Coordinate]) -> None:
    for at, one in enumerate(coordinates):
        axes.axvline(at, color=BLACK, linewidth=0.9, zorder=5)
        for place, text in one.marks:
            axes.text(
                at + 0.02, place, text, fontsize=9, va="center", ha="left", zorder=6,
                bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.6},
            )  # fmt: skip
    axes.set_xticks(range(len(coordinates)), [one.label for one in coordinates])
    axes.set_yticks([])
    axes.set_xlim(-0.1, len(coordinates) - 0.7)
    axes.set_ylim(-0.05, 1.05)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(axis="x", length=0)
