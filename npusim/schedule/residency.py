"""Which tensors stay in SRAM over their live range, and where.

A tensor may stay if no host step touches it and it is neither an input nor an output of the graph.
Where the link to the host reaches SRAM, inputs and outputs may stay there too. Behind a memory that
cannot be written (flash), every tensor has to stay: the host then leaves
inputs in SRAM, whose place is free after their last reader, and finds outputs there at the end;
those of a layer table are there only during their own layer, since its layers are independent.
Candidates are taken by bytes of traffic saved per byte and step of SRAM; each gets the lowest
address that is free over its whole range (first fit), if that leaves every step in the range the
room that its tiles need. Where all must stay and do not, the largest are taken first instead.

A state of the graph stays across inferences, or it is read from the second memory and written to
it. Where it stays it has two places, for the old value and the new one, which swap after each
inference; so both are taken from the first step to the last.

Weights of a cascade are read once a stripe. Where room is left for them they stay from the first
stripe, which brings them, to the last.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from weakref import WeakKeyDictionary

import numpy as np

from npusim.ir.graph import Graph
from npusim.schedule.lower import Lowered
from npusim.schedule.placements import NOWHERE, SIZE, Placements, Spans, first_fit
from npusim.schedule.program import Placement
from npusim.schedule.tables import ALIAS, HOST


def place(
    graph: Graph, lowered: Lowered, capacity_bytes: int, tile_bytes: Sequence[int] | np.ndarray,
    all_stay: bool, only: Collection[str] | None = None, weights: bool = False,
    ends_may_stay: bool = False,
) -> Placements:  # fmt: skip
    """Placements of the tensors that stay, below `capacity_bytes`.

    `tile_bytes` [steps] is the room above the placed tensors that each step must keep. With
    `all_stay`, inputs, outputs and what the host touches are candidates too. `only` names the
    tensors to try; None tries all. `weights` lets those of cascades stay where room is left;
    `ends_may_stay`: see `candidates`.
    """
    found, spans = _spans(graph, lowered, all_stay, ends_may_stay, weights)
    rooms = capacity_bytes - np.asarray(tile_bytes, np.int64)
    tried = np.arange(len(spans.names))
    if only is not None:
        tried = tried[[name in only for name in spans.names]]
        found = int((tried < found).sum())
    wanted, again = tried[:found], tried[found:]
    offsets = np.full(len(spans.names), NOWHERE)
    first_fit(spans.rows, wanted, rooms, offsets)
    if not all_stay:
        _drop_halves(graph, lowered, spans, offsets)
    elif (offsets >= 0).sum() < wanted.size:
        largest_first = wanted[np.argsort(-spans.rows[wanted, SIZE], kind="stable")]
        by_size = np.full_like(offsets, NOWHERE)
        first_fit(spans.rows, largest_first, rooms, by_size)
        if (by_size >= 0).sum() > (offsets >= 0).sum():
            offsets = by_size
    if again.size:
        first_fit(spans.rows, again, rooms, offsets)
    return Placements(spans, offsets)


_SPANS: WeakKeyDictionary[Lowered, dict[tuple[bool, ...], tuple[int, Spans]]] = WeakKeyDictionary()
"""Candidates of each Lowered that is in use."""


def _spans(
    graph: Graph, lowered: Lowered, all_stay: bool, ends_may_stay: bool, weights: bool
) -> tuple[int, Spans]:
    """`candidates`, and with `weights` behind them `stripe_weights`; how many the first are."""
    known = _SPANS.setdefault(lowered, {})
    key = all_stay, ends_may_stay, weights
    if key not in known:
        number = {name: at for at, name in enumerate(lowered.tensors)}
        first = candidates(graph, lowered, all_stay, ends_may_stay)
        again = stripe_weights(graph, lowered) if weights else []
        both = [*first, *(one for one in again if one[0] in number)]
        rows = np.array([(number[name], *span) for name, *span in both], np.int64)
        spans = Spans(tuple(name for name, *_ in both), rows.reshape(len(both), 4))
        known[key] = len(first), spans
    return known[key]


def _drop_halves(graph: Graph, lowered: Lowered, spans: Spans, offsets: np.ndarray) -> None:
    """Take its place from each state that has one for only one of its two values."""
    if not graph.states:
        return
    staying = {name for name, at in zip(spans.names, offsets.tolist(), strict=True) if at >= 0}
    pairs = ({lowered.root[state.read], lowered.root[state.written]} for state in graph.states)
    halves = {name for pair in pairs if not pair <= staying for name in pair}
    offsets[[name in halves for name in spans.names]] = NOWHERE


def top_bytes(placed: Mapping[str, Placement], steps: int) -> list[int]:
    """For each step the end of the highest tensor that is live in it."""
    top = [0] * steps
    for placement in placed.values():
        for at in range(placement.first, placement.last + 1):
            top[at] = max(top[at], placement.offset_bytes + placement.size_bytes)
    return top


def candidates(
    graph: Graph, lowered: Lowered, all_stay: bool, ends_may_stay: bool = False
) -> list[tuple[str, int, int, int]]:
    """(name, first step, last step, bytes) of tensors that may stay, best first.

    Inputs and outputs of the graph are among them if `all_stay` or `ends_may_stay`.
    """
    results = {lowered.root[name] for name in graph.outputs}
    ends = results | {lowered.root[name] for name in graph.inputs}
    states = {lowered.root[name] for state in graph.states for name in (state.read, state.written)}
    with_ends = all_stay or ends_may_stay
    written = {lowered.root[name]: 0 for name in graph.inputs} if with_ends else {}
    written.update((lowered.root[state.read], 0) for state in graph.states)
    read: dict[str, list[int]] = {}
    barred = set() if with_ends else ends
    for at, step in enumerate(lowered.steps):
        if step.unit == ALIAS:
            continue
        outs = [lowered.root[name] for name in step.node.outputs]
        ins = [lowered.root[name] for name in step.node.inputs if name]
        if step.unit == HOST and not all_stay:
            barred.update(outs, ins)
        for name in outs:
            written.setdefault(name, at)
        for name in ins:
            read.setdefault(name, []).append(at)
    found = []
    for name, first in written.items():
        readers = read.get(name, [])
        if graph.weightless and readers:
            first = min(readers)
        elif name in states:
            readers = [*readers, first]
        elif with_ends and (name in results or not readers):
            at_end = name in results and not graph.weightless
            readers = [*readers, len(lowered.steps) - 1 if at_end else first]
        if name in barred or not readers:
            continue
        last = max(readers)
        if name in states:
            first, last = 0, len(lowered.steps) - 1
        saved_per_step = (1 + len(readers)) / (last - first + 1)  # bytes moved, per byte and step
        size = lowered.tensor_bytes[name]
        found.append((-saved_per_step, first, name, last, size))
    return [(name, first, last, size) for _, first, name, last, size in sorted(found)]


def stripe_weights(graph: Graph, lowered: Lowered) -> list[tuple[str, int, int, int]]:
    """(name, first step, last step, bytes) of constants that several stripes of a step read, small
    ones first: the first stripe brings them, and all later ones would again."""
    found: dict[str, tuple[str, int, int, int]] = {}
    for at, step in enumerate(lowered.steps):
        for name in step.node.inputs if step.whole else ():
            if name and graph.tensors[name].is_constant:
                _, first, _, size = found.get(name, (name, at, at, lowered.tensor_bytes[name]))
                found[name] = (name, first, at, size)
    return sorted((one for one in found.values() if one[2] > one[1]), key=lambda one: one[3])
