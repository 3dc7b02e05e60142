"""What all plots share: colours, fonts, names of layers, and how a figure becomes a file.

Colours are those of Okabe and Ito (Color Universal Design, 2008), which colour-blind readers can
tell apart, with lighter and darker tones for causes of one group. A cause has one colour in every
plot.
"""

from __future__ import annotations

import io
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import style
from matplotlib.figure import Figure

from npusim.report.names import shortened
from npusim.report.summary import printable, telling
from npusim.report.types import Findings

BLUE, SKY, GREEN, VERMILLION = "#0072B2", "#56B4E9", "#009E73", "#D55E00"
ORANGE, YELLOW, PURPLE, BLACK = "#E69F00", "#F0E442", "#CC79A7", "#000000"
LIGHT_SKY, LIGHT_GREEN, LIGHT_VERMILLION = "#B5DDF5", "#80CEB9", "#EAAE7F"
DARK_VERMILLION, LIGHT_PURPLE = "#8A3D00", "#E5BCD3"
GREY, LIGHT_GREY, DARK_GREY = "#8C8C8C", "#C8C8C8", "#555555"

CAUSE_COLOURS = {
    "compute": BLUE,
    "array_edges": SKY,
    "array_fill": LIGHT_SKY,
    "weight_load": DARK_VERMILLION,
    "wait_weights": VERMILLION,
    "wait_inputs": ORANGE,
    "wait_output_buffer": YELLOW,
    "vector": GREEN,
    "postprocess": LIGHT_GREEN,
    "memory_latency": PURPLE,
    "dma_setup": LIGHT_PURPLE,
    "core_sync": GREY,
    "dispatch": LIGHT_GREY,
    "conversion": DARK_GREY,
    "host_link": DARK_GREY,
    "host": BLACK,
}
BOUND_COLOURS = {
    "compute": BLUE,
    "array": SKY,
    "weights": VERMILLION,
    "inputs": ORANGE,
    "outputs": YELLOW,
    "vector": GREEN,
    "postprocess": LIGHT_GREEN,
    "memory latency": PURPLE,
    "dispatch": LIGHT_GREY,
    "host": BLACK,
    "none": GREY,
}
"""Words of `report.layers.BOUND_BY`, in the colour of the group's first cause."""
PART_COLOURS = {
    "mac": BLUE,
    "scratchpad": SKY,
    "sram": ORANGE,
    "dram": VERMILLION,
    "vector": GREEN,
    "postprocess": LIGHT_GREEN,
    "clock": LIGHT_GREY,
    "static": GREY,
    "dram_background": LIGHT_VERMILLION,
}

SETTINGS: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8.0,
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "hatch.linewidth": 0.5,
    "hatch.color": GREY,
    "svg.hashsalt": "npusim",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "text.parse_math": False,
    "text.usetex": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}
DOTS_PER_INCH = 150
PAGE = (13.0, 9.6)
"""Inches of the overview."""
SINGLE = (8.6, 5.6)
"""Inches of one plot."""
NAME_WIDTH = 26
_NO_DATES: Mapping[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}


class Plot(Figure):
    """A figure that a notebook shows without pyplot."""

    def _repr_png_(self) -> bytes:
        return rendered(self, "png")


def new_figure(size: tuple[float, float]) -> Plot:
    """An empty figure of `size` inches; drawing belongs inside `settings()`."""
    return Plot(figsize=size, layout="constrained")


def settings() -> Any:
    """Context in which this module's settings hold, whatever the user's own are."""
    return style.context(["default", SETTINGS])


def rendered(figure: Figure, kind: str) -> bytes:
    """The bytes of `figure` as png, svg or pdf, without dates; missing glyphs become boxes."""
    data = io.BytesIO()
    with settings(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(data, format=kind, dpi=DOTS_PER_INCH, metadata=dict(_NO_DATES[kind]))
    return data.getvalue()


def layer_names(report: Findings) -> list[str]:
    """The layers' names, without what tells nothing."""
    return beginnings(telling([printable(layer.name) for layer in report.layers]))


def beginnings(names: Sequence[str]) -> list[str]:
    """Of each name the first parts, as many as no other name begins with.

    >>> beginnings(["block_1/expand/Relu6", "block_1/add", "conv/Relu6"])
    ['block_1/expand', 'block_1/add', 'conv']
    """
    split = [tuple(name.split("/")) for name in names]
    used = Counter(parts[:many] for parts in split for many in range(1, len(parts) + 1))
    found = []
    for parts in split:
        lengths = range(1, len(parts) + 1)
        many = next((many for many in lengths if used[parts[:many]] == 1), len(parts))
        found.append("/".join(parts[:many]))
    return found


def subject(report: Findings) -> str:
    """Which model on which hardware."""
    batch = f", batch {report.batch}" if report.batch > 1 else ""
    model, hardware = (printable(text) for text in (report.model.name, report.hardware.name))
    return f"{shortened(model, 40)} on {shortened(hardware, 30)}{batch}"


def costliest(amounts: Sequence[float], most: int) -> tuple[list[int], list[int]]:
    """Indices of the `most` largest amounts, and of the others, both in their order.

    One that would be left out alone is kept: the line for the others would take its place.

    >>> costliest([3.0, 1.0, 2.0, 5.0], 2)
    ([0, 3], [1, 2])
    """
    order = sorted(range(len(amounts)), key=lambda at: -amounts[at])
    kept = len(order) if len(order) <= most + 1 else most
    return sorted(order[:kept]), sorted(order[kept:])
