"""The rules of time, one function each, solved without an engine.

A rule yields constraints (event, earlier event, lag): `event` happens at least `lag` cycles after
`earlier event`. An event is (job number, what happens); a job's "start" is when it occupies its
resource (a transfer's "ready" and "data" are the start of its set-up and of its data phase). The
moments of a Program are the least solution: all constraints are gone over until nothing moves.

The rules are those that the docstrings of walker, engine and `DESIGN.md` state in words.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from npusim.cost.transfer import shared_cycles
from npusim.schedule.program import Program
from npusim.schedule.tables import (
    ALIAS,
    ALIAS_JOB,
    ARRAY,
    COMPUTE,
    DISPATCH,
    HOST_JOB,
    INPUTS,
    LOAD,
    OUTPUTS,
    POST,
    RESIDENT,
    STORE,
    WEIGHTS,
)
from npusim.schedule.tiles import part_of
from npusim.schedule.work import array_work, holds_weights, post_work, transfer_work, vector_work

Event = tuple[int, str]
Constraint = tuple[Event, Event | None, int]


class Jobs:
    """The job records with what the rules ask of them."""

    def __init__(self, program: Program, records: np.ndarray) -> None:
        self.program = program
        self.records = records
        self.machine = program.machine
        self.count = len(records)
        self.work = [self._work_of(job) for job in records]

    def _work_of(self, job: np.void):
        step = self.program.table[job["step"]]
        part = part_of(step, job["bounds"])
        operands = self.program.operands
        if job["kind"] == COMPUTE and step["unit"] == ARRAY:
            held = bool(job["bounds"][[0, 8, 10]].any()) and holds_weights(step, self.machine)
            return array_work(step, operands, part, self.machine, held)
        if job["kind"] == COMPUTE:
            return vector_work(step, operands, part, self.machine)
        if job["kind"] == POST:
            return post_work(step, operands, part, self.machine)
        if job["kind"] in (LOAD, STORE):
            return transfer_work(step, operands, job["stream"], part, self.machine)
        return None

    def kind(self, number: int) -> int:
        """Kind of a job."""
        return int(self.records[number]["kind"])

    def step(self, number: int) -> int:
        """Step of a job."""
        return int(self.records[number]["step"])

    def row(self, number: int) -> np.void:
        """Table row of a job's step."""
        return self.program.table[self.step(number)]

    def on_array(self, number: int) -> bool:
        """True for a tile on the MAC array."""
        return self.kind(number) == COMPUTE and self.row(number)["unit"] == ARRAY

    def on_vector(self, number: int) -> bool:
        """True for a tile on the vector unit."""
        return self.kind(number) == COMPUTE and self.row(number)["unit"] != ARRAY

    def all(self, *kinds: int) -> list[int]:
        """Numbers of all jobs of these kinds."""
        return [n for n in range(self.count) if self.kind(n) in kinds]

    def of_step(self, at: int) -> list[int]:
        """Numbers of the jobs of a step."""
        return [n for n in range(self.count) if self.step(n) == at]

    def operands(self, at: int) -> np.ndarray:
        """Operand rows of a step."""
        row = self.program.table[at]
        return self.program.operands[row["operand_start"] : row["operand_stop"]]


def opening(jobs: Jobs, number: int) -> str:
    """The event at which a job may begin."""
    return "ready" if jobs.kind(number) in (LOAD, STORE) else "start"


def lengths(jobs: Jobs) -> Iterator[Constraint]:
    """A job ends when its work is done."""
    for n in range(jobs.count):
        kind, row = jobs.kind(n), jobs.row(n)
        if kind in (LOAD, STORE):
            machine = jobs.machine
            yield (n, "data"), (n, "ready"), machine.dma_setup + machine.dram_latency
            yield (n, "moved"), (n, "data"), jobs.work[n].cycles
            yield (n, "end"), (n, "moved"), 0
            yield (n, "end"), (n, "data"), jobs.work[n].stream_cycles
        elif kind == DISPATCH:
            length = jobs.machine.core_sync + jobs.machine.sram_latency
            length += int(row["dispatch_cycles"] + row["lead_cycles"])
            yield (n, "end"), (n, "start"), length
        else:
            work = jobs.work[n]
            length = int(row["host_cycles"]) if work is None else work.cycles
            yield (n, "end"), (n, "start"), work.cycles if jobs.on_array(n) else length


