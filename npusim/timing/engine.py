"""Where time advances: each job starts when its resource is free and what it needs has arrived.

Every resource serves its queue in the order in which the walker emits, so a job's start is the
latest of a few moments that are known when it is emitted: its resource's, its tokens', its
tensors'. Each moment remembers the job that set it; `attribution.py` follows these back from the
last job. All times are whole cycles of the NPU clock.
"""

from __future__ import annotations

import numpy as np

from npusim.cost.machine import Machine
from npusim.jit import allocating, inlined
from npusim.schedule.tables import (
    ARRAY,
    COMPUTE,
    DISPATCH,
    HOST_JOB,
    JOB,
    LOAD,
    OUTPUTS,
    POST,
    RESIDENT,
    STORE,
)
from npusim.schedule.walker import BLOCK_JOBS, ENTERED, PENDING_STEP, STATE_SIZE, STEP_AT, walk
from npusim.timing.attribution import attribute
from npusim.timing.causes import DISPATCH_CAUSE, HOST_CAUSE
from npusim.timing.clock import (
    LATEST,
    Clock,
    arrival_of,
    end_of,
    later,
    new_clock,
    open_of,
    raise_moment,
    ready,
    set_moment,
    work_of,
)
from npusim.timing.compute import compute, drain, vector
from npusim.timing.limits import least_cycles, least_rest
from npusim.timing.notes import arrive, note
from npusim.timing.passages import new_heads, pass_over
from npusim.timing.records import (
    COUNTS,
    LOG,
    NO_LOG,
    NOBODY,
    SETTLED,
    WHOLE_LOG,
    Run,
    clear,
    doubled,
)
from npusim.timing.repeats import look
from npusim.timing.settling import settle
from npusim.timing.streams import awaits, enqueue, release, serve_next
from npusim.timing.transfers import transfer
from npusim.timing.watch import Watch, new_watch, next_look, note_start
from npusim.timing.works import Works, no_works

_FIRST_JOBS = 1024
"""Size of a whole log at first; it doubles when it is full."""
PLACE, USED, EMITTED = range(3)
"""Places in what is done: jobs of the block, entries of the log, jobs of the Program."""


@allocating
def simulate(
    steps: np.ndarray, operands: np.ndarray, tensors: int, machine: Machine, window: int,
    limit: int,
) -> Run:  # fmt: skip
    """Walk the Program and time every job.

    `window` is how many jobs the log holds at a time, or NO_LOG (nothing is attributed) or
    WHOLE_LOG (the log is returned); no result depends on it. A Program that takes `limit` cycles
    or more may be left before its end.
    """
    clock = new_clock(steps.size, tensors)
    works = no_works()
    counts = np.zeros(steps.size, COUNTS)
    log = np.zeros(_FIRST_JOBS if window == WHOLE_LOG else max(1, window), LOG)
    settled = np.zeros(0, SETTLED)
    block = np.zeros(BLOCK_JOBS, JOB)
    state = np.zeros(STATE_SIZE, np.int64)
    state[PENDING_STEP] = -1
    done = np.zeros(3, np.int64)
    rest = least_rest(steps, operands, machine, limit)
    watched = window == NO_LOG and not machine.round_robin
    watch = new_watch()
    cycles = 0
    heads = new_heads(steps, operands, tensors)
    while state[STEP_AT] < steps.size and cycles < limit:
        if watched and state[ENTERED] == 0:
            pass_over(heads, watch, steps, operands, clock, state, counts)
        stop = next_look(watch, steps, state) if watched else -1
        jobs = walk(steps, operands, state, block, stop)
        done[PLACE] = 0
        while done[PLACE] < jobs:
            _serve_some(
                steps, operands, machine, clock, works, block, jobs, log, window, counts, watch,
                done,
            )  # fmt: skip
            if done[USED] == log.size:
                if window != WHOLE_LOG:
                    done[USED], settled = settle(log, done[USED], settled, clock.who, steps.size)
                if 2 * done[USED] > log.size:
                    log = doubled(log)
        if watched:
            look(watch, steps, operands, clock, state, counts)
        cycles = least_cycles(clock, state, rest)
    last = clock.who[LATEST] if window != NO_LOG else NOBODY
    shares = attribute(log, settled, last, steps.size)
    kept = log[: done[USED]] if window == WHOLE_LOG else log[:0].copy()
    return Run(kept, shares, counts, cycles, done[EMITTED], cycles < limit)


