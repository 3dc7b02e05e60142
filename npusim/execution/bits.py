"""What decides the bits that a Program computes, beside its graph, inputs and requantization.

For each operator: how the unit that runs it sums products, and whether it saturates. Tiles matter
only where the order of additions does: there each tile of the reduction is summed in turn. So most
hardware of a design space computes the same bits, and that is known without computing them.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable

from npusim.execution.bindings import unit_of
from npusim.schedule.program import Program


def units_of(program: Program) -> Hashable:
    """For each operator how its unit sums and saturates: all that decides bits but tiles."""
    return frozenset(
        (step.node.outputs, *unit_of(program, step))
        for step in program.steps
        if step.first_row == 0
    )


Reduction = tuple[tuple[str, ...], int, int]
"""Outputs of an operator, the first row of a step of it, and the channels it sums at once."""


def reductions_of(program: Program, ordered: Collection[tuple[str, ...]]) -> tuple[Reduction, ...]:
    """The reductions of the operators `ordered`; see `Executor.ordered`."""
    return tuple(
        (step.node.outputs, step.first_row, int(program.table[at]["tile_c"]))
        for at, step in enumerate(program.steps)
        if step.node.outputs in ordered
    )
