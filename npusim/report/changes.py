"""Tables of what changed between two reports: amounts before and after, and the change."""

from __future__ import annotations

from collections.abc import Sequence

from npusim.report.difference import Delta
from npusim.report.quantities import Scale, decimals, scale_for
from npusim.report.summary import Column


def change_columns(
    heading: str,
    deltas: Sequence[Delta],
    scales: tuple[Scale, ...],
    sides: tuple[str, str] = ("A", "B"),
) -> list[Column]:
    """Names, amounts before and after, changes and percent; in one unit, in the order given.

    What did not change is left out; no columns if nothing did.
    """
    shown = [delta for delta in deltas if delta.change]
    if not shown:
        return []
    largest = max(max(abs(d.before or 0.0), abs(d.after or 0.0)) for d in shown)
    scale = scale_for(largest, scales)
    values = [d.before or 0.0 for d in shown], [d.after or 0.0 for d in shown]
    every = [value / scale.size for side in (*values, [d.change for d in shown]) for value in side]
    texts = decimals(every, 4)
    columns = [texts[at : at + len(shown)] for at in range(0, len(texts), len(shown))]
    names = tuple(delta.name.replace("_", " ") for delta in shown)
    return [
        Column(f"{heading}, {scale.unit}", names, 100, True),
        *(
            Column(header, tuple(cells), 80)
            for header, cells in zip((*sides, "change"), columns, strict=True)
        ),
        Column("", tuple(map(percent_of, shown)), 70),
    ]


def percent_of(delta: Delta) -> str:
    """The change in percent of what was before; "new" or "gone" where one side lacks it."""
    if delta.ratio is None or delta.after is None:
        return "new" if not delta.before else "gone"
    change = 100 * (delta.ratio - 1)
    return "0" if abs(change) < 0.005 else f"{change:+.2f} %"
