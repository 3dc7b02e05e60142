"""Which cascades are worth a try: runs of steps between which tensors would otherwise travel.

A run grows while the tensor behind its last step does not stay in SRAM, and while the rolling
buffers of all its tensors, in stripes as high as `SHARES` of SRAM allow, fit. A second proposal
lets runs grow over tensors that stay, from the first one that travels to the last. The scheduler
builds a Program with each proposal and keeps it if its judge says that it is better.

Low stripes read weights again and again. What has to travel at least tells of a proposal that it
cannot be better, before any tile of it is searched.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from weakref import WeakKeyDictionary

from npusim.ir.graph import Graph
from npusim.schedule.cascade import may_cascade, reads_whole, rolling_bytes, stripes_of
from npusim.schedule.fixed import Cascade
from npusim.schedule.kept import Kept
from npusim.schedule.lower import Lowered
from npusim.schedule.policies import own_weight_bytes, weight_bytes

SHARES = (0.5, 0.25)
"""Shares of SRAM that rolling buffers may take; the rest is for tiles and for tensors that stay."""

MOST_KEPT = 128
"""Cascades, and sets of them, whose stripes are known of a Lowered."""

_CHOSEN: WeakKeyDictionary[Lowered, Kept[tuple[Cascade, ...]]] = WeakKeyDictionary()


def proposals(
    graph: Graph, lowered: Lowered, resident: Collection[str], sram_bytes: int
) -> Iterator[tuple[Cascade, ...]]:
    """Sets of cascades to try where only the tensors `resident` stay in SRAM, none twice."""
    seen: set[tuple[Cascade, ...]] = set()
    kept = _CHOSEN.setdefault(lowered, Kept(MOST_KEPT))
    travel = [_travels(lowered, at, resident) for at in range(len(lowered.steps))]
    if True not in travel:
        return
    begin = travel.index(True)
    end = len(travel) - travel[::-1].index(True)
    bridged = [begin <= at < end for at in range(len(travel))]
    for may_join in (travel, bridged):
        for share in SHARES:
            most_bytes = int(share * sram_bytes)
            key = tuple(may_join), most_bytes
            found = kept.get(key, partial(_chosen, graph, lowered, *key))
            if found and found not in seen:
                seen.add(found)
                yield found


def _chosen(
    graph: Graph, lowered: Lowered, may_join: Sequence[bool], most_bytes: int
) -> tuple[Cascade, ...]:
    return tuple(_cascades(graph, lowered, may_join, most_bytes))


def _travels(lowered: Lowered, at: int, resident: Collection[str]) -> bool:
    """True if step `at` can be in a cascade and an output of it does not stay in SRAM."""
    step = lowered.steps[at]
    leaves = any(lowered.root[name] not in resident for name in step.node.outputs)
    return leaves and may_cascade(step)


def _cascades(
    graph: Graph, lowered: Lowered, may_join: Sequence[bool], most_bytes: int
) -> Iterator[Cascade]:
    """Runs of steps from the first on, each as long as it can be; a step that may not join the one
    behind it ends a run."""
    first = 0
    while first < len(lowered.steps):
        best = None
        last = first + 1
        while last < len(lowered.steps) and may_join[last - 1] and _joins(lowered, first, last):
            cascade = _highest(graph, lowered, first, last, most_bytes)
            if cascade is None:
                break
            best = cascade
            last += 1
        if best is not None:
            yield best
        first = best.last + 1 if best is not None else first + 1


def _joins(lowered: Lowered, first: int, last: int) -> bool:
    """True if step `last` may run in stripes with the steps from `first` on, which it reads."""
    before, step = lowered.steps[last - 1], lowered.steps[last]
    if not (may_cascade(step) and (last - 1 > first or may_cascade(before))):
        return False
    if reads_whole(lowered.steps, first, last):
        return False
    made = {name for one in lowered.steps[first:last] for name in one.node.outputs}
    return any(name in made for name in step.node.inputs)


def _highest(
    graph: Graph, lowered: Lowered, first: int, last: int, most_bytes: int
) -> Cascade | None:
    """The cascade of these steps with the highest stripes whose buffers fit; None if none does."""
    height = lowered.steps[last].nest.extents[4]
    rows = -(-height // 2)
    while rows > 0:
        cascade = Cascade(first, last, rows)
        if rolling_bytes(graph, lowered, cascade) <= most_bytes:
            return cascade
        rows //= 2
    return None


def least_weight_bytes(
    graph: Graph, lowered: Lowered, cascades: Sequence[Cascade], sram_bytes: int
) -> int:
    """The least bytes of weights that one inference with `cascades` brings to SRAM.

    Every stripe of a step reads all its weights, but for those that stay from its first stripe to
    its last. Of the steps of a cascade that have stripes around its middle, those that stay fit in
    SRAM side by side; so they save no more than the steps with most stripes would. 0 where all
    weights of the network fit, since they may stay across inferences, and where steps share some.
    """
    every, own = weight_bytes(lowered), own_weight_bytes(lowered)
    if every <= sram_bytes or own.sum() != every:
        return 0
    read = int(own.sum())
    for cascade in cascades:
        room = sram_bytes
        for times, at in _read_again(graph, lowered, cascade):
            stays = min(room, int(own[at]))
            room -= stays
            read += times * (int(own[at]) - stays)
    return read


_AGAIN: WeakKeyDictionary[Lowered, Kept[tuple[tuple[int, int], ...]]] = WeakKeyDictionary()


def _read_again(
    graph: Graph, lowered: Lowered, cascade: Cascade
) -> tuple[tuple[int, int], ...]:  # fmt: skip
    """(how often its weights are read again, step) of steps with stripes around the middle of
    `cascade`, most often first."""

    def found() -> tuple[tuple[int, int], ...]:
        order = stripes_of(graph, lowered.steps, cascade).in_order()
        places: dict[int, list[int]] = {}
        for place, (at, *_) in enumerate(order):
            places.setdefault(at, []).append(place)
        middle = len(order) // 2
        around = ((len(own) - 1, at) for at, own in places.items() if own[0] <= middle <= own[-1])
        return tuple(sorted(around, reverse=True))

    return _AGAIN.setdefault(lowered, Kept(MOST_KEPT)).get(cascade, found)
