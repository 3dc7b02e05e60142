"""A Program that cannot beat a known time need not be simulated to its end.

A step starts when the computation of the step before has ended, and its own takes at least what its
tiles hold the array, or its operations the vector unit. So at the head of step n

    cycles >= end of the computation of step n - 1 + the least of steps n, n + 1, ...
"""

from __future__ import annotations

import numpy as np

from npusim.cost.machine import Machine
from npusim.jit import allocating, compiled
from npusim.schedule.estimate import busy_and_held
from npusim.schedule.tables import ARRAY, HOST, VECTOR
from npusim.schedule.walker import STEP_AT
from npusim.timing.clock import LATEST, Clock, work_of

NO_LIMIT = 1 << 62


@allocating
def least_rest(
    steps: np.ndarray, operands: np.ndarray, machine: Machine, limit: int
) -> np.ndarray:  # fmt: skip
    """Cycles that each step and all steps behind it take at least, int64 [steps + 1]."""
    rest = np.zeros(steps.size + 1, np.int64)
    if limit == NO_LIMIT:
        return rest
    for at in range(steps.size - 1, -1, -1):
        rest[at] = rest[at + 1] + int(_least(steps[at], operands, machine))
    return rest


@compiled
def _least(step: np.void, operands: np.ndarray, machine: Machine) -> float:
    if step["unit"] == ARRAY:
        return busy_and_held(step, operands, machine)[0]
    if step["unit"] == VECTOR:
        outputs = step["b"] * step["g"] * step["k"] * step["oy"] * step["ox"]
        return float(outputs * step["ops_per_output"] / step["vector_rate"])
    return float(step["host_cycles"]) if step["unit"] == HOST else 0.0


@compiled
def least_cycles(clock: Clock, state: np.ndarray, rest: np.ndarray) -> int:
    """Cycles that a Program takes at least, where its walker is."""
    at = state[STEP_AT]
    return int(max(clock.time[LATEST], clock.time[work_of(at - 1)] + rest[at]))
