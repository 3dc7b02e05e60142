"""What a report says of pruned weights: how many layers ran at the sparse rate, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npusim.schedule.tables import ARRAY

if TYPE_CHECKING:
    from npusim.schedule.program import Program


def sparsity_notes(program: Program) -> list[str]:
    """One note on hardware that skips pruned weights; none on any other."""
    rule = program.hardware.mac_array.weight_sparsity
    if rule is None:
        return []
    layers = [
        (step.node.name, row["density"] < 1)
        for step, row in zip(program.steps, program.table, strict=True)
        if step.unit == ARRAY
    ]
    sparse = len({name for name, skips in layers if skips})
    why = "every weight was looked at"
    if program.graph.weightless:
        why = "a layer table has no weights: weight_sparsity.tables says whether they are pruned"
    pattern = f"{rule.kept}:{rule.of}"
    total = len({name for name, _ in layers})
    return [f"{sparse} of {total} layers on the array ran at the {pattern} sparse rate ({why})"]
