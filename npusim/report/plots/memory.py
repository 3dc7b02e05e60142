"""Memory over time: what lies in SRAM while the network runs, layer after layer."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from npusim.report.plots.style import (
    BLACK,
    LIGHT_VERMILLION,
    ORANGE,
    SINGLE,
    SKY,
    VERMILLION,
    Plot,
    new_figure,
    settings,
    subject,
)
from npusim.report.quantities import BYTES, Scale, scale_for, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

    from npusim.report.types import Findings

HELD = {
    "weights_bytes": ("weights that stay", VERMILLION, ""),
    "tensors_bytes": ("feature maps that stay", SKY, ""),
    "holes_bytes": ("lost between them", "#F4F4F4", "////"),
    "buffers_bytes": ("buffers of tiles", ORANGE, ""),
    "reserved_bytes": ("free for the next layer", "#F4F4F4", "...."),
    "early_weights_bytes": ("next layer's weights", LIGHT_VERMILLION, ""),
}
"""Field of `MemoryUse` to its words, colour and hatch, from the bottom up."""
TIMES = (Scale("s", 1.0), Scale("ms", 1e-3), Scale("µs", 1e-6))
"""Units of the time axis."""
LITTLE = 0.25
"""Below this share of the capacity, the axis ends at the peak."""


def figure(report: Findings) -> Plot:
    """Memory over time of `report`."""
    with settings():
        page = new_figure(SINGLE)
        draw(page, report, f"SRAM over time: {subject(report)}")
    return page


def draw(target: FigureBase, report: Findings, title: str) -> None:
    """Draw into `target`."""
    axes = target.subplots()
    axes.set_title(title)
    seconds = report.total.latency_s
    time, size = scale_for(seconds, TIMES), scale_for(_height_bytes(report), BYTES)
    clock_hz = report.hardware.clock_hz
    ends = list(accumulate(use.cycles / clock_hz / time.size for use in report.sram_use))
    _draw_uses(axes, report, [0.0, *ends], size)
    _draw_capacity(axes, report, size)
    axes.set_xlim(0, ends[-1] if ends and ends[-1] > 0 else 1)
    axes.set_xlabel(f"time, {time.unit}")
    axes.set_ylabel(f"SRAM, {size.unit}")
    axes.legend(
        *(reversed(x) for x in axes.get_legend_handles_labels()), loc="upper left",
        bbox_to_anchor=(1.0, 1.0), handlelength=1.2, reverse=False,
    )  # fmt: skip


def _draw_uses(axes: Axes, report: Findings, edges: list[float], size: Scale) -> None:
    """Stacked areas with a step at each layer's end."""
    bottom = [0.0] * len(report.sram_use)
    for field, (label, colour, hatch) in HELD.items():
        top = [
            start + getattr(use, field) / size.size
            for start, use in zip(bottom, report.sram_use, strict=True)
        ]
        if any(getattr(use, field) for use in report.sram_use):
            axes.fill_between(
                edges, [*bottom, bottom[-1]], [*top, top[-1]], step="post", facecolor=colour,
                hatch=hatch or None, label=label, linewidth=0,
            )  # fmt: skip
        bottom = top
    axes.grid(axis="y")


def _height_bytes(report: Findings) -> int:
    """What the axis must hold: the capacity, or only the peak where that is far below."""
    peak, capacity = report.total.sram_peak_bytes, report.hardware.sram_bytes
    return capacity if peak >= LITTLE * capacity else peak


def _draw_capacity(axes: Axes, report: Findings, size: Scale) -> None:
    """The line that nothing may pass, if it is in sight, and how near the peak comes to it."""
    peak, capacity = report.total.sram_peak_bytes, report.hardware.sram_bytes
    top = _height_bytes(report) / size.size
    if top * size.size == capacity:
        axes.axhline(top, color=BLACK, linewidth=1.2, linestyle="--")
    axes.set_ylim(0, 1.12 * top or 1.0)
    text = f"capacity {shown(capacity, BYTES)}; most used {shown(peak, BYTES)}, "
    text += f"{100 * peak / (capacity or 1):.0f} %"
    axes.text(
        0.995, 1.015 * top, text, transform=axes.get_yaxis_transform(), ha="right", va="bottom",
        fontsize=9,
    )  # fmt: skip
