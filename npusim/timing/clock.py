"""The moments that decide when a job may start, and the jobs that set them.

They lie in one vector: buffer tokens, resources, the latest end of any job, those of loads that
wait for a shared port, then three per step (end of all its jobs, end of its computation, start of
its work) and one per tensor (arrived where its readers look for it).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.cost.machine import Machine
from npusim.cost.transfer import shared_cycles
from npusim.jit import allocating, compiled, inlined
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
    WRITE_BUS,
    POST_BEGIN,
    INPUT_TILE,
    ALL_PORTS,
    WEIGHTS_FREE,
    INPUTS_FREE,
    OUTPUTS_FREE,
) = range(TOKENS, TOKENS + 19)
"""BUS_DIRECTION is no moment but the direction of the last transfer, 0 before the first one;
INPUT_TILE none but the input tile that the array had last."""
RING = 128
"""Places in each queue of loads: more than can be in flight, and the released ones before them."""
_PER_PLACE = TOKENS + 19
_PER_STREAM = _PER_PLACE + 4 * RING
_PER_STEP = _PER_STREAM + 6

QUEUE = np.dtype(
    [
        *((name, np.int64) for name in ("job", "step", "token", "bus_bytes", "moved")),
        *((name, np.int64) for name in ("port_cycles", "held", "held_until")),
        *((name, np.int64) for name in ("room", "layer", "closes")),
    ]
)
"""A load in a queue: `moved` bytes on the bus, and with the time of the memory's rows as many as
`bus_bytes` would take; `held` bytes of SRAM, the last of them `held_until` bytes after the stream's
first; `room` is the stream's share of SRAM (0: its buffers are its limit). `layer` counts input
tiles (0: none), and the load that `closes` one is its stream's last for it."""

ISSUED, DONE, RELEASED, FREED, FRESH = range(5)
"""Of a stream: loads emitted, arrived, released; releases that its room counts on already; whether
its first load had to wait, so that it has the latency of the memory to itself."""
PORT_TIME, MOVED, MOVED_AT = 0, 1, 3
"""Cycles that the port has been through; per stream bus bytes of its first load, and when it moved
last."""


class Clock(NamedTuple):
    """The moments known so far (`time`) and the jobs that set them (`who`).

    `queue` QUEUE [2, RING], `port` int64 [2, 5] and `flow` float64 [5] are those of streams that
    share a port.
    """

    time: np.ndarray
    who: np.ndarray
    steps: int
    queue: np.ndarray
    port: np.ndarray
    flow: np.ndarray


@allocating
def new_clock(steps: int, tensors: int) -> Clock:
    """Every moment at 0, set by no job."""
    moments = _PER_STEP + 3 * (steps + 1) + tensors
    return Clock(
        np.zeros(moments, np.int64), np.full(moments, -1, np.int64), steps,
        np.zeros((2, RING), QUEUE), np.zeros((2, 5), np.int64), np.zeros(5),
    )  # fmt: skip


@inlined
def ready(clock: Clock, job: np.void, first: int, second: int) -> tuple[int, int]:
    """The latest of two moments (-1: none) and the tokens that `job` waits for, and who set it."""
    start, before = clock.time[first], clock.who[first]
    if second >= 0:
        start, before = later(clock, second, start, before)
    for token in job["waits"]:
        if token >= 0:
            start, before = later(clock, token, start, before)
    return start, before


@inlined
def served(clock: Clock, port: int, start: int, cycles: int) -> int:
    """When an SRAM port has served `cycles` of work that begins at `start`, and all work before.

    Array and vector unit queue at the port from their start on. Transfers and the output stage
    (start 0) take their cycles wherever the port has been idle: they slow what comes after them
    only once the port is truly full.
    """
    clock.time[port] = max(clock.time[port], start) + cycles
    return clock.time[port]


@inlined
def served_at(
    clock: Clock, machine: Machine, port: int, start: int, cycles: int, bytes_: int
) -> int:
    """`served`, by the port and by what it shares with the other one: a port, or the banks.

    A job without work for the port does not queue there, and does not keep it for others.
    """
    if cycles == 0:
        return start
    shared = shared_cycles(cycles, bytes_, machine)
    through = served(clock, port, start, cycles)
    if shared == 0:
        return through
    return max(through, served(clock, ALL_PORTS, start, shared))


@inlined
def later(clock: Clock, moment: int, start: int, before: int) -> tuple[int, int]:
    """The later of `start` (set by job `before`) and a moment, with the job that set it."""
    if clock.time[moment] > start:
        return clock.time[moment], clock.who[moment]
    return start, before


@inlined
def set_moment(clock: Clock, moment: int, time: int, number: int) -> None:
    """Job `number` sets a moment."""
    clock.time[moment] = time
    clock.who[moment] = number


@inlined
def raise_moment(clock: Clock, moment: int, time: int, number: int) -> None:
    """Job `number` sets a moment, unless an earlier job set it to a later time."""
    if time >= clock.time[moment]:
        set_moment(clock, moment, time, number)


@compiled
def queued_of(stream: int, place: int) -> int:
    """The moment from which a load in a queue may be served."""
    return _PER_PLACE + stream * RING + place


@compiled
def released_of(stream: int, place: int) -> int:
    """The moment when the tile of a load has been read for the last time."""
    return _PER_PLACE + (2 + stream) * RING + place


@compiled
def began_of(stream: int) -> int:
    """The moment that the first load of a queue has not waited for others since."""
    return _PER_STREAM + stream


@compiled
def last_load_of(stream: int) -> int:
    """The moment when the last load of a stream arrived."""
    return _PER_STREAM + 2 + stream


@compiled
def resume_of(stream: int) -> int:
    """The moment when room came for the first load of a queue, which was blocked."""
    return _PER_STREAM + 4 + stream


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
