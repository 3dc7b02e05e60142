"""Roofline (Williams, Waterman, Patterson, CACM 2009): layers under the roofs of array and DRAM.

    attainable = min(peak, operations per DRAM byte x DRAM bandwidth)

A layer's performance is 2 x MACs over the longest of three times: its share of the latency, its
time on the array, its bytes at the DRAM's full rate. So work that is hidden behind a neighbour's
counts with the time that it took, and no layer is above a roof.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import ScaledTranslation

from npusim.report.build import OPS_PER_MAC
from npusim.report.plots.style import (
    BLACK,
    BOUND_COLOURS,
    SINGLE,
    Plot,
    layer_names,
    new_figure,
    settings,
    subject,
)
from npusim.report.quantities import significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

    from npusim.report.types import Findings, Layer

LABELLED = 5
"""Layers that are named: those with the most cycles."""
LARGEST_MARKER = 900.0
"""Area in square points of a layer that is the whole latency."""
SMALLEST_MARKER = 14.0
SHORT_AXIS = 200.0
"""An axis that spans less than this factor has marks between the powers of ten."""
EDGE_ROOM = 1.4
"""The right end of the axis, over the place of layers without DRAM traffic."""
POINTS_WIDE, POINTS_HIGH = 360.0, 300.0
"""Size of the axes, in points, as far as numbers must not overlap."""


@dataclass(frozen=True)
class Point:
    """A layer: operations per DRAM byte (None: no DRAM traffic), TOPS, its share of the latency."""

    name: str
    intensity: float | None
    tops: float
    share: float
    bound_by: str


def figure(report: Findings) -> Plot:
    """Roofline of `report`."""
    with settings():
        page = new_figure(SINGLE)
        draw(page, report, f"Roofline: {subject(report)}", LABELLED)
    return page


def points_of(report: Findings) -> list[Point]:
    """The layers that have MACs, the slowest first."""
    names = layer_names(report)
    pairs = [pair for pair in zip(report.layers, names, strict=True) if pair[0].macs]
    pairs.sort(key=lambda pair: -pair[0].cycles)
    return [_point(report, layer, name) for layer, name in pairs]


def _point(report: Findings, layer: Layer, name: str) -> Point:
    hardware = report.hardware
    moved = layer.dram_read_bytes + layer.dram_write_bytes
    cycles = max(layer.cycles, layer.array_busy_cycles)
    seconds = max(cycles / hardware.clock_hz, moved / hardware.dram_bytes_per_s)
    operations = OPS_PER_MAC * layer.macs
    return Point(
        name, operations / moved if moved else None,
        operations / seconds / 1e12 if seconds else 0.0,
        layer.cycles / (report.total.cycles or 1), layer.bound_by,
    )  # fmt: skip


def draw(target: FigureBase, report: Findings, title: str, labelled: int) -> None:
    """Draw into `target`, with the names of the `labelled` slowest layers."""
    axes = target.subplots()
    axes.set_title(title)
    points = points_of(report)
    total = report.total
    peak = total.tops_peak[total.dominant_format]
    slope = report.hardware.dram_bytes_per_s / 1e12
    _set_limits(axes, points, peak, slope)
    _draw_roofs(axes, report, peak, slope)
    _draw_points(axes, points)
    _number_points(axes, points[:labelled])
    _draw_legend(axes, points, labelled)
    axes.set_xlabel(_x_label(report, points))
    axes.set_ylabel("performance, TOPS")


def _x_label(report: Findings, points: Sequence[Point]) -> str:
    label = "operations per DRAM byte\narea of a point: share of the latency"
    if any(point.intensity is None for point in points):
        label += "; triangles: no DRAM traffic"
    rest = sum(layer.cycles for layer in report.layers if not layer.macs)
    share = rest / (report.total.cycles or 1)
    if share >= 0.0005:
        label += f"\nnot shown: layers without MACs, {100 * share:.1f} % of it"
    return label


def _set_limits(axes: Axes, points: Sequence[Point], peak: float, slope: float) -> None:
    """Both axes logarithmic, around the ridge and all points; room on the right for the edge."""
    ridge = peak / slope
    xs = [point.intensity for point in points if point.intensity] + [ridge]
    ys = [point.tops for point in points if point.tops > 0] + [peak]
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(min(xs) / 2.5, max(xs) * 2 * EDGE_ROOM)
    axes.set_ylim(min(*ys, peak / 30) / 2, peak * 2)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.9g}"))
        axis.set_minor_formatter(NullFormatter())
        low, high = axis.get_view_interval()
        if high < low * SHORT_AXIS:
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.grid(which="major")


def _draw_roofs(axes: Axes, report: Findings, peak: float, slope: float) -> None:
    left, right = axes.get_xlim()
    ridge = peak / slope
    axes.plot([left, ridge, right], [left * slope, peak, peak], color=BLACK, linewidth=1.6)
    total, hardware = report.total, report.hardware
    axes.text(
        right, peak * 1.08, f"array, {significant(peak)} TOPS {total.dominant_format} ",
        ha="right", va="bottom", fontsize=9,
    )  # fmt: skip
    bottom = axes.get_ylim()[0]
    at = max(left, bottom / slope) * 1.2
    above = ScaledTranslation(-7 / 72, 7 / 72, axes.figure.dpi_scale_trans)
    axes.text(
        at, at * slope, f"DRAM, {significant(hardware.dram_bytes_per_s / 1e9)} GB/s",
        rotation=math.degrees(math.atan(slope)), transform_rotates_text=True,
        transform=axes.transData + above, rotation_mode="anchor", va="bottom", fontsize=9,
    )  # fmt: skip


def _draw_points(axes: Axes, points: Sequence[Point]) -> None:
    """Markers in the colour of what bounds a layer, their area by its share of the latency."""
    edge = axes.get_xlim()[1] / EDGE_ROOM
    for point in points:
        if point.tops <= 0:
            continue
        axes.scatter(
            [edge if point.intensity is None else point.intensity], [point.tops],
            s=_area(point), marker=">" if point.intensity is None else "o",
            color=BOUND_COLOURS[point.bound_by], edgecolors="white", linewidths=0.6, alpha=0.9,
            zorder=3,
        )  # fmt: skip


def _area(point: Point) -> float:
    return SMALLEST_MARKER + LARGEST_MARKER * point.share


def _number_points(axes: Axes, points: Sequence[Point]) -> None:
    """A number at each of `points`, moved aside where another number is."""
    edge = axes.get_xlim()[1] / EDGE_ROOM
    taken: list[tuple[float, float]] = []
    for number, point in enumerate(points, start=1):
        x = edge if point.intensity is None else point.intensity
        place = axes.transAxes.inverted().transform(axes.transData.transform((x, point.tops)))
        aside = 0.5 * math.sqrt(_area(point)) + 6
        dx, dy = next(
            (
                (dx, dy) for dx, dy in ((aside, -4), (-aside, -4), (0, -aside), (0, aside))
                if all(_apart(place, dx, dy, other) for other in taken)
            ),
            (0, aside),
        )  # fmt: skip
        taken.append((place[0] + dx / POINTS_WIDE, place[1] + dy / POINTS_HIGH))
        axes.annotate(
            str(number), (x, point.tops), (dx, dy), textcoords="offset points", ha="center",
            va="center", fontsize=9, fontweight="bold", zorder=4,
        )  # fmt: skip


def _apart(place: np.ndarray, dx: float, dy: float, other: tuple[float, float]) -> bool:
    across = abs(place[0] + dx / POINTS_WIDE - other[0]) * POINTS_WIDE
    up = abs(place[1] + dy / POINTS_HIGH - other[1]) * POINTS_HIGH
    return bool(across > 9 or up > 11)


def _draw_legend(axes: Axes, points: Sequence[Point], labelled: int) -> None:
    """Numbers with their layers, then colours with what they say."""
    found = dict.fromkeys(BOUND_COLOURS, 0.0)
    for point in points:
        found[point.bound_by] += point.share
    bounds = [word for word in BOUND_COLOURS if found[word] > 0]
    dots = [
        Line2D([], [], marker="o", linestyle="", color=BOUND_COLOURS[word], label=word)
        for word in bounds
    ]
    colours = axes.legend(
        handles=dots, title="bound by", loc="upper left",
        bbox_to_anchor=(1.0, 1.0), alignment="left", handlelength=1.0,
    )  # fmt: skip
    axes.add_artist(colours)
    slowest = [
        Line2D([], [], linestyle="", label=f"{at}  {point.name}, {100 * point.share:.1f} %")
        for at, point in enumerate(points[:labelled], start=1)
    ]
    axes.legend(
        handles=slowest, title="slowest layers", loc="lower left", bbox_to_anchor=(1.0, 0.0),
        alignment="left", handlelength=0.0, handletextpad=0.0,
    )  # fmt: skip
