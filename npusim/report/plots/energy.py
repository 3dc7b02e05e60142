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
    """Draw into `target`, with a bar for each of the `most` layers that take the most energy."""
    layers = report.layers
    unit = scale_for(max((layer.energy_j for layer in layers), default=0.0), ENERGY_J)
    parts = {
        part: [layer.energy_j_by_part[part] / unit.size for layer in layers]
        for part in PART_COLOURS
    }
    stacks = Stacks(
        title=title,
        axis=f"energy, {unit.unit.replace('u', 'µ')}",
        total=f"whole network, {shown(report.total.energy_j, ENERGY_J).replace('u', 'µ')}",
        names=layer_names(report),
        parts=parts,
        colours=PART_COLOURS,
    )
    draw_stacks(target, stacks, most)
