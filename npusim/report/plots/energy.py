"""Energy by part: where the joules go, in the whole network and layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npusim.report.plots.stacks import Stacks, draw_stacks
from npusim.report.plots.style import (
    PART_COLOURS,
    SINGLE,
    Plot,
    layer_names,
    new_figure,
    settings,
    subject,
)
from npusim.report.quantities import ENERGY_J, scale_for, shown

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

    from npusim.report.types import Findings

MOST_LAYERS = 20


def figure(report: Findings) -> Plot:
    """Energy by part of `report`."""
    with settings():
        page = new_figure(SINGLE)
        draw(page, report, f"Energy by part: {subject(report)}", MOST_LAYERS)
    return page


def draw(target: FigureBase, report: Findings, title: str, most: int) -> None:
    """Draw into `target`, with bars for at most `most` layers or blocks, and the rest."""
    stacks = Stacks(
        title=title,
        unit=_unit,
        total=f"whole network, {shown(report.total.energy_j, ENERGY_J).replace('u', 'µ')}",
        names=layer_names(report),
        parts={
            part: [layer.energy_j_by_part[part] for layer in report.layers] for part in PART_COLOURS
        },
        colours=PART_COLOURS,
    )
    draw_stacks(target, stacks, most)


def _unit(longest: float) -> tuple[float, str]:
    unit = scale_for(longest, ENERGY_J)
    return unit.size, f"energy, {unit.unit.replace('u', 'µ')}"
