"""Where time advances: each job starts when its resource is free and what it needs has arrived.

Every resource serves its queue in the order in which the walker emits, so a job's start is the
latest of a few moments that are known when it is emitted: its resource's, its tokens', its
tensors'. Each moment remembers the job that set it; `attribution.py` follows these back from the
last job. All times are whole cycles of the NPU clock.

Moments lie in one vector: buffer tokens, resources, then three per step (end of all its jobs, end
of its computation, start of its work) and one per tensor (arrived where its readers look for it).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.cost.machine import Machine
from npusim.jit import compiled
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
    TOKENS,
)
from npusim.schedule.tiles import part_of
from npusim.schedule.walker import BLOCK_JOBS, PENDING_STEP, STATE_SIZE, walk
from npusim.schedule.work import array_work, post_work, transfer_work, vector_work
from npusim.timing.causes import (
    COMPUTE_CAUSE,
    DISPATCH_CAUSE,
    HOST_CAUSE,
    POSTPROCESS,
    VECTOR_CAUSE,
    WAIT_INPUTS,
    WAIT_OUTPUT_BUFFER,
    WAIT_WEIGHTS,
)

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
) = range(TOKENS, TOKENS + 10)
_STEPS = TOKENS + 10

LOG = np.dtype(
    [
        ("begin", np.int64),
        ("end", np.int64),
        ("before", np.int64),
        ("ready", np.int64),
        ("ready_before", np.int64),
        ("step", np.int64),
        ("cause", np.int64),
        ("setup", np.int64),
        ("latency", np.int64),
        ("fill", np.int64),
        ("stall", np.int64),
        ("weight_load", np.int64),
        ("compute", np.float64),
    ]
)
"""What is kept of a job: the interval that only it can explain, and the job that let it begin.

