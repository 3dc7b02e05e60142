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

from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import ScaledTranslation

from npusim.report.names import shortened
from npusim.report.plots.style import (
    BLACK,
    BOUND_COLOURS,
    NAME_WIDTH,
    SINGLE,
    Plot,
    layer_names,
    new_figure,
    settings,
    subject,
)
from npusim.report.quantities import significant
from npusim.report.totals import OPS_PER_MAC

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
SAME_SPOT = 10.0
"""Points that are nearer than this, in points, share a text."""


@dataclass(frozen=True)
class Point:
    """A layer: operations per DRAM byte (None: no DRAM traffic), TOPS, its share of the latency."""

    name: str
    intensity: float | None
    tops: float
    share: float
    bound_by: str


@dataclass(frozen=True)
class Spot:
    """Labelled points that lie on each other: their place in points, and in data; their numbers."""

    place: tuple[float, float]
    at: tuple[float, float]
    radius: float
    numbers: list[int]


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
    alike: dict[tuple[str, bool], list[Point]] = {}
    for point in points:
        if point.tops > 0:
            alike.setdefault((point.bound_by, point.intensity is None), []).append(point)
    for (bound_by, at_edge), some in alike.items():
        axes.scatter(
            [point.intensity or edge for point in some], [point.tops for point in some],
            s=[_area(point) for point in some], marker=">" if at_edge else "o",
            color=BOUND_COLOURS[bound_by], edgecolors="white", linewidths=0.6, alpha=0.9, zorder=3,
        )  # fmt: skip


def _area(point: Point) -> float:
    return SMALLEST_MARKER + LARGEST_MARKER * point.share


def _number_points(axes: Axes, points: Sequence[Point]) -> None:
    """Numbers beside `points`; those that lie on each other share a text."""
    edge = axes.get_xlim()[1] / EDGE_ROOM
    spots: list[Spot] = []
    for number, point in enumerate(points, start=1):
        x = edge if point.intensity is None else point.intensity
        across, up = axes.transAxes.inverted().transform(axes.transData.transform((x, point.tops)))
        place = float(across) * POINTS_WIDE, float(up) * POINTS_HIGH
        spot = next((one for one in spots if math.dist(one.place, place) < SAME_SPOT), None)
        if spot is None:
            spots.append(Spot(place, (x, point.tops), 0.5 * math.sqrt(_area(point)), [number]))
        else:
            spot.numbers.append(number)
    taken: list[tuple[float, float, float]] = []
    for spot in spots:
        text = _listed(spot.numbers)
        dx, dy = _free_side(spot, 3.2 * len(text), taken)
        taken.append((spot.place[0] + dx, spot.place[1] + dy, 3.2 * len(text)))
        axes.annotate(
            text, spot.at, (dx, dy), textcoords="offset points", ha="center", va="center",
            fontsize=9, fontweight="bold", zorder=4,
        )  # fmt: skip


def _free_side(
    spot: Spot, half: float, taken: Sequence[tuple[float, float, float]]
) -> tuple[float, float]:
    """Where a text of twice `half` points goes: the first side that no other text is on."""
    aside = spot.radius + 3
    sides = ((aside + half, -4.0), (-aside - half, 4.0), (0.0, -aside - 5), (0.0, aside + 5))
    for dx, dy in sides:
        x, y = spot.place[0] + dx, spot.place[1] + dy
        if all(abs(x - left) > half + width or abs(y - low) > 11 for left, low, width in taken):
            return dx, dy
    return sides[0]


def _described(point: Point) -> str:
    return f"{shortened(point.name, NAME_WIDTH)}, {100 * point.share:.1f} %"


def _listed(numbers: Sequence[int]) -> str:
    """Ascending numbers as text, three or more in a row as a range.

    >>> _listed([1, 2, 3]), _listed([1, 3])
    ('1-3', '1, 3')
    """
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]}-{numbers[-1]}"
    return ", ".join(map(str, numbers))


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
        Line2D(
            [],
            [],
            linestyle="",
            label=f"{at}  {_described(point)}",
        )
        for at, point in enumerate(points[:labelled], start=1)
    ]
    axes.legend(
        handles=slowest, title="slowest layers", loc="lower left", bbox_to_anchor=(1.0, 0.0),
        alignment="left", handlelength=0.0, handletextpad=0.0,
    )  # fmt: skip
