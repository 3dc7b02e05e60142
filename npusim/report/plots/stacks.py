"""A bar for the whole network, and one for each of its layers or blocks, stacked from parts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from npusim.report.names import words
from npusim.report.plots.groups import Group, groups_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

SMALL = 0.005
"""Parts below this share of the total are drawn together, as `other`."""
ROOM_FOR_TEXT = 0.07
"""A part of the whole network that is wider than this says its share."""
ROOM_FOR_SHARES = 1.18
"""Length of the axis by the longest bar."""
OTHER = "other"
EDGE: Mapping[str, Any] = {"edgecolor": "white", "linewidth": 0.4}


@dataclass(frozen=True)
class Stacks:
    """What to draw: a part's name to its amount in each layer, in base units.

    `unit` gives the size of the unit for a bar of some length, and the axis's label for it; `total`
    says the sum in words.
    """

    title: str
    unit: Callable[[float], tuple[float, str]]
    total: str
    names: Sequence[str]
    parts: Mapping[str, Sequence[float]]
    colours: Mapping[str, str]


def draw_stacks(figure: FigureBase, stacks: Stacks, most: int) -> None:
    """Draw into `figure` the whole network above, below it `most` of its layers or blocks."""
    parts = _with_small_ones_together(stacks.parts)
    colours = {**stacks.colours, OTHER: "#EEEEEE"}
    amounts = [math.fsum(x[at] for x in parts.values()) for at in range(len(stacks.names))]
    groups = groups_of(stacks.names, amounts, most)
    above, below = figure.subplots(2, 1, height_ratios=[1, len(groups) + 0.5])
    _draw_total(above, parts, colours, stacks.total)
    above.set_title(stacks.title)
    longest = max((math.fsum(amounts[at] for at in group.layers) for group in groups), default=0.0)
    size, label = stacks.unit(longest)
    _draw_groups(below, parts, colours, groups, size)
    below.set_yticks(range(len(groups)), [group.label for group in groups])
    several = any(len(group.layers) > 1 and group.label.endswith(")") for group in groups)
    below.set_xlabel(f"{label}; (n): n layers together" if several else label)
    if parts:
        below.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), handlelength=1.0)


def _with_small_ones_together(parts: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    sums = {name: math.fsum(amounts) for name, amounts in parts.items()}
    total = math.fsum(sums.values())
    small = [name for name, amount in sums.items() if 0 < amount < SMALL * total]
    together = small if len(small) > 1 else []
    found = {name: list(parts[name]) for name in sums if sums[name] > 0 and name not in together}
    if together:
        found[OTHER] = [math.fsum(x) for x in zip(*(parts[name] for name in small), strict=True)]
    return found


def _draw_total(
    axes: Axes, parts: Mapping[str, Sequence[float]], colours: Mapping[str, str], total: str
) -> None:
    """All layers in one bar of full width, with the shares of its larger parts."""
    sums = {name: math.fsum(amounts) for name, amounts in parts.items()}
    whole = math.fsum(sums.values()) or 1.0
    left = 0.0
    for name, amount in sums.items():
        share = amount / whole
        axes.barh(0, share, 0.8, left, color=colours[name], **EDGE)
        if share > ROOM_FOR_TEXT:
            axes.text(
                left + share / 2, 0, f"{100 * share:.0f} %", ha="center", va="center",
                color=ink_on(colours[name]), fontsize=9,
            )  # fmt: skip
        left += share
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.5, 0.5)
    axes.set_yticks([0], [total])
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _draw_groups(
    axes: Axes, parts: Mapping[str, Sequence[float]], colours: Mapping[str, str],
    groups: Sequence[Group], size: float,
) -> None:  # fmt: skip
    """One bar a group of layers, with its share of the network at its end."""
    left = [0.0] * len(groups)
    for name, amounts in parts.items():
        widths = [math.fsum(amounts[at] for at in group.layers) / size for group in groups]
        axes.barh(
            range(len(groups)), widths, 0.8, left, color=colours[name], label=words(name), **EDGE
        )
        left = [start + width for start, width in zip(left, widths, strict=True)]
    whole = math.fsum(left) or 1.0
    for at, end in enumerate(left):
        text = f" {100 * end / whole:.1f} %"
        axes.text(end, at, text, va="center", fontsize=8, color="#444444")
    axes.set_ylim(len(groups) - 0.4, -0.6)
    axes.set_xlim(0, ROOM_FOR_SHARES * max(left, default=0.0) or 1.0)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=6)


def ink_on(colour: str) -> str:
    """Black or white, whichever can be read on `colour` (`#RRGGBB`; ITU-R BT.601 luma)."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "white"