def one_after_the_other(jobs: Jobs) -> Iterator[Constraint]:
    """Array, vector unit, output stage and bus serve one job at a time, in order."""
    everything = range(jobs.count)
    for queue in (
        [n for n in everything if jobs.on_array(n)],
        [n for n in everything if jobs.on_vector(n)],
        jobs.all(POST),
    ):
        for before, after in itertools.pairwise(queue):
            yield (after, "start"), (before, "end"), 0
    queue = jobs.all(LOAD, STORE)
    rows = jobs.machine.dram_rows
    for before, after in itertools.pairwise(queue):
        turn = rows.turn_to_read if jobs.kind(after) == LOAD else rows.turn_to_write
        same = jobs.kind(before) == jobs.kind(after)
        yield (after, "data"), (before, "moved"), 0 if same else turn


def streams_have_buffers(jobs: Jobs) -> Iterator[Constraint]:
    """A stream with a buffer of its own moves one transfer after the other."""
    before: dict[int, int] = {}
    for n in jobs.all(LOAD, STORE):
        stream = int(jobs.records[n]["stream"])
        if jobs.work[n].stream_cycles > 0:
            if stream in before:
                yield (n, "data"), (before[stream], "end"), 0
            before[stream] = n


def channels_take_their_setup(jobs: Jobs) -> Iterator[Constraint]:
    """A DMA channel starts a transfer when it has set up the one before; one channel serves all."""
    queues = [jobs.all(LOAD, STORE)]
    if jobs.machine.dma_channels > 1:
        queues = [jobs.all(LOAD), jobs.all(STORE)]
    for queue in queues:
        for before, after in itertools.pairwise(queue):
            yield (after, "ready"), (before, "ready"), jobs.machine.dma_setup


def ports_are_shared(jobs: Jobs) -> Iterator[Constraint]:
    """SRAM's read port and its write port serve one after the other, in order of emission.

    A tile on the array or the vector unit is served from its start on; a transfer and the output
    stage may have been served whenever the port was idle. None ends before it was served. Who has
    no work for a port does not queue there.
    """
    reads, writes = [], []
    for n in range(jobs.count):
        work = jobs.work[n]
        if jobs.on_array(n):
            reads.append((n, work.port_cycles))
            writes.append((n, work.write_port_cycles))
        elif jobs.on_vector(n):
            reads.append((n, work.read_cycles))
            writes.append((n, work.write_cycles))
        elif jobs.kind(n) == STORE:
            reads.append((n, work.port_cycles))
        elif jobs.kind(n) == LOAD:
            writes.append((n, work.port_cycles))
        elif jobs.kind(n) == POST:
            writes.append((n, work.write_cycles))
    reads = [(n, cycles) for n, cycles in reads if cycles > 0]
    writes = [(n, cycles) for n, cycles in writes if cycles > 0]
    for name, port in (("read", reads), ("written", writes)):
        yield from _one_port(jobs, name, port)
    everything = []
    for n in sorted({n for n, _ in (*reads, *writes)}):
        for port in (reads, writes):
            for cycles in (cycles for job, cycles in port if job == n):
                taken = _port_bytes(jobs, n, port is reads)
                shared = shared_cycles(cycles, taken, jobs.machine)
                if shared:
                    everything.append((n, shared))
    yield from _one_port(jobs, "shared", everything)


def _port_bytes(jobs: Jobs, number: int, reading: bool) -> int:
    """Bytes that a job reads from SRAM or writes to it."""
    work = jobs.work[number]
    if jobs.kind(number) in (LOAD, STORE):
        return int(jobs.records[number]["bytes"])
    if jobs.on_array(number):
        return work.sum_bytes + (work.read_bytes if reading else 0)
    return work.read_bytes if reading else work.write_bytes


def _one_port(jobs: Jobs, name: str, port: list[tuple[int, int]]) -> Iterator[Constraint]:
    """(job, cycles) in turn; a job that is there twice is served twice."""
    before = None
    for place, (n, cycles) in enumerate(port):
        event = (n, f"{name} {place}")
        yield event, before, cycles
        if jobs.kind(n) == COMPUTE:
            yield event, (n, "start"), cycles
        through = "moved" if jobs.kind(n) in (LOAD, STORE) else "end"
        yield (n, through), event, 0
        before = event


def buffers_are_tokens(jobs: Jobs) -> Iterator[Constraint]:
    """A job waits until the job that last signalled each of its tokens has ended."""
    signalled: dict[int, int] = {}
    for n, job in enumerate(jobs.records):
        for token in job["waits"]:
            if token >= 0 and int(token) in signalled:
                yield (n, opening(jobs, n)), (signalled[int(token)], "end"), 0
        for token in job["signals"]:
            if token >= 0:
                signalled[int(token)] = n


