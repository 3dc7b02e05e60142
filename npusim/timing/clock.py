"""The moments that decide when a job may start, and the jobs that set them.

They lie in one vector: buffer tokens, resources, the latest end of any job, then three per step
(end of all its jobs, end of its computation, start of its work) and one per tensor (arrived where
its readers look for it).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.jit import compiled
from npusim.schedule.tables import TOKENS

(
    ARRAY_FREE,
    VECTOR_FREE,
    POST_FREE,
    BUS_FREE,
    READ_CHANNEL,
    WRITE_CHANNEL,
    READ_PORT,
    WRITE_PORT,
    LAST_COMPUTE,
    FIRST_OUTPUT,
    LATEST,
    BUS_DIRECTION,
) = range(TOKENS, TOKENS + 12)
_PER_STEP = TOKENS + 12
"""BUS_DIRECTION is no moment but the direction of the last transfer, 0 before the first one."""


class Clock(NamedTuple):
    """The moments known so far (`time`) and the jobs that set them (`who`)."""

    time: np.ndarray
    who: np.ndarray
    steps: int


@compiled
def new_clock(steps: int, tensors: int) -> Clock:
    """Every moment at 0, set by no job."""
    moments = _PER_STEP + 3 * (steps + 1) + tensors
    return Clock(np.zeros(moments, np.int64), np.full(moments, -1, np.int64), steps)


@compiled
def ready(clock: Clock, job: np.void, first: int, second: int) -> tuple[int, int]:
    """The latest of two moments (-1: none) and the tokens that `job` waits for, and who set it."""
    start, before = clock.time[first], clock.who[first]
    if second >= 0:
        start, before = later(clock, second, start, before)
    for token in job["waits"]:
        if token >= 0:
            start, before = later(clock, token, start, before)
    return start, before


@compiled
def served(clock: Clock, port: int, start: int, cycles: int) -> int:
    """When an SRAM port has served `cycles` of work that begins at `start`, and all work before.

    Array and vector unit queue at the port from their start on. Transfers and the output stage
    (start 0) take their cycles wherever the port has been idle: they slow what comes after them
    only once the port is truly full.
    """
    clock.time[port] = max(clock.time[port], start) + cycles
    return clock.time[port]


@compiled
def later(clock: Clock, moment: int, start: int, before: int) -> tuple[int, int]:
    """The later of `start` (set by job `before`) and a moment, with the job that set it."""
    if clock.time[moment] > start:
        return clock.time[moment], clock.who[moment]
    return start, before


@compiled
def set_moment(clock: Clock, moment: int, time: int, number: int) -> None:
    """Job `number` sets a moment."""
    clock.time[moment] = time
    clock.who[moment] = number


@compiled
def raise_moment(clock: Clock, moment: int, time: int, number: int) -> None:
    """Job `number` sets a moment, unless an earlier job set it to a later time."""
    if time >= clock.time[moment]:
        set_moment(clock, moment, time, number)


@compiled
def end_of(at: int) -> int:
    """The moment when all jobs of step `at` have ended; step -1 is the start."""
    return _PER_STEP + 3 * (at + 1)


@compiled
def work_of(at: int) -> int:
    """The moment when the computation of step `at` has ended."""
    return _PER_STEP + 3 * (at + 1) + 1


@compiled
def open_of(at: int) -> int:
    """The moment when the controller has started step `at`."""
    return _PER_STEP + 3 * (at + 1) + 2


@compiled
def arrival_of(clock: Clock, operand: np.void) -> int:
    """The moment when the tensor of `operand` is where its readers look for it."""
    return _PER_STEP + 3 * (clock.steps + 1) + int(operand["tensor"])
