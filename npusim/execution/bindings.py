"""Kernels that are bound already: a second inference packs no weights again.

What an operator is bound to depends on the graph's tensors, the arithmetic, the path of kernels and
how the array sums, not on tiles: every Program of a graph for which these are equal shares them.
They are dropped with the graph; of one graph, the few used last are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from npusim.ir.graph import Graph
from npusim.ir.operator import ArrayKernel, VectorKernel
from npusim.kernels.table import Kernels
from npusim.numerics.accumulation import Accumulation
from npusim.numerics.profiles import Profile
from npusim.schedule.program import Program, Step

MOST = 3
"""Bindings of one graph that are kept: each may hold a copy of all weights."""

Bound = list[ArrayKernel | VectorKernel]
Binder = Callable[[Program, Profile, Sequence[Kernels]], Bound]

_BOUND: WeakKeyDictionary[Graph, dict[Hashable, tuple[Any, Any, Bound]]] = WeakKeyDictionary()
"""Of each graph: the arithmetics and the kernels that an entry holds for, and what was bound."""


def bound_once(program: Program, profile: Profile, kernels: Kernels, bind: Binder) -> Bound:
    """What `bind` gives for these, from before if it did before; what it raises is not kept.

    `bind` gets the kernels of each step, for the unit that it runs on.
    """
    entries = _BOUND.setdefault(program.graph, {})
    own = [kernels.summing(*unit_of(program, step)) for step in program.steps]
    key = (profile.name, kernels.path, *((each.accumulation, each.saturates) for each in own))
    arithmetics, table, bound = entries.pop(key, (None, None, []))
    if arithmetics is not profile.arithmetics or table is not kernels.table:
        bound = bind(program, profile, own)
    entries[key] = profile.arithmetics, kernels.table, bound
    while len(entries) > MOST:
        del entries[next(iter(entries))]
    return bound


def unit_of(program: Program, step: Step) -> tuple[Accumulation | None, bool]:
    """How the unit of `step` sums products, and whether its results saturate at FP8's range."""
    hardware = program.hardware
    if step.on == "host":
        return None, True
    sums = hardware.mac_array.accumulation(step.pair) if step.pair else None
    return sums, hardware.output_stage.fp8_overflow == "saturate"
