"""Random cascades: runs of layers of a random graph, in stripes of a few rows."""

from __future__ import annotations

from hypothesis import assume
from hypothesis import strategies as st

from npusim.cost.machine import machine_of
from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph
from npusim.schedule.cascade import may_cascade
from npusim.schedule.fixed import Cascade
from npusim.schedule.lower import Lowered, lower
from tests.support.graphs import graphs
from tests.support.machines import machines

OY = 4


@st.composite
def cascades_of_graphs(
    draw: st.DrawFn, most_operators: int = 5
) -> tuple[Graph, Hardware, Lowered, Cascade]:
    """(graph, hardware, its lowered steps, one cascade of them)."""
    graph, hardware = draw(graphs(most_operators=most_operators)), draw(machines())
    lowered = lower(graph, hardware, machine_of(hardware))
    runs = [
        (first, last)
        for first in range(len(lowered.steps))
        for last in range(first + 1, len(lowered.steps))
        if all(may_cascade(step) for step in lowered.steps[first : last + 1])
    ]
    assume(runs)
    first, last = draw(st.sampled_from(runs))
    rows = draw(st.integers(1, lowered.steps[last].nest.extents[OY] - 1))
    return graph, hardware, lowered, Cascade(first, last, rows)
