"""SRAM over time: what lies there while each step runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npusim.report.layers import INFERENCE
from npusim.report.types import MemoryUse

if TYPE_CHECKING:
    from npusim.timing.counts import Counts


def sram_use_of(counts: Counts) -> tuple[MemoryUse, ...]:
    """The fixed cost of an inference, if there is one, then every step, views of tensors too."""
    from npusim.schedule.occupancy import occupancy_of  # late: it loads Numba

    program = counts.program
    fixed = MemoryUse(INFERENCE, float(counts.overhead_cycles), program.pinned_bytes, 0, 0, 0, 0, 0)
    steps = [
        MemoryUse(step.step.name, step.cycles, **vars(use))
        for step, use in zip(counts.steps, occupancy_of(program), strict=True)
    ]
    return (fixed, *steps) if counts.overhead_cycles else tuple(steps)
