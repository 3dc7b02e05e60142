"""What plots of a sweep share: objectives as axes, and a design in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from npusim.report.quantities import Scale, significant
from npusim.report.summary import printable
from npusim.sweep.labels import knob_names, level, scale_of
from npusim.sweep.objectives import Floats, Objective, objective_of
from npusim.sweep.summary import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE = 10.0
"""An objective that spans more than this factor is shown by its logarithm."""
SHORT_AXIS = 200.0
"""A logarithmic axis that spans less than this factor has marks between the powers of ten."""


@dataclass(frozen=True)
class Shown:
    """An objective as a plot shows it: `values` [points] in `scale`, and whether by logarithm."""

    objective: Objective
    scale: Scale
    values: Floats
    logarithmic: bool

    @property
    def label(self) -> str:
        """Name and unit."""
        return f"{self.objective.label}, {self.unit}"

    @property
    def unit(self) -> str:
        """The unit as print has it."""
        return self.scale.unit.replace("mm2", "mm²").replace("uJ", "µJ").replace("us", "µs")

    @property
    def better(self) -> str:
        """Which way is better, in words."""
        return "more is better" if self.objective.maximised else "less is better"


def shown_objective(found: Summary, name: str) -> Shown:
    """Objective `name` of all points; NaN where infeasible."""
    objective = objective_of(name)
    column = np.asarray(found.columns[name], np.float64)
    scale = scale_of(objective, column)
    values = column / scale.size
    low, high = np.nanmin(values), np.nanmax(values)
    return Shown(objective, scale, values, bool(low > 0 and high > WIDE * low))


def set_axis(axes: Axes, way: Literal["x", "y"], one: Shown) -> None:
    """Label, scale and marks of the axis of `axes` that shows `one`."""
    axis = axes.xaxis if way == "x" else axes.yaxis
    axis.set_label_text(one.label)
    if not one.logarithmic:
        return
    (axes.set_xscale if way == "x" else axes.set_yscale)("log")
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.9g}"))
    axis.set_minor_formatter(NullFormatter())
    if np.nanmax(one.values) < SHORT_AXIS * np.nanmin(one.values):
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))


def design(found: Summary, row: int) -> str:
    """The fields of a point: `rows: 64, sram.size: 1 MiB`."""
    return ", ".join(
        f"{printable(label)}: {level(found.columns[field][row], found.units.get(field))}"
        for field, label in knob_names(found.knobs).items()
    )


def figures(found: Summary, row: int) -> str:
    """The objectives of a point: `latency 2.4 ms, area 6.3 mm²`."""
    texts = []
    for name in found.objectives:
        one = shown_objective(found, name)
        texts.append(f"{one.objective.label} {significant(one.values[row])} {one.unit}")
    return ", ".join(texts)


def counted(found: Summary) -> str:
    """How many points there are."""
    bad = found.points - found.feasible
    return f"{found.points:,} points" + (f", {bad:,} infeasible" if bad else "")
