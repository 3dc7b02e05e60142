"""All plots of a report on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npusim.report.plots import causes, energy, memory, roofline
from npusim.report.plots.style import PAGE, Plot, new_figure, settings, subject
from npusim.report.quantities import ENERGY_J, percent, shown, significant

if TYPE_CHECKING:
    from npusim.report.types import Findings

MOST_LAYERS = 12
LABELLED = 5


def figure(report: Findings) -> Plot:
    """Causes and roofline above, energy and memory below."""
    with settings():
        page = new_figure(PAGE)
        page.suptitle(headline(report), ha="left", x=0.01, fontsize=13)
        quarters = page.subfigures(2, 2, wspace=0.03, hspace=0.03, squeeze=False)
        first, second, third, fourth = quarters.ravel()
        causes.draw(first, report, "Cycles by cause", MOST_LAYERS)
        roofline.draw(second, report, "Roofline", LABELLED)
        energy.draw(third, report, "Energy by part", MOST_LAYERS)
        memory.draw(fourth, report, "SRAM over time")
    return page


def headline(report: Findings) -> str:
    """Model, hardware and totals in a line, and whether the preset was compared to measurements."""
    total, trusted = report.total, report.confidence.preset
    known = trusted if isinstance(trusted, str) else f"{trusted['error_percent']:g} % off"
    figures = (
        f"{significant(1e3 * total.latency_s)} ms",
        f"{significant(total.tops_effective)} TOPS ({percent(total.utilization)} utilization)",
        shown(total.energy_j, ENERGY_J).replace("u", "µ"),
        f"preset {known}",
    )
    return f"{subject(report)}: {', '.join(figures)}"
