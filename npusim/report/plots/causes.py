"""Cycles by cause: where the latency goes, in the whole network and layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npusim.report.plots.stacks import Stacks, draw_stacks
from npusim.report.plots.style import (
    CAUSE_COLOURS,
    SINGLE,
    Plot,
    layer_names,
    new_figure,
    settings,
    subject,
)
from npusim.report.quantities import COUNT, scale_for

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

    from npusim.report.types import Findings

MOST_LAYERS = 20
WORDS = {"G": "billions of cycles", "M": "millions of cycles", "k": "thousands of cycles"}


def figure(report: Findings) -> Plot:
    """Cycles by cause of `report`."""
    with settings():
        page = new_figure(SINGLE)
        draw(page, report, f"Cycles by cause: {subject(report)}", MOST_LAYERS)
    return page


def draw(target: FigureBase, report: Findings, title: str, most: int) -> None:
    """Draw into `target`, with bars for at most `most` layers or blocks, and the rest."""
    stacks = Stacks(
        title=title,
        unit=_unit,
        total="whole network",
        names=layer_names(report),
        parts={
            cause: [layer.cycles_by_cause[cause] for layer in report.layers]
            for cause in CAUSE_COLOURS
        },
        colours=CAUSE_COLOURS,
    )
    draw_stacks(target, stacks, most)


def _unit(longest: float) -> tuple[float, str]:
    unit = scale_for(longest, COUNT)
    return unit.size, WORDS.get(unit.unit, "cycles")
