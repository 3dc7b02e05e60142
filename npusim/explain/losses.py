"""From peak to achieved, one loss at a time.

The latency is a sum of cycles by cause. With `compute` alone the array would run at its peak; each
further cause adds its cycles and lowers the utilization to compute / (cycles so far).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

COMPUTE = "compute"


@dataclass(frozen=True)
class Loss:
    """One cause: its cycles, their share of the latency, and the utilization that is left after it
    and all causes before it."""

    cause: str
    cycles: float
    share: float
    utilization: float


def losses_of(cycles_by_cause: Mapping[str, float]) -> tuple[Loss, ...]:
    """`compute` first, then every cause that takes time, the largest first; empty without cycles.

    The last one's utilization is the achieved one. Cycles of causes below 1e-9 of the whole are
    rounding and are left out.
    """
    whole = sum(cycles_by_cause.values())
    if whole <= 0:
        return ()
    compute = cycles_by_cause.get(COMPUTE, 0.0)
    others = sorted(
        ((cycles, cause) for cause, cycles in cycles_by_cause.items() if cause != COMPUTE),
        key=lambda pair: -pair[0],
    )
    found = [Loss(COMPUTE, compute, compute / whole, 1.0 if compute else 0.0)]
    so_far = compute
    for cycles, cause in others:
        if cycles > 1e-9 * whole:
            so_far += cycles
            found.append(Loss(cause, cycles, cycles / whole, compute / so_far))
    return tuple(found)
