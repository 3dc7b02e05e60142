"""All designs by their first two objectives, with the front and its knee.

A third objective is the colour of the points on the front: then the front is that of all three,
and points that seem to be beaten in the picture are better in the third.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import LogNorm, Normalize

from npusim.report.names import shortened
from npusim.report.plots.style import (
    BLACK,
    BLUE,
    LIGHT_GREY,
    SINGLE,
    VERMILLION,
    Plot,
    new_figure,
    settings,
)
from npusim.sweep.plots.axes import Shown, counted, design, set_axis, shown_objective
from npusim.sweep.summary import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

COLOURS = "viridis"
"""Ordered by lightness, so it can be read without colours."""
LABEL_WIDTH = 56
"""Letters of the knee's fields that the legend has room for on the page of all plots."""


def figure(found: Summary) -> Plot:
    """The scatter plot of `found`."""
    with settings():
        page = new_figure(SINGLE)
        draw(page, found, f"Designs and their front: {counted(found)}")
    return page


def draw(target: FigureBase, found: Summary, title: str) -> None:
    """Draw into `target`; with one objective only, the points stand in their order."""
    axes = target.subplots()
    axes.set_title(title)
    shown = [shown_objective(found, name) for name in found.objectives[:3]]
    if len(shown) == 1:
        place = np.arange(found.points, dtype=np.float64)
        axes.set_xlabel("point")
        axes.set_xlim(-1, found.points)
    else:
        place = shown[0].values
        set_axis(axes, "x", shown[0])
    height = shown[min(1, len(shown) - 1)]
    set_axis(axes, "y", height)
    axes.grid(which="major")
    front = np.array(found.front)
    others = np.setdiff1d(np.flatnonzero(np.isfinite(height.values)), front)
    axes.scatter(
        place[others], height.values[others], s=12, color=LIGHT_GREY, linewidths=0,
        label=f"others ({len(others):,})", rasterized=len(others) > 5000,
    )  # fmt: skip
    _draw_front(target, axes, front, place, shown)
    _draw_knee(axes, found, place, height)
    target.legend(loc="outside lower left", ncols=3, handletextpad=0.4, columnspacing=1.2)


def _draw_front(
    target: FigureBase, axes: Axes, front: np.ndarray, place: np.ndarray, shown: list[Shown]
) -> None:
    """Points of the front: joined by steps where they are a line, coloured by a third objective."""
    height = shown[min(1, len(shown) - 1)].values
    label = f"front ({len(front):,})"
    if len(shown) < 3:
        axes.scatter(place[front], height[front], s=26, color=BLUE, zorder=4, label=label)
    if len(shown) == 2:
        order = front[np.argsort(place[front], kind="stable")]
        steps = "steps-pre" if shown[0].objective.maximised else "steps-post"
        axes.plot(place[order], height[order], color=BLUE, drawstyle=steps, linewidth=1.2)
    if len(shown) == 3:
        third = shown[2]
        colours = third.values[front]
        norm = (LogNorm if third.logarithmic else Normalize)(colours.min(), colours.max())
        points = axes.scatter(
            place[front], height[front], s=30, c=colours, cmap=COLOURS, norm=norm, zorder=4,
            edgecolors=BLACK, linewidths=0.4, label=label,
        )  # fmt: skip
        bar = target.colorbar(points, ax=axes, pad=0.02)
        set_axis(bar.ax, "y", third)


def _draw_knee(axes: Axes, found: Summary, place: np.ndarray, height: Shown) -> None:
    if found.knee is None:
        return
    at = place[found.knee], height.values[found.knee]
    axes.scatter(
        *at, s=170, marker="o", facecolors="none", edgecolors=VERMILLION, linewidths=2.2, zorder=5,
        label=f"knee: {shortened(design(found, found.knee), LABEL_WIDTH)}",
    )  # fmt: skip
