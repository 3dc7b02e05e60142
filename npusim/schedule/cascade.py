"""Cascades: stripes of several layers run through SRAM in turn, so that what lies between them need
never be there as a whole.

A cascade is a run of steps, cut into stripes of output rows of its last one. Stripe by stripe each
step computes the rows that the steps behind it ask for and that no stripe before has computed:
nothing is computed twice. Between two steps lies a rolling buffer, as high as the rows that a
stripe adds and those that its readers still need.

In the Program every stripe of a step is a step of its own, with loops over its rows. So walker,
engine and search know nothing of cascades, and execution only where a step's rows begin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np

from npusim.ir.graph import Graph
from npusim.ir.loopnest import DIMS, LoopNest
from npusim.schedule.fixed import Cascade
from npusim.schedule.kept import Kept
from npusim.schedule.lower import Lowered
from npusim.schedule.program import Step
from npusim.schedule.tables import ARRAY, VECTOR

_OY = DIMS.index("OY")


@dataclass(frozen=True)
class Stripes:
    """Rows of each step of a cascade, stripe by stripe.

    `stops[i][s]` is the output row at which stripe s of step `first + i` ends; it begins where the
    one before ended. `held_rows` has the height of the rolling buffer of each tensor that only the
    cascade reads.
    """

    first: int
    stops: tuple[tuple[int, ...], ...]
    held_rows: dict[str, int]

    def rows(self, step: int, stripe: int) -> tuple[int, int]:
        """First and last (exclusive) output row of a stripe of a step of the cascade."""
        stops = self.stops[step - self.first]
        return (stops[stripe - 1] if stripe else 0), stops[stripe]

    def in_order(self) -> list[tuple[int, int, int, int]]:
        """(step, stripe, first row, last row) of every stripe that has rows, in order."""
        steps = range(self.first, self.first + len(self.stops))
        places = ((at, stripe) for stripe in range(len(self.stops[0])) for at in steps)
        rows = ((at, stripe, *self.rows(at, stripe)) for at, stripe in places)
        return [place for place in rows if place[2] < place[3]]


def may_cascade(step: Step) -> bool:
    """True if stripes of rows of `step` can run on their own, from rows of what it reads."""
    nest = step.nest
    on_npu = step.unit in (ARRAY, VECTOR) and len(step.node.outputs) == 1
    return on_npu and nest.keeps_rows and "OY" in nest.splits and nest.extents[_OY] > 1


def reads_whole(steps: Sequence[Step], first: int, last: int) -> str:
    """The name of a step of first..last that multiplies by what another one of them computes;
    empty if there is none."""
    made = {name for step in steps[first : last + 1] for name in step.node.outputs}
    for step in steps[first : last + 1]:
        if any(one.role == "weight" and one.tensor in made for one in step.nest.operands):
            return step.name
    return ""


def cascade_problem(steps: Sequence[Step], first: int, last: int, rows: object) -> str:
    """What is wrong with a cascade of steps `first` to `last`; empty if nothing is."""
    if last <= first:
        return "a cascade needs two steps at least, the first before the last"
    unfit = [step.name for step in steps[first : last + 1] if not may_cascade(step)]
    if not unfit and reads_whole(steps, first, last):
        return f"{reads_whole(steps, first, last)!r} needs the whole of a tensor that is in stripes"
    if unfit:
        return f"{unfit[0]!r} can't run in stripes: it is a view, runs on the host or mixes rows"
    height = steps[last].nest.extents[_OY]
    if not isinstance(rows, int) or isinstance(rows, bool) or not 0 < rows < height:
        return f"rows: expected 1 to {height - 1}, fewer than the last step's output has"
    return ""


def stripes_of(graph: Graph, steps: Sequence[Step], cascade: Cascade) -> Stripes:
    """The rows of every stripe of `cascade`, whose steps may all cascade; `steps` are those of the
    nodes of `graph`, one by one."""
    first, last = cascade.first, cascade.last
    height = steps[last].nest.extents[_OY]
    count = -(-height // cascade.rows)
    readers = _readers(graph)
    stops: dict[int, tuple[int, ...]] = {}
    held: dict[str, int] = {}
    for at in range(last, first - 1, -1):
        rows = steps[at].nest.extents[_OY]
        name = steps[at].node.outputs[0]
        inside = [reader for reader in readers.get(name, ()) if reader <= last]
        asked = [_asked(steps[reader], name, stops[reader]) for reader in inside]
        if at == last or name in graph.outputs or len(inside) < len(readers.get(name, ())):
            asked.append(tuple(-(-rows * (s + 1) // count) for s in range(count)))
        if at == last:
            asked = [tuple(min(rows, (s + 1) * cascade.rows) for s in range(count))]
        most = [max(column) for column in zip(*asked, strict=True)] if asked else [rows] * count
        stops[at] = (*most[:-1], rows)
        if len(inside) == len(readers.get(name, ())) and inside and name not in graph.outputs:
            lows = [_lowest(steps[reader], name, stops[reader]) for reader in inside]
            least = [min(column) for column in zip(*lows, strict=True)]
            held[name] = max(stop - low for stop, low in zip(stops[at], least, strict=True))
    return Stripes(first, tuple(stops[at] for at in range(first, last + 1)), held)


_READERS: WeakKeyDictionary[Graph, dict[str, list[int]]] = WeakKeyDictionary()


def _readers(graph: Graph) -> dict[str, list[int]]:
    """Nodes that read each tensor."""
    found = _READERS.get(graph)
    if found is None:
        found = _READERS[graph] = {}
        for at, node in enumerate(graph.nodes):
            for name in dict.fromkeys(node.inputs):
                if name:
                    found.setdefault(name, []).append(at)
    return found


def _asked(step: Step, name: str, stops: Sequence[int]) -> tuple[int, ...]:
    """Rows of its input `name` that `step` needs to have computed up to each of `stops`."""
    nest = step.nest
    if not _reads_window(nest, name):
        return tuple(stops)
    span = (nest.extents[_OY + 2] - 1) * nest.dilation[0] + 1
    height = nest.input_size[0]
    ends = ((stop - 1) * nest.stride[0] + span - nest.padding[0] if stop else 0 for stop in stops)
    return tuple(max(0, min(height, end)) for end in ends)


def _lowest(step: Step, name: str, stops: Sequence[int]) -> tuple[int, ...]:
    """The first row of its input `name` that `step` still reads in each stripe."""
    nest = step.nest
    starts = (0, *stops[:-1])
    if not _reads_window(nest, name):
        return starts
    return tuple(max(0, start * nest.stride[0] - nest.padding[0]) for start in starts)


def _reads_window(nest: LoopNest, name: str) -> bool:
    return any(operand.tensor == name and operand.window for operand in nest.operands)


def cascaded(graph: Graph, lowered: Lowered, cascades: Sequence[Cascade]) -> Lowered:
    """`lowered` with these cascades, which don't overlap, in the order of their stripes."""
    order: list[tuple[int, int, int, int]] = []  # step, stripe (-1: whole), first and last row
    sizes = dict(lowered.tensor_bytes)
    by_first = {cascade.first: cascade for cascade in cascades}
    at = 0
    while at < len(lowered.steps):
        cascade = by_first.get(at)
        if cascade is None:
            order.append((at, -1, 0, 0))
            at += 1
            continue
        stripes = stripes_of(graph, lowered.steps, cascade)
        sizes.update(_held_bytes(lowered, stripes))
        order += stripes.in_order()
        at = cascade.last + 1
    steps = tuple(
        lowered.steps[number] if stripe < 0 else _stripe(lowered.steps[number], stripe, *rows)
        for number, stripe, *rows in order
    )
    table, operands = _striped_tables(lowered, np.array(order, np.int64).reshape(-1, 4))
    return replace(
        lowered, steps=steps, table=table, operands=operands, tensor_bytes=sizes,
        cascades=tuple(cascades),
    )  # fmt: skip