A transfer that waits for the bus begins when the bus is free; its set-up ran before that, from
`ready` on, and freed the channel for the next transfer: `ready_before` is the job that let it.
`setup`, `latency`, `fill`, `stall` (for the SRAM port), `weight_load` and `compute` are parts of
begin..end."""

COUNTS = np.dtype(
    [
        *((name, np.int64) for name in ("dram_read", "dram_write", "sram_read", "sram_write")),
        *((name, np.int64) for name in ("array_busy", "vector_busy", "post_busy", "bus_busy")),
        *((name, np.int64) for name in ("macs", "vector_ops", "outputs", "tiles", "jobs")),
        *((f"{name}_bytes", np.int64) for name in ("weights", "inputs", "stored")),
    ]
)
"""What one step did: bytes by memory, busy cycles by resource, work."""


class Clock(NamedTuple):
    """The moments known so far (`time`) and the jobs that set them (`who`)."""

    time: np.ndarray
    who: np.ndarray
    steps: int


class Run(NamedTuple):
    """A finished simulation: the log of its jobs, the counts of its steps, its length."""

    log: np.ndarray
    counts: np.ndarray
    cycles: int


@compiled
def simulate(steps: np.ndarray, operands: np.ndarray, tensors: int, machine: Machine) -> Run:
    """Walk the Program and time every job."""
    moments = _STEPS + 3 * (steps.size + 1) + tensors
    clock = Clock(np.zeros(moments, np.int64), np.full(moments, -1, np.int64), steps.size)
    counts = np.zeros(steps.size, COUNTS)
    log = np.zeros(BLOCK_JOBS, LOG)
    block = np.zeros(BLOCK_JOBS, JOB)
    state = np.zeros(STATE_SIZE, np.int64)
    state[PENDING_STEP] = -1
    done = 0
    while True:
        count = walk(steps, operands, state, block)
        if count == 0:
            break
        if done + count > log.size:
            larger = np.zeros(2 * log.size, LOG)
            larger[:done] = log[:done]
            log = larger
        for place in range(count):
            _serve(steps, operands, machine, clock, block[place], log, done, counts)
            done += 1
    cycles = 0
    for at in range(steps.size):
        cycles = max(cycles, clock.time[_end_of(at)])
    return Run(log[:done], counts, cycles)


@compiled
def _serve(
    steps: np.ndarray, operands: np.ndarray, machine: Machine, clock: Clock,
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
        _compute(step, operands, machine, clock, job, entry, number, count)
    elif kind == COMPUTE:
        _vector(step, operands, machine, clock, job, entry, number, count)
    elif kind == POST:
        _drain(step, operands, machine, clock, job, entry, number, count)
    elif kind in (LOAD, STORE):
        _transfer(step, operands, machine, clock, job, entry, number, count)
    elif kind == DISPATCH:
        _dispatch(step, operands, machine, clock, job, entry, number)
    elif kind == HOST_JOB:
        _host(step, operands, clock, job, entry, number)
    else:
        _view(clock, job, entry)
    for token in job["signals"]:
        if token >= 0:
            _set(clock, token, entry["end"], number)
    _raise(clock, _end_of(job["step"]), entry["end"], number)


@compiled
def _view(clock: Clock, job: np.void, entry: np.void) -> None:
    """A view takes no time: what follows it waits for what the step before it did."""
    before = job["step"] - 1
    end = clock.time[_end_of(before)]
    _note(entry, end, end, clock.who[_end_of(before)], DISPATCH_CAUSE)
    _raise(clock, _work_of(job["step"]), clock.time[_work_of(before)], clock.who[_work_of(before)])


@compiled
def _compute(
    step: np.void, operands: np.ndarray, machine: Machine, clock: Clock,
    job: np.void, entry: np.void, number: int, count: np.void,
) -> None:  # fmt: skip
    """A tile on the MAC array; new weights first need their time into the weight registers."""
    work = array_work(step, operands, part_of(step, job["bounds"]), machine)
    start, before = _ready(clock, job, ARRAY_FREE, _open_of(job["step"]))
    lead = 0
    arrived = job["waits"][0]
    if arrived >= 0 and clock.time[arrived] + work.weight_lead > start:
        before = clock.who[arrived]
        lead = work.weight_lead
        start = clock.time[arrived] + lead
    served = _served(clock, READ_PORT, start, work.port_cycles)
    _note(entry, start - lead, max(start + work.occupied, served), before, COMPUTE_CAUSE)
    entry["stall"] = entry["end"] - start - work.occupied
    entry["compute"] = work.compute
    entry["fill"] = work.fill
    entry["weight_load"] = work.weight_load + lead
    end = entry["end"]
    _set(clock, ARRAY_FREE, end, number)
    _set(clock, LAST_COMPUTE, end + work.tail, number)
    _set(clock, FIRST_OUTPUT, min(end, start + work.first_output), number)
    _raise(clock, _work_of(job["step"]), end, number)
    count["array_busy"] += end - start
    count["macs"] += work.macs
    count["sram_read"] += work.read_bytes
    count["tiles"] += 1


@compiled
def _vector(
    step: np.void, operands: np.ndarray, machine: Machine, clock: Clock,
    job: np.void, entry: np.void, number: int, count: np.void,
) -> None:  # fmt: skip
    """A tile on the vector unit, reading and writing SRAM as it goes."""
    work = vector_work(step, operands, part_of(step, job["bounds"]), machine)
    start, before = _ready(clock, job, VECTOR_FREE, _open_of(job["step"]))
    start, before = _later(clock, _end_of(job["step"] - 1), start, before)
    served = max(
        _served(clock, READ_PORT, start, work.read_cycles),
        _served(clock, WRITE_PORT, start, work.write_cycles),
    )
    _note(entry, start, max(start + work.cycles, served), before, VECTOR_CAUSE)
    end = entry["end"]
    _set(clock, VECTOR_FREE, end, number)
    _raise(clock, _work_of(job["step"]), end, number)
    if job["last"]:
        _arrive(step, operands, RESIDENT, clock, end, number)
    count["vector_busy"] += end - start
    count["vector_ops"] += work.ops
    count["outputs"] += work.outputs
    count["sram_read"] += work.read_bytes
    count["sram_write"] += work.write_bytes
    count["tiles"] += 1


@compiled
def _drain(
    step: np.void, operands: np.ndarray, machine: Machine, clock: Clock,
    job: np.void, entry: np.void, number: int, count: np.void,
) -> None:  # fmt: skip
    """The output stage: follows the array's outputs as they leave, or after the tile.

    What the last outputs need to leave an array that is done (its tail) is the array's drain.
    """
    work = post_work(step, operands, part_of(step, job["bounds"]), machine)
    begins = FIRST_OUTPUT if machine.array.hide_drain else LAST_COMPUTE
    start, before = _ready(clock, job, POST_FREE, begins)
    start, before = _later(clock, _end_of(job["step"] - 1), start, before)
    end = max(start + work.cycles, _served(clock, WRITE_PORT, 0, work.write_cycles))
    if clock.time[LAST_COMPUTE] > end:
        start = end = clock.time[LAST_COMPUTE]
        before = clock.who[LAST_COMPUTE]
    tail = 0
    if start == clock.time[LAST_COMPUTE] and before == clock.who[LAST_COMPUTE]:
        tail = start - clock.time[ARRAY_FREE]
    _note(entry, start - tail, end, before, POSTPROCESS)
    entry["fill"] = tail
    _set(clock, POST_FREE, end, number)
    _raise(clock, _work_of(job["step"]), end, number)
    if job["last"]:
        _arrive(step, operands, RESIDENT, clock, end, number)
    count["post_busy"] += work.cycles
    count["outputs"] += work.outputs
    count["sram_write"] += work.write_bytes


@compiled
def _transfer(
    step: np.void, operands: np.ndarray, machine: Machine, clock: Clock,
    job: np.void, entry: np.void, number: int, count: np.void,
) -> None:  # fmt: skip
    """A DMA transfer: set-up on its channel, latency of the memory, then data on the shared bus."""
    work = transfer_work(step, operands, job["stream"], part_of(step, job["bounds"]), machine)
    loading = job["kind"] == LOAD
    channel = READ_CHANNEL if loading or machine.dma_channels == 1 else WRITE_CHANNEL
    port = WRITE_PORT if loading else READ_PORT
    ready, before = _ready(clock, job, channel, -1)
    if job["after_step"] >= 0:
        ready, before = _later(clock, _end_of(job["after_step"]), ready, before)
    if loading:
        for row in range(step["operand_start"], step["operand_stop"]):
            if operands[row]["stream"] == job["stream"] and not operands[row]["constant"]:
                ready, before = _later(clock, _tensor(clock, operands[row]), ready, before)
    _set(clock, channel, ready + machine.dma_setup, number)
    entry["ready"] = ready
    entry["ready_before"] = before
    data = ready + machine.dma_setup + machine.dram_latency
    if clock.time[BUS_FREE] > data:
        data, before = _later(clock, BUS_FREE, data, before)
        begin = data
    else:
        begin = ready
        entry["setup"] = machine.dma_setup
        entry["latency"] = machine.dram_latency
    end = max(data + work.cycles, _served(clock, port, 0, work.port_cycles))
    cause = WAIT_WEIGHTS if job["stream"] == 0 else WAIT_INPUTS
    _note(entry, begin, end, before, cause if loading else WAIT_OUTPUT_BUFFER)
    _set(clock, BUS_FREE, end, number)
    count["bus_busy"] += work.cycles
    if loading:
        count["dram_read"] += work.bus_bytes
        count["sram_write"] += job["bytes"]
        if job["stream"] == 0:
            count["weights_bytes"] += job["bytes"]
        else:
            count["inputs_bytes"] += job["bytes"]
    else:
        count["dram_write"] += work.bus_bytes
        count["sram_read"] += job["bytes"]
        count["stored_bytes"] += job["bytes"]
        if job["last"]:
            _arrive(step, operands, OUTPUTS, clock, end, number)


@compiled
def _dispatch(
    step: np.void, operands: np.ndarray, machine: Machine, clock: Clock,
    job: np.void, entry: np.void, number: int,
) -> None:  # fmt: skip
    """The controller starts a step: after the previous one's work, when its inputs are there.

    The first access to SRAM has its latency; later ones are pipelined behind it.
    """
    start, before = _ready(clock, job, _work_of(job["step"] - 1), -1)
    for row in range(step["operand_start"], step["operand_stop"]):
        operand = operands[row]
        if operand["role"] != OUTPUTS and operand["stream"] == RESIDENT and not operand["constant"]:
            start, before = _later(clock, _tensor(clock, operand), start, before)
    end = start + step["dispatch_cycles"] + machine.sram_latency
    _note(entry, start, end, before, DISPATCH_CAUSE)
    entry["latency"] = machine.sram_latency
    _set(clock, _open_of(job["step"]), entry["end"], number)
    _raise(clock, _work_of(job["step"]), entry["end"], number)


@compiled
def _host(
    step: np.void, operands: np.ndarray, clock: Clock, job: np.void, entry: np.void, number: int
) -> None:
    """The host runs a whole operator, after everything before it."""
    start, before = _ready(clock, job, _end_of(job["step"] - 1), _work_of(job["step"] - 1))
    _note(entry, start, start + step["host_cycles"], before, HOST_CAUSE)
    _raise(clock, _work_of(job["step"]), entry["end"], number)
    _arrive(step, operands, OUTPUTS, clock, entry["end"], number)
    _arrive(step, operands, RESIDENT, clock, entry["end"], number)


@compiled
def _ready(clock: Clock, job: np.void, first: int, second: int) -> tuple[int, int]:
    """The latest of two moments (-1: none) and the tokens that `job` waits for, and who set it."""
    start, before = clock.time[first], clock.who[first]
    if second >= 0:
        start, before = _later(clock, second, start, before)
    for token in job["waits"]:
        if token >= 0:
            start, before = _later(clock, token, start, before)
    return start, before


@compiled
def _served(clock: Clock, port: int, start: int, cycles: int) -> int:
    """When an SRAM port has served `cycles` of work that begins at `start`, and all work before.

    Array and vector unit queue at the port from their start on. Transfers and the output stage
    (start 0) take their cycles wherever the port has been idle: they slow what comes after them
    only once the port is truly full.
    """
    clock.time[port] = max(clock.time[port], start) + cycles
    return clock.time[port]


@compiled
def _later(clock: Clock, moment: int, start: int, before: int) -> tuple[int, int]:
    if clock.time[moment] > start:
        return clock.time[moment], clock.who[moment]
    return start, before


@compiled
def _note(entry: np.void, begin: int, end: int, before: int, cause: int) -> None:
    entry["begin"] = begin
    entry["end"] = end
    entry["before"] = before
    entry["cause"] = cause


@compiled
def _set(clock: Clock, moment: int, time: int, number: int) -> None:
    clock.time[moment] = time
    clock.who[moment] = number


@compiled
def _raise(clock: Clock, moment: int, time: int, number: int) -> None:
    if time >= clock.time[moment]:
        _set(clock, moment, time, number)


@compiled
def _arrive(
    step: np.void, operands: np.ndarray, stream: int, clock: Clock, time: int, number: int
) -> None:
    """The outputs of `step` in `stream` are where their readers look for them."""
    for row in range(step["operand_start"], step["operand_stop"]):
        if operands[row]["role"] == OUTPUTS and operands[row]["stream"] == stream:
            _raise(clock, _tensor(clock, operands[row]), time, number)


@compiled
def _end_of(at: int) -> int:
    return _STEPS + 3 * (at + 1)


@compiled
def _work_of(at: int) -> int:
    return _STEPS + 3 * (at + 1) + 1


@compiled
def _open_of(at: int) -> int:
    return _STEPS + 3 * (at + 1) + 2


@compiled
def _tensor(clock: Clock, operand: np.void) -> int:
    return _STEPS + 3 * (clock.steps + 1) + int(operand["tensor"])
