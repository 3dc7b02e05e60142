"""The front of assignments that were executed: the model that proposed them has no say in it."""

from __future__ import annotations

from collections.abc import Sequence

from npusim.quantize.on_hardware import Measured


def front_of(points: Sequence[Measured], quality: str, against: str) -> list[int]:
    """Indices of the points that no other one beats in quality and cost, cheapest first."""
    order = sorted(
        range(len(points)), key=lambda at: (points[at].cost(against), -points[at].quality(quality))
    )
    kept: list[int] = []
    for at in order:
        if not kept or points[at].quality(quality) > points[kept[-1]].quality(quality):
            kept.append(at)
    return kept
