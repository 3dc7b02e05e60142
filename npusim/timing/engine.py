"""Where time advances: each job starts when its resource is free and what it needs has arrived.

Every resource serves its queue in the order in which the walker emits, so a job's start is the
latest of a few moments that are known when it is emitted: its resource's, its tokens', its
tensors'. Each moment remembers the job that set it; `attribution.py` follows these back from the
last job. All times are whole cycles of the NPU clock.
"""

from __future__ import annotations

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
)
from npusim.schedule.tiles import part_of, tile_count
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
from npusim.timing.clock import (
    ARRAY_FREE,
    BUS_FREE,
    FIRST_OUTPUT,
    LAST_COMPUTE,
    POST_FREE,
    READ_CHANNEL,
    READ_PORT,
    VECTOR_FREE,
    WRITE_CHANNEL,
    WRITE_PORT,
    Clock,
    arrival_of,
    end_of,
    later,
    new_clock,
    open_of,
    raise_moment,
    ready,
    served,
    set_moment,
    work_of,
)
from npusim.timing.records import COUNTS, LOG, Run


@compiled
def simulate(steps: np.ndarray, operands: np.ndarray, tensors: int, machine: Machine) -> Run:
    """Walk the Program and time every job."""
    clock = new_clock(steps.size, tensors)
    counts = np.zeros(steps.size, COUNTS)
    log = np.zeros(_most_jobs(steps), LOG)
    block = np.zeros(BLOCK_JOBS, JOB)
    state = np.zeros(STATE_SIZE, np.int64)
    state[PENDING_STEP] = -1
    done = 0
    while True:
        count = walk(steps, operands, state, block)
        if count == 0:
            break
        for place in range(count):
            _serve(steps, operands, machine, clock, block[place], log, done, counts)
            done += 1
    cycles = 0
    for at in range(steps.size):
        cycles = max(cycles, clock.time[end_of(at)])
    return Run(log[:done], counts, cycles)


@compiled
def _most_jobs(steps: np.ndarray) -> int:
    """No Program has more: a dispatch a step; two loads, compute, post and store a tile."""
    jobs = 0
    for at in range(steps.size):
        jobs += 1 + 5 * tile_count(steps[at])
    return jobs


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
            set_moment(clock, token, entry["end"], number)
    raise_moment(clock, end_of(job["step"]), entry["end"], number)


@compiled
def _view(clock: Clock, job: np.void, entry: np.void) -> None:
    """A view takes no time: what follows it waits for what the step before it did."""
    before = job["step"] - 1
    end = clock.time[end_of(before)]
    _note(entry, end, end, clock.who[end_of(before)], DISPATCH_CAUSE)
    raise_moment(
        clock, work_of(job["step"]), clock.time[work_of(before)], clock.who[work_of(before)]
    )


