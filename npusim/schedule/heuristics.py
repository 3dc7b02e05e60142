"""Simple schedules, as a compiler without a search would make them; the result is never worse.

Each dataflow alone; weights first (each tile of weights is loaded once); the largest tiles, which
are the fewest, that fit.
"""

from __future__ import annotations

from collections.abc import Iterator

from npusim.cost.array import DATAFLOWS
from npusim.schedule.estimate import LATENCY
from npusim.schedule.policies import Policy
from npusim.schedule.program import Program
from npusim.schedule.spaces import choices_of
from npusim.schedule.tables import ARRAY, LOOP_ORDERS
from npusim.schedule.tiler import Tiler
from npusim.schedule.tiling import DATAFLOW_LIST, ORDER_LIST

WEIGHTS_FIRST = LOOP_ORDERS.index("weights_outer")


def heuristics(tiler: Tiler, policy: Policy) -> Iterator[tuple[str, Program | None]]:
    """The name of each simple schedule and its Program under `policy`; None if it has none.

    With a single dataflow, that dataflow alone is no schedule of its own.
    """
    dataflows = choices_of(ARRAY, tiler.hardware).dataflows
    for dataflow in dataflows if len(dataflows) > 1 else ():
        number = DATAFLOWS.index(dataflow)
        yield dataflow, tiler.narrowed(policy, LATENCY, DATAFLOW_LIST, number)
    yield "weights_first", tiler.narrowed(policy, LATENCY, ORDER_LIST, WEIGHTS_FIRST)
    yield "largest_tile", tiler.largest(policy)