@inlined
def _serve_some(
    steps: np.ndarray, operands: np.ndarray, machine: Machine, clock: Clock, works: Works,
    block: np.ndarray, jobs: int, log: np.ndarray, window: int, counts: np.ndarray, watch: Watch,
    done: np.ndarray,
) -> None:  # fmt: skip
    """Time the first `jobs` jobs of `block` from the PLACE in `done` on, until the log is full.

    Without a log every job has the first entry.
    """
    more = 0 if window == NO_LOG else 1
    while done[PLACE] < jobs and done[USED] < log.size:
        job, number = block[done[PLACE]], done[USED]
        if machine.round_robin and job["kind"] == LOAD:
            at = job["step"]
            enqueue(steps[at], operands, machine, clock, works, job, done[EMITTED], counts[at])
        elif machine.round_robin and awaits(clock, job):
            clear(log[number])
            serve_next(machine, clock, log, number)
            done[USED] += more
            continue
        else:
            clear(log[number])
            log[number]["job"] = done[EMITTED]
            _serve(steps, operands, machine, clock, works, job, log, number, counts)
            note_start(watch, log[number], job["kind"] in (LOAD, STORE))
            done[USED] += more
        done[EMITTED] += 1
        done[PLACE] += 1


@inlined
def _serve(
    steps: np.ndarray, operands: np.ndarray, machine: Machine, clock: Clock, works: Works,
    job: np.void, log: np.ndarray, number: int, counts: np.ndarray,
) -> None:  # fmt: skip
    """Time one job by its kind and count what it does."""
    step = steps[job["step"]]
    entry = log[number]
    count = counts[job["step"]]
    entry["step"] = job["step"]
    kind = job["kind"]
    count["jobs"] += 1
    if kind == COMPUTE and step["unit"] == ARRAY:
        compute(step, operands, machine, clock, works, job, entry, number, count)
    elif kind == COMPUTE:
        vector(step, operands, machine, clock, works, job, entry, number, count)
    elif kind == POST:
        drain(step, operands, machine, clock, works, job, entry, number, count)
    elif kind in (LOAD, STORE):
        transfer(step, operands, machine, clock, works, job, entry, number, count)
    elif kind == DISPATCH:
        _dispatch(step, operands, machine, clock, job, entry, number)
    elif kind == HOST_JOB:
        _host(step, operands, clock, job, entry, number)
    else:
        _view(clock, job, entry)
    for token in job["signals"]:
        if token >= 0:
            set_moment(clock, token, entry["end"], number)
    raise_moment(clock, end_of(job["step"]), entry["end"], number)
    raise_moment(clock, LATEST, entry["end"], number)
    if kind == COMPUTE and machine.round_robin:
        release(clock, job, entry["end"], number)


@inlined
def _view(clock: Clock, job: np.void, entry: np.void) -> None:
    """A view takes no time: what follows it waits for what the step before it did."""
    before = job["step"] - 1
    end = clock.time[end_of(before)]
    note(entry, end, end, clock.who[end_of(before)], DISPATCH_CAUSE)
    raise_moment(
        clock, work_of(job["step"]), clock.time[work_of(before)], clock.who[work_of(before)]
    )


@inlined
def _dispatch(
    step: np.void, operands: np.ndarray, machine: Machine, clock: Clock,
    job: np.void, entry: np.void, number: int,
) -> None:  # fmt: skip
    """The controller starts a step: after the previous one's work, when its inputs are there.

    Several cores meet before it. The first access to SRAM has its latency, and the first block of
    inputs its way into the array; later ones are pipelined behind them.
    """
    start, before = ready(clock, job, work_of(job["step"] - 1), -1)
    for row in range(step["operand_start"], step["operand_stop"]):
        operand = operands[row]
        if operand["role"] != OUTPUTS and operand["stream"] == RESIDENT and not operand["constant"]:
            start, before = later(clock, arrival_of(clock, operand), start, before)
    entry["latency"] = machine.sram_latency + step["lead_cycles"]
    end = start + step["dispatch_cycles"] + machine.core_sync + entry["latency"]
    note(entry, start, end, before, DISPATCH_CAUSE)
    entry["sync"] = machine.core_sync
    set_moment(clock, open_of(job["step"]), entry["end"], number)
    raise_moment(clock, work_of(job["step"]), entry["end"], number)


@inlined
def _host(
    step: np.void, operands: np.ndarray, clock: Clock, job: np.void, entry: np.void, number: int
) -> None:
    """The host runs a whole operator, after everything before it."""
    start, before = ready(clock, job, end_of(job["step"] - 1), work_of(job["step"] - 1))
    note(entry, start, start + step["host_cycles"], before, HOST_CAUSE)
    raise_moment(clock, work_of(job["step"]), entry["end"], number)
    arrive(step, operands, OUTPUTS, clock, entry["end"], number)
    arrive(step, operands, RESIDENT, clock, entry["end"], number)
