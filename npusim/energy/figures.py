"""A figure of energy, power or area: its value, its unit, and how far it can be trusted.

    E(n) = E45 * (n / 45)^k,  k = ln(E45 / E7) / ln(45 / 7)

joins the two nodes that have published anchors (45 nm and 7 nm) by a straight line in logarithms.
Kinds, best first: `stated` by the description of this hardware; `published` at this node;
`interpolated` between published anchors; `derived` by arithmetic from published figures, or
extrapolated beyond them; `assumed`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["stated", "published", "interpolated", "derived", "assumed"]
KINDS: tuple[Kind, ...] = ("stated", "published", "interpolated", "derived", "assumed")

OLD_NODE_NM, NEW_NODE_NM = 45.0, 7.0
ANCHORS = (
    "45 nm: Horowitz, ISSCC 2014, Fig. 1.1.9; 7 nm: Jouppi et al., ISCA 2021 (TPUv4i), Table 2"
)


@dataclass(frozen=True)
class Figure:
    """`value` in `unit` (pJ, pJ/B, W or mm2) at `node_nm`; None: not bound to a node."""

    name: str
    value: float
    unit: str
    source: str
    kind: Kind
    node_nm: float | None = None

    def renamed(self, name: str) -> Figure:
        """The same figure under another name."""
        return replace(self, name=name)


def at_node(name: str, anchors: tuple[float, float], unit: str, node_nm: float) -> Figure:
    """The figure at `node_nm` from its values at 45 nm and 7 nm; see the module's docstring."""
    points = {OLD_NODE_NM: anchors[0], NEW_NODE_NM: anchors[1]}
    value = log_log(node_nm, points)
    kind: Kind = "interpolated"
    source = ANCHORS
    if node_nm in points:
        kind = "published"
    elif not NEW_NODE_NM < node_nm < OLD_NODE_NM:
        kind = "derived"
        source += f"; extrapolated to {node_nm:g} nm"
    return Figure(name, value, unit, source, kind, node_nm)


def log_log(x: float, points: Mapping[float, float]) -> float:
    """The value at `x` of straight lines in logarithms through `points`, the end ones prolonged."""
    if x in points:
        return points[x]
    xs = sorted(points)
    place = next((at for at, high in enumerate(xs[1:-1], 1) if x < high), len(xs) - 1)
    low, high = xs[place - 1], xs[place]
    slope = math.log(points[high] / points[low]) / math.log(high / low)
    return points[low] * math.exp(slope * math.log(x / low))


def weighted_sum(
    name: str, terms: Sequence[tuple[float, Figure]], source: str, kind: Kind = "stated"
) -> Figure:
    """Sum of count x figure; its kind is the least of `kind` and the kinds of the terms."""
    value = math.fsum(count * figure.value for count, figure in terms)
    kinds: list[Kind] = [kind, *(figure.kind for _, figure in terms)]
    unit, node = terms[0][1].unit, terms[0][1].node_nm
    return Figure(name, value, unit, source, max(kinds, key=KINDS.index), node)
