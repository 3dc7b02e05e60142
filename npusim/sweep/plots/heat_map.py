"""The best value of an objective over two fields: each cell is the best of all other fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import LogNorm, Normalize

from npusim.errors import Problem, UsageError
from npusim.report.plots.style import (
    BLACK,
    GREY,
    SINGLE,
    Plot,
    new_figure,
    settings,
)
from npusim.report.quantities import significant
from npusim.report.summary import printable
from npusim.sweep.labels import knob_names, level, short_names
from npusim.sweep.objectives import Floats
from npusim.sweep.plots.axes import Shown, set_axis, shown_objective
from npusim.sweep.plots.scatter import COLOURS
from npusim.sweep.summary import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase
    from matplotlib.image import AxesImage

MOST_LEVELS = 40
"""Values of a field that an axis has room for."""
MOST_WRITTEN = 12
"""Values of a field up to which cells show their number."""
DARK = 0.5
"""Below this place in the colour map, text is white."""


def figure(found: Summary, objective: str | None = None, fields: tuple[str, ...] = ()) -> Plot:
    """The heat map of `objective` (the first one) over two `fields` (those that matter most)."""
    with settings():
        page = new_figure(SINGLE)
        draw(page, found, objective or found.objectives[0], fields or chosen(found, objective))
    return page


def chosen(found: Summary, objective: str | None = None) -> tuple[str, ...]:
    """The two fields that matter most to `objective` and have few enough values.

    UsageError if there are not two.
    """
    shares = found.sensitivities[objective or found.objectives[0]].shares
    ranked = [share.field.split("+")[0] for share in shares]
    ranked += [first for first, *_ in found.knobs if first not in ranked]
    few = [x for x in ranked if 1 < len(levels_of(found, x)) <= MOST_LEVELS]
    if len(few) < 2:
        what = f"a heat map needs two fields that have 2 to {MOST_LEVELS} values"
        raise UsageError(Problem("plot", what))
    return few[0], few[1]


def draw(target: FigureBase, found: Summary, objective: str, fields: tuple[str, ...]) -> None:
    """Draw into `target`; the first field goes up, the second across."""
    axes = target.subplots()
    shown = shown_objective(found, objective)
    up, across = (levels_of(found, field) for field in fields)
    best = _best(found, shown, fields, (up, across))
    others = len(found.knobs) > 2
    axes.set_title(f"Best {shown.label}" + (", over all other fields" if others else ""))
    low, high = np.nanmin(best), np.nanmax(best)
    norm = (LogNorm if low > 0 and shown.logarithmic else Normalize)(low, high)
    image = axes.imshow(best, origin="lower", aspect="auto", cmap=COLOURS, norm=norm)
    axes.set_facecolor("white")
    axes.patch.set(hatch="////", edgecolor=GREY)
    names = {**short_names(found.fields), **knob_names(found.knobs)}
    axes.set_xticks(range(len(across)), [level(x, found.units.get(fields[1])) for x in across])
    axes.set_yticks(range(len(up)), [level(x, found.units.get(fields[0])) for x in up])
    crowded = len(across) > MOST_WRITTEN
    axes.tick_params(axis="x", labelrotation=90 if crowded else 0, length=0)
    axes.tick_params(axis="y", length=0)
    note = "\nhatched: no feasible point" if np.isnan(best).any() else ""
    axes.set_xlabel(printable(names[fields[1]]) + note)
    axes.set_ylabel(printable(names[fields[0]]))
    if max(best.shape) <= MOST_WRITTEN:
        _write(axes, image, best)
    bar = target.colorbar(image, ax=axes, pad=0.02)
    set_axis(bar.ax, "y", shown)


def levels_of(found: Summary, field: str) -> list[Any]:
    """The different values of a field, ascending; texts in the order of their first point."""
    values = list(dict.fromkeys(found.columns[field].tolist()))
    numbers = all(isinstance(value, int | float) for value in values)
    return sorted(value for value in values if value == value) if numbers else values


def _best(
    found: Summary, shown: Shown, fields: tuple[str, ...], levels: tuple[list[Any], ...]
) -> Floats:
    """[levels up, levels across] the best value; NaN where no point is feasible."""
    places = [
        [own.index(value) if value in own else -1 for value in found.columns[field].tolist()]
        for field, own in zip(fields, levels, strict=True)
    ]
    best = np.full([len(own) for own in levels], np.nan)
    pick = np.fmax if shown.objective.maximised else np.fmin
    for row, (up, across) in enumerate(zip(*places, strict=True)):
        if min(up, across) >= 0:
            best[up, across] = pick(best[up, across], shown.values[row])
    return best


def _write(axes: Axes, image: AxesImage, best: Floats) -> None:
    """The number of each cell, in black or white."""
    dark = np.asarray(image.norm(best)) < DARK
    for (up, across), value in np.ndenumerate(best):
        if value == value:
            colour = "white" if dark[up, across] else BLACK
            axes.text(across, up, significant(value), ha="center", va="center", color=colour)
