"""From peak to achieved, one loss at a time.

At its peak the array would need `ideal` cycles: issued MACs / peak rate. Each cause of the latency
other than `compute` adds its cycles to that. Work that the array did while the critical path ran
through something else was counted in `ideal` already, and is taken off at the end:

    ideal + sum of the other causes - overlapped = latency,   overlapped = ideal - compute

After each step the utilization that is left is ideal / (cycles so far), so the last one is the
achieved utilization.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

COMPUTE = "compute"
OVERLAPPED = "overlapped"
"""Name of the step that takes off what the array did beside other causes."""


@dataclass(frozen=True)
class Loss:
    """One step: its cycles (negative for `overlapped`), their share of the latency, and the
    utilization that is left after it and all steps before it, at most 1."""

    cause: str
    cycles: float
    share: float
    utilization: float


def losses_of(cycles_by_cause: Mapping[str, float], ideal_cycles: float) -> tuple[Loss, ...]:
    """`compute` with the ideal cycles, then each cause that takes time, the largest first.

    Empty without a latency. Amounts below 1e-9 of it are rounding and are left out. A layer whose
    work is hidden behind its neighbours owns fewer cycles than it computes: it ends at 1.
    """
    whole = sum(cycles_by_cause.values())
    if whole <= 0:
        return ()
    steps = [(COMPUTE, ideal_cycles)]
    others = {cause: cycles for cause, cycles in cycles_by_cause.items() if cause != COMPUTE}
    steps += sorted(others.items(), key=lambda pair: -pair[1])
    steps.append((OVERLAPPED, cycles_by_cause.get(COMPUTE, 0.0) - ideal_cycles))
    found, so_far = [], 0.0
    for cause, cycles in steps:
        if abs(cycles) > 1e-9 * whole or cause == COMPUTE:
            so_far += cycles
            left = min(1.0, ideal_cycles / so_far) if so_far > 0 else 1.0
            found.append(Loss(cause, cycles, cycles / whole, left))
    return tuple(found)
