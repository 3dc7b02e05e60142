"""A search for precisions as a picture: quality over cost, as measured."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from npusim.report.plots.style import (
    BLUE,
    DARK_GREY,
    ORANGE,
    VERMILLION,
    Plot,
    new_figure,
    settings,
)
from npusim.report.quantities import BYTES, ENERGY_J, TIME_S, scale_for

if TYPE_CHECKING:
    from npusim.quantize.tuning.tuned import Point, Tuned

SIZE = (7.2, 4.6)
"""Inches."""
QUALITIES = {
    "sqnr": (1.0, "SQNR of the outputs, dB"),
    "agreement": (100.0, "samples that agree with float32, %"),
    "accuracy": (100.0, "accuracy, %"),
}
COSTS = {"latency": TIME_S, "energy": ENERGY_J, "size": BYTES}
LOOKS = {
    "exact": ("o", BLUE, "exact search"),
    "greedy": ("^", ORANGE, "greedy search"),
    "everywhere": ("s", VERMILLION, "one format everywhere"),
}
"""Marker, colour and words for who proposed a point."""


def figure(tuned: Tuned) -> Plot:
    """Every point that was executed, and a line through those of the front."""
    factor, label = QUALITIES[tuned.quality]
    costs = [point.measured.cost(tuned.against) for point in tuned.points]
    scale = scale_for(min(costs), COSTS[tuned.against])

    def place(point: Point) -> tuple[float, float]:
        cost = point.measured.cost(tuned.against)
        return cost / scale.size, factor * point.measured.quality(tuned.quality)

    with settings():
        page = new_figure(SIZE)
        axes = page.subplots()
        front = [place(point) for point in tuned.front]
        axes.plot(
            *zip(*front, strict=True), drawstyle="steps-post", color=DARK_GREY, linewidth=1,
            label="front",
        )  # fmt: skip
        for how, (marker, colour, words) in LOOKS.items():
            found = [place(x) for x in tuned.points if x.how == how]
            shown = [(x, y) for x, y in found if math.isfinite(y)]
            if shown:
                axes.plot(
                    *zip(*shown, strict=True), marker, color=colour, label=words, markersize=6,
                    markeredgecolor="white",
                )  # fmt: skip
        for point in tuned.points:
            if point.everywhere is not None:
                axes.annotate(
                    point.everywhere, place(point), xytext=(5, -11), textcoords="offset points",
                    fontsize=8, color=DARK_GREY,
                )  # fmt: skip
        axes.set_xlabel(f"{tuned.against}, {scale.unit.replace('u', 'µ')}")
        axes.set_ylabel(label)
        axes.set_title(f"{tuned.model} on {tuned.hardware}")
        axes.grid()
        axes.legend(loc="lower right")
    return page