def _striped_tables(lowered: Lowered, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of steps and operands for `order`, int64 [n, 4] as in `cascaded`."""
    number, stripe, start, stop = order.T
    table = lowered.table[number]
    first, sizes = table["operand_start"].copy(), table["operand_stop"] - table["operand_start"]
    table["operand_stop"] = np.cumsum(sizes)
    table["operand_start"] = table["operand_stop"] - sizes
    rows = np.arange(sizes.sum()) + np.repeat(first - table["operand_start"], sizes)
    part = stripe >= 0
    table["oy"][part] = table["tile_oy"][part] = (stop - start)[part]
    # rows are counted from the first one of the stripe
    table["pad_top"][part] -= (start * table["stride_y"])[part]
    return table, lowered.operands[rows]


MOST_KEPT = 4096
"""Cascades of a Lowered whose buffers are known; each is a number."""

_ROLLING: WeakKeyDictionary[Lowered, Kept[int]] = WeakKeyDictionary()


def rolling_bytes(graph: Graph, lowered: Lowered, cascade: Cascade) -> int:
    """Bytes of all rolling buffers of `cascade`, whose steps may all cascade."""
    if lowered not in _ROLLING:
        _ROLLING[lowered] = Kept(MOST_KEPT)

    def found() -> int:
        return sum(_held_bytes(lowered, stripes_of(graph, lowered.steps, cascade)).values())

    return _ROLLING[lowered].get(cascade, found)


def _held_bytes(lowered: Lowered, stripes: Stripes) -> dict[str, int]:
    """Bytes of the rolling buffer of each tensor."""
    last = stripes.first + len(stripes.stops)
    found = {}
    for step in lowered.steps[stripes.first : last]:
        for name in step.node.outputs:
            if name in stripes.held_rows:
                whole = lowered.tensor_bytes[name]
                found[name] = -(-whole * stripes.held_rows[name] // step.nest.extents[_OY])
    return found


def _stripe(step: Step, stripe: int, start: int, stop: int) -> Step:
    """Rows start..stop of `step` as a step of its own."""
    nest, rows = step.nest, step.nest.extents[_OY]
    b, g, k, c, _, ox, fy, fx = nest.extents

    def share(amount: int) -> int:
        """The share of these rows in `amount`; the shares of all stripes add up to it."""
        return amount * stop // rows - amount * start // rows

    useful = None if nest.useful_macs is None else share(nest.useful_macs)
    part = replace(
        nest, extents=(b, g, k, c, stop - start, ox, fy, fx), useful_macs=useful,
        vector_ops=share(nest.vector_ops),
        padding=(nest.padding[0] - start * nest.stride[0], nest.padding[1]),
    )  # fmt: skip
    return replace(step, name=f"{step.name}#{stripe}", nest=part, whole=nest, first_row=start)
