"""A summary on a terminal: counts, the best of each objective, the front, and what matters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.text import Text

from npusim.report.summary import Column, printable
from npusim.report.terminal import print_line, print_table
from npusim.sweep.knee import DEFINITION
from npusim.sweep.labels import cells, heading, knob_names, level, scale_of, short_names
from npusim.sweep.objectives import objective_of
from npusim.sweep.sensitivity import Sensitivity, Share
from npusim.sweep.summary import Summary

MOST_FRONT = 12
"""Points of a front that are printed."""
BAR = 12
"""Cells of a bar that is 100 %."""
LITTLE = 0.0005
"""Shares below this are no bar: they print as 0.0 %."""


def print_summary(found: Summary, console: Console, most_front: int = MOST_FRONT) -> None:
    """Print `found`, with at most `most_front` points of the front; 0 for all of them."""
    few = [f"{found.points:,} points", f"{found.feasible:,} feasible"]
    bad = found.points - found.feasible
    print_line(", ".join([*few, f"{bad:,} infeasible"] if bad else few), "bold", console)
    for one in found.infeasible:
        text = f"  {one.status}: {one.points:,}, for example point {one.number:,}: {one.example}"
        console.print(Text(printable(text), "dim"))
    if not found.feasible:
        return
    print_table(_best(found), console)
    for text in _together(found):
        print_line(text, "dim", console)
    _print_front(found, most_front, console)
    _print_shares(found, console)


def _best(found: Summary) -> list[Column]:
    labels = [objective_of(name).label for name in found.best]
    return _points("best", labels, list(found.best.values()), found)


def _together(found: Summary) -> list[str]:
    """Which fields go with another."""
    short, labels = short_names(found.fields), knob_names(found.knobs)
    return [
        printable(f"{labels[first]}: {', '.join(short[field] for field in others)} change with it")
        for first, *others in found.knobs
        if others
    ]


def _points(
    title: str, names: Sequence[str], rows: Sequence[int], found: Summary
) -> list[Column]:  # fmt: skip
    """One line a point: its name, the values of its fields, and its objectives."""
    fields = [
        Column(
            printable(label),
            tuple(level(found.columns[field][at], found.units.get(field)) for at in rows),
            90 - place,
        )
        for place, (field, label) in enumerate(knob_names(found.knobs).items())
    ]
    objectives = []
    for place, name in enumerate(found.objectives):
        objective = objective_of(name)
        scale = scale_of(objective, found.columns[name][list(found.front)])
        values = [float(found.columns[name][at]) for at in rows]
        objectives.append(Column(heading(objective, scale), cells(values, scale), 99 - place))
    return [Column(title, tuple(names), 100, True), *fields, *objectives]


def _print_front(found: Summary, most: int, console: Console) -> None:
    rows = spread(found.front, found.knee, most)
    names = [str(found.columns["number"][at]) for at in rows]
    marked = [
        f"{name} knee" if at == found.knee else name for name, at in zip(names, rows, strict=True)
    ]
    print_table(_points("front", marked, rows, found), console)
    count = len(found.front)
    if len(rows) < count:
        print_line(f"{len(rows)} of {count:,} points on the front, spread evenly", "dim", console)
    what = f"knee: {DEFINITION}" if found.knee is not None else "the front has no knee"
    print_line(what, "dim", console)


def spread(front: Sequence[int], knee: int | None, most: int) -> list[int]:
    """At most `most` of `front`, in its order: both ends, evenly between them, and the knee."""
    if not most or len(front) <= most:
        return list(front)
    chosen = {round(at) for at in np.linspace(0, len(front) - 1, most)}
    if knee is not None and front.index(knee) not in chosen:
        place = front.index(knee)
        inner = sorted(chosen)[1:-1]
        if inner:
            chosen.discard(min(inner, key=lambda at: abs(at - place)))
        chosen.add(place)
    return [front[at] for at in sorted(chosen)[:most]]


def _print_shares(found: Summary, console: Console) -> None:
    """A line a field, a column an objective; the field that matters most in all of them first."""
    varying = {name: one for name, one in found.sensitivities.items() if one.varies}
    shares = {name: {x.field: x for x in one.shares} for name, one in varying.items()}
    weights: dict[str, float] = {}
    for own in shares.values():
        for field, share in own.items():
            weights[field] = weights.get(field, 0.0) + _largest(share)
    fields = sorted(weights, key=lambda field: -weights[field])
    if not fields:
        return
    ascii_only = console.options.ascii_only
    columns = [
        Column(
            objective_of(name).label,
            tuple(_bar(own[field], ascii_only) for field in fields),
            90,
            True,
        )
        for name, own in shares.items()
    ]
    labels = knob_names(found.knobs)
    names = tuple(printable(labels[field.split("+")[0]]) for field in fields)
    print_table([Column("what matters", names, 100, True), *columns], console)
    console.print(Text(_meaning(list(varying.values())), "dim"))


def _largest(share: Share) -> float:
    return share.first if share.total is None else share.total


def _bar(share: Share, ascii_only: bool) -> str:
    value = _largest(share)
    length = max(1, round(value * BAR)) if value >= LITTLE else 0
    return f"{100 * value:5.1f} % {('#' if ascii_only else '━') * length}".rstrip()


def _meaning(found: Sequence[Sensitivity]) -> str:
    one = found[0]
    kind = "first-order" if one.shares[0].total is None else "total"
    logarithm = " of its logarithm" if all(other.logarithm for other in found) else ""
    return (
        f"{kind} share of the variance{logarithm} that a field explains, in the range that was "
        f"swept; {one.basis}"
    )
