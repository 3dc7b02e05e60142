"""Which layers share a bar: a long network is shown block by block, as its names tell the blocks.

Names are cut at `/` and `.`: `layer1.0.conv2` belongs to the block `layer1.0` and that to `layer1`.
The finest blocks of which there are few enough are taken; where these would be too coarse, the
costliest of the next finer ones, and the others as one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from npusim.report.names import shortened
from npusim.report.plots.style import NAME_WIDTH, costliest

TOO_COARSE = 0.5
"""A block of several layers that has more than this share of the whole says too little."""


@dataclass(frozen=True)
class Group:
    """Layers of one bar, by index; `label` says how many where it is more than one."""

    label: str
    layers: tuple[int, ...]


def groups_of(names: Sequence[str], amounts: Sequence[float], most: int) -> list[Group]:
    """At most `most` groups in network order, and one more for all others if needed.

    `names` [layers] as `style.layer_names` gives them, `amounts` [layers] say what is costly.
    """
    parts = [tuple(part for part in re.split(r"[/.]", name) if part) or (name,) for name in names]
    if len(names) <= most + 1:
        return [Group(shortened(name, NAME_WIDTH), (at,)) for at, name in enumerate(names)]
    finer = _blocks(parts, names, max(map(len, parts)))
    blocks = finer
    for depth in range(max(map(len, parts)) - 1, 0, -1):
        if len(blocks) <= most + 1:
            break
        finer, blocks = blocks, _blocks(parts, names, depth)
    blocks = finer if _too_coarse(blocks, amounts) else blocks
    costs = [sum(amounts[at] for at in group.layers) for group in blocks]
    kept, others = costliest(costs, most)
    rest = tuple(at for group in others for at in blocks[group].layers)
    chosen = [blocks[at] for at in kept]
    return [*chosen, Group(f"{len(rest)} other layers", rest)] if rest else chosen


def _too_coarse(blocks: Sequence[Group], amounts: Sequence[float]) -> bool:
    several = [sum(amounts[at] for at in one.layers) for one in blocks if len(one.layers) > 1]
    return max(several, default=0.0) > TOO_COARSE * sum(amounts)


def _blocks(
    parts: Sequence[tuple[str, ...]], names: Sequence[str], depth: int
) -> list[Group]:  # fmt: skip
    """Layers whose names begin with the same `depth` parts, in the order of their first one."""
    found: dict[tuple[str, ...], list[int]] = {}
    for at, own in enumerate(parts):
        found.setdefault(own[:depth], []).append(at)
    return [_group(names, layers, depth) for layers in found.values()]


def _group(names: Sequence[str], layers: Sequence[int], depth: int) -> Group:
    """A block; one layer keeps its own name, several the part of it that they share."""
    first = names[layers[0]]
    if len(layers) == 1:
        return Group(shortened(first, NAME_WIDTH), tuple(layers))
    shared = re.match(rf"[/.]*(?:[^/.]+[/.]+){{{depth - 1}}}[^/.]+", first)
    count = f" ({len(layers)})"
    label = shared.group(0).lstrip("/.") if shared else first
    return Group(shortened(label, NAME_WIDTH - len(count)) + count, tuple(layers))
