"""All plots of a sweep on a page."""

from __future__ import annotations

from npusim.errors import UsageError
from npusim.report.plots.style import PAGE, Plot, new_figure, settings
from npusim.sweep.plots import heat_map, parallel, scatter
from npusim.sweep.plots.axes import counted, design, figures
from npusim.sweep.summary import Summary


def figure(found: Summary) -> Plot:
    """Front and heat map above, parallel coordinates below; no heat map without two fields."""
    with settings():
        page = new_figure(PAGE)
        page.suptitle(_headline(found), ha="left", x=0.01, fontsize=12)
        halves = page.subfigures(2, 1, height_ratios=(1.15, 1.0), squeeze=False)
        above, below = halves.ravel()
        try:
            fields = heat_map.chosen(found)
        except UsageError:
            scatter.draw(above, found, "Designs and their front")
        else:
            left, right = above.subfigures(1, 2, wspace=0.03, squeeze=False).ravel()
            scatter.draw(left, found, "Designs and their front")
            heat_map.draw(right, found, found.objectives[0], fields)
        parallel.draw(below, found, "From fields to objectives")
    return page


def _headline(found: Summary) -> str:
    if found.knee is None:
        return counted(found)
    return f"{counted(found)}; knee: {design(found, found.knee)}\n{figures(found, found.knee)}"
