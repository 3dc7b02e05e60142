"""Kernels that are bound already: a second inference packs no weights again.

What an operator is bound to depends on the graph's tensors, the arithmetic, the path of kernels and
how the array sums, not on tiles: every Program of a graph for which these are equal shares them.
They are dropped with the graph; of one graph, the few used last are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any
from weakref import WeakKeyDictionary

from npusim.ir.graph import Graph
from npusim.ir.operator import ArrayKernel, VectorKernel
from npusim.kernels.table import Kernels
from npusim.numerics.profiles import Profile
from npusim.schedule.program import Program

MOST = 3
"""Bindings of one graph that are kept: each may hold a copy of all weights."""

Bound = list[ArrayKernel | VectorKernel]
Binder = Callable[[Program, Profile, Kernels], Bound]

_BOUND: WeakKeyDictionary[Graph, dict[Hashable, tuple[Any, Any, Bound]]] = WeakKeyDictionary()
"""Of each graph: the arithmetics and the kernels that an entry holds for, and what was bound."""


def bound_once(program: Program, profile: Profile, kernels: Kernels, bind: Binder) -> Bound:
    """What `bind` gives for these, from before if it did before; what it raises is not kept."""
    entries = _BOUND.setdefault(program.graph, {})
    array = program.hardware.mac_array
    sums = tuple(array.accumulation(step.pair) if step.pair else None for step in program.steps)
    key = (profile.name, kernels.path, kernels.accumulation, sums)
    arithmetics, table, bound = entries.pop(key, (None, None, []))
    if arithmetics is not profile.arithmetics or table is not kernels.table:
        bound = bind(program, profile, kernels)
    entries[key] = profile.arithmetics, kernels.table, bound
    while len(entries) > MOST:
        del entries[next(iter(entries))]
    return bound