@compiled
def _compute(
    step: np.void, operands: np.ndarray, machine: Machine, clock: Clock,
    job: np.void, entry: np.void, number: int, count: np.void,
) -> None:  # fmt: skip
    """A tile on the MAC array; new weights first need their time into the weight registers."""
    work = array_work(step, operands, part_of(step, job["bounds"]), machine)
    start, before = ready(clock, job, ARRAY_FREE, open_of(job["step"]))
    lead = 0
    arrived = job["waits"][0]
    if arrived >= 0 and clock.time[arrived] + work.weight_lead > start:
        before = clock.who[arrived]
        lead = work.weight_lead
        start = clock.time[arrived] + lead
    through = served(clock, READ_PORT, start, work.port_cycles)
    _note(entry, start - lead, max(start + work.occupied, through), before, COMPUTE_CAUSE)
    entry["stall"] = entry["end"] - start - work.occupied
    entry["compute"] = work.compute
    entry["fill"] = work.fill
    entry["weight_load"] = work.weight_load + lead
    end = entry["end"]
    set_moment(clock, ARRAY_FREE, end, number)
    set_moment(clock, LAST_COMPUTE, end + work.tail, number)
    set_moment(clock, FIRST_OUTPUT, min(end, start + work.first_output), number)
    raise_moment(clock, work_of(job["step"]), end, number)
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
    start, before = ready(clock, job, VECTOR_FREE, open_of(job["step"]))
    start, before = later(clock, end_of(job["step"] - 1), start, before)
    through = max(
        served(clock, READ_PORT, start, work.read_cycles),
        served(clock, WRITE_PORT, start, work.write_cycles),
    )
    _note(entry, start, max(start + work.cycles, through), before, VECTOR_CAUSE)
    end = entry["end"]
    set_moment(clock, VECTOR_FREE, end, number)
    raise_moment(clock, work_of(job["step"]), end, number)
    if job["last"]:
        _arrive(step, operands, RESIDENT, clock, end, number)
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
    start, before = ready(clock, job, POST_FREE, begins)
    start, before = later(clock, end_of(job["step"] - 1), start, before)
    end = max(start + work.cycles, served(clock, WRITE_PORT, 0, work.write_cycles))
    if clock.time[LAST_COMPUTE] > end:
        start = end = clock.time[LAST_COMPUTE]
        before = clock.who[LAST_COMPUTE]
    tail = 0
    if start == clock.time[LAST_COMPUTE] and before == clock.who[LAST_COMPUTE]:
        tail = start - clock.time[ARRAY_FREE]
    _note(entry, start - tail, end, before, POSTPROCESS)
    entry["fill"] = tail
    set_moment(clock, POST_FREE, end, number)
    raise_moment(clock, work_of(job["step"]), end, number)
    if job["last"]:
        _arrive(step, operands, RESIDENT, clock, end, number)
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
    begin, before = ready(clock, job, channel, -1)
    if job["after_step"] >= 0:
        begin, before = later(clock, end_of(job["after_step"]), begin, before)
    if loading:
        for row in range(step["operand_start"], step["operand_stop"]):
            if operands[row]["stream"] == job["stream"] and not operands[row]["constant"]:
                begin, before = later(clock, arrival_of(clock, operands[row]), begin, before)
    set_moment(clock, channel, begin + machine.dma_setup, number)
    entry["ready"] = begin
    entry["ready_before"] = before
    data = begin + machine.dma_setup + machine.dram_latency
    if clock.time[BUS_FREE] > data:
        data, before = later(clock, BUS_FREE, data, before)
        begin = data
    else:
        entry["setup"] = machine.dma_setup
        entry["latency"] = machine.dram_latency
    end = max(data + work.cycles, served(clock, port, 0, work.port_cycles))
    cause = WAIT_WEIGHTS if job["stream"] == 0 else WAIT_INPUTS
    _note(entry, begin, end, before, cause if loading else WAIT_OUTPUT_BUFFER)
    set_moment(clock, BUS_FREE, end, number)
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
    start, before = ready(clock, job, work_of(job["step"] - 1), -1)
    for row in range(step["operand_start"], step["operand_stop"]):
        operand = operands[row]
        if operand["role"] != OUTPUTS and operand["stream"] == RESIDENT and not operand["constant"]:
            start, before = later(clock, arrival_of(clock, operand), start, before)
    end = start + step["dispatch_cycles"] + machine.sram_latency
    _note(entry, start, end, before, DISPATCH_CAUSE)
    entry["latency"] = machine.sram_latency
    set_moment(clock, open_of(job["step"]), entry["end"], number)
    raise_moment(clock, work_of(job["step"]), entry["end"], number)


@compiled
def _host(
    step: np.void, operands: np.ndarray, clock: Clock, job: np.void, entry: np.void, number: int
) -> None:
    """The host runs a whole operator, after everything before it."""
    start, before = ready(clock, job, end_of(job["step"] - 1), work_of(job["step"] - 1))
    _note(entry, start, start + step["host_cycles"], before, HOST_CAUSE)
    raise_moment(clock, work_of(job["step"]), entry["end"], number)
    _arrive(step, operands, OUTPUTS, clock, entry["end"], number)
    _arrive(step, operands, RESIDENT, clock, entry["end"], number)


@compiled
def _note(entry: np.void, begin: int, end: int, before: int, cause: int) -> None:
    entry["begin"] = begin
    entry["end"] = end
    entry["before"] = before
    entry["cause"] = cause


@compiled
def _arrive(
    step: np.void, operands: np.ndarray, stream: int, clock: Clock, time: int, number: int
) -> None:
    """The outputs of `step` in `stream` are where their readers look for them."""
    for row in range(step["operand_start"], step["operand_stop"]):
        if operands[row]["role"] == OUTPUTS and operands[row]["stream"] == stream:
            raise_moment(clock, arrival_of(clock, operands[row]), time, number)