def new_weights_enter_the_array(jobs: Jobs) -> Iterator[Constraint]:
    """Weights that arrived need their lead into the weight registers before the tile starts."""
    loaded: dict[int, int] = {}
    for n, job in enumerate(jobs.records):
        if jobs.on_array(n) and job["waits"][WEIGHTS] >= 0:
            source = loaded[int(job["waits"][WEIGHTS])]
            yield (n, "start"), (source, "end"), jobs.work[n].weight_lead
        if jobs.kind(n) == LOAD:
            loaded[int(job["signals"][0])] = n


def steps_follow_each_other(jobs: Jobs) -> Iterator[Constraint]:
    """Who waits for the previous step's work, and who for all of it, its stores included.

    A dispatch waits for its work (computation and output stage), looking through views; output
    stage, vector unit and host write where its buffers were, so they wait for all of it; loads for
    the step that they name.
    """
    working = (COMPUTE, POST, DISPATCH, HOST_JOB)
    for n in range(jobs.count):
        at, kind = jobs.step(n), jobs.kind(n)
        if kind == DISPATCH:
            last = at - 1
            while last >= 0 and jobs.program.table[last]["unit"] == ALIAS:
                last -= 1
            for before in jobs.of_step(last):
                if jobs.kind(before) in working:
                    yield (n, "start"), (before, "end"), 0
        elif kind in (POST, HOST_JOB, ALIAS_JOB) or jobs.on_vector(n):
            for before in jobs.of_step(at - 1):
                yield (n, "start"), (before, "end"), 0
        elif kind == LOAD and jobs.records[n]["after_step"] >= 0:
            for before in jobs.of_step(int(jobs.records[n]["after_step"])):
                yield (n, "ready"), (before, "end"), 0
        if kind == COMPUTE:
            dispatch = next(d for d in jobs.of_step(at) if jobs.kind(d) == DISPATCH)
            yield (n, "start"), (dispatch, "end"), 0


def tensors_arrive(jobs: Jobs) -> Iterator[Constraint]:
    """A load waits until its tensor is in DRAM, a dispatch until what stays in SRAM is there."""
    arrived: dict[tuple[int, int], int] = {}
    for n in range(jobs.count):
        at, kind = jobs.step(n), jobs.kind(n)
        for operand in jobs.operands(at):
            if kind == LOAD and operand["stream"] == jobs.records[n]["stream"]:
                where = OUTPUTS
            elif kind == DISPATCH and operand["role"] == INPUTS and operand["stream"] == RESIDENT:
                where = RESIDENT
            else:
                continue
            producer = arrived.get((int(operand["tensor"]), where))
            if producer is not None and not operand["constant"]:
                yield (n, opening(jobs, n)), (producer, "end"), 0
        for where, kinds in ((OUTPUTS, (STORE, HOST_JOB)), (RESIDENT, (POST, COMPUTE, HOST_JOB))):
            for operand in jobs.operands(at):
                if kind in kinds and operand["role"] == OUTPUTS and operand["stream"] == where:
                    arrived[int(operand["tensor"]), where] = n


def outputs_leave_the_array(jobs: Jobs) -> Iterator[Constraint]:
    """The output stage follows the first output if the drain is hidden, else the last one.

    It can't end before the last output has left, a tail after the tile's end.
    """
    tile = -1
    for n in range(jobs.count):
        if jobs.on_array(n):
            tile = n
        elif jobs.kind(n) == POST:
            work = jobs.work[tile]
            if jobs.machine.array.hide_drain:
                yield (n, "start"), (tile, "start"), work.first_output
            else:
                yield (n, "start"), (tile, "end"), work.tail
            yield (n, "end"), (tile, "end"), work.tail


RULES = (
    lengths, one_after_the_other, streams_have_buffers, channels_take_their_setup,
    ports_are_shared, buffers_are_tokens,
    new_weights_enter_the_array, steps_follow_each_other, tensors_arrive, outputs_leave_the_array,
)  # fmt: skip


def solve(program: Program, records: np.ndarray) -> dict[Event, int]:
    """The least moments that satisfy every rule; each event is at cycle 0 or later."""
    jobs = Jobs(program, records)
    constraints = [constraint for rule in RULES for constraint in rule(jobs)]
    moments: dict[Event, int] = {}
    moved = True
    while moved:
        moved = False
        for event, earlier, lag in constraints:
            earliest = lag if earlier is None else moments.get(earlier, 0) + lag
            if earliest > moments.get(event, 0):
                moments[event] = earliest
                moved = True
    return moments
