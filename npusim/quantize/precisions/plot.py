"""A study of precisions as a picture: where time and energy go in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from npusim.report.names import words
from npusim.report.plots.stacks import EDGE
from npusim.report.plots.style import (
    CAUSE_COLOURS,
    PART_COLOURS,
    Plot,
    new_figure,
    settings,
)
from npusim.report.quantities import ENERGY_J, TIME_S, Scale, scale_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from npusim.quantize.precisions.study import PrecisionStudy

SIZE = (10.0, 4.6)
"""Inches."""
LITTLE = 0.01
"""Parts below this share of every bar are not named."""


def figure(study: PrecisionStudy) -> Plot:
    """Latency by cause, and energy by part, of an inference in each precision that can run."""
    rows = list(study.costed.values())
    with settings():
        page = new_figure(SIZE)
        left, right = page.subplots(1, 2)
        names = [row.name for row in rows]
        totals = [row.total for row in rows if row.total is not None]
        shares = [
            {cause: total.latency_s * cycles / (total.cycles or 1) for cause, cycles in
             total.cycles_by_cause.items()}
            for total in totals
        ]  # fmt: skip
        _draw(left, names, shares, CAUSE_COLOURS, TIME_S, "latency")
        _draw(right, names, [x.energy_j_by_part for x in totals], PART_COLOURS, ENERGY_J, "energy")
        page.suptitle(f"{study.model} on {study.hardware}")
    return page


def _draw(
    axes: Axes, names: Sequence[str], bars: Sequence[Mapping[str, float]],
    colours: Mapping[str, str], scales: tuple[Scale, ...], what: str,
) -> None:  # fmt: skip
    """A stacked bar a precision."""
    longest = max((sum(bar.values()) for bar in bars), default=0.0)
    scale = scale_for(longest, scales)
    left = [0.0] * len(bars)
    for part, colour in colours.items():
        widths = [bar.get(part, 0.0) / scale.size for bar in bars]
        if not any(widths):
            continue
        large = max(widths) * scale.size > LITTLE * longest
        label = words(part) if large else f"_{part}"
        axes.barh(range(len(bars)), widths, 0.8, left, color=colour, label=label, **EDGE)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    axes.set_yticks(range(len(bars)), names)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.set_xlabel(f"{what} of an inference, {scale.unit.replace('u', 'µ')}")
    axes.legend(loc="lower right", handlelength=1.0, fontsize=8)
