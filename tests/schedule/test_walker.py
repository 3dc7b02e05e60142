"""The walker emits each piece of work once, and its tokens keep buffers from being overwritten.

A replay of the job records that knows nothing of the walker's state checks these claims: it marks
what each job computes, drains, loads and stores, and who holds which buffer.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings

from npusim.ir.ops.movements.reshape import Reshape
from npusim.schedule.program import Program
from npusim.schedule.tables import (
    ALIAS,
    ARRAY,
    COMPUTE,
    DISPATCH,
    FREE_INPUTS,
    FREE_OUTPUTS,
    FREE_SUMS,
    FREE_WEIGHTS,
    FULL_INPUTS,
    FULL_OUTPUTS,
    FULL_WEIGHTS,
    HOST,
    INPUTS,
    LOAD,
    OUTPUTS,
    POST,
    SLOTS,
    STORE,
    WEIGHTS,
)
from npusim.schedule.walker import walk_blocks
from tests.support.graphs import Build
from tests.support.machines import tiny
from tests.support.programs import all_jobs, program_of, random_programs, scheduled_programs

FULL = {WEIGHTS: FULL_WEIGHTS, INPUTS: FULL_INPUTS}
FREE = {WEIGHTS: FREE_WEIGHTS, INPUTS: FREE_INPUTS}
DIMS = ("b", "g", "k", "c", "y", "x")


def box(job: np.void) -> tuple[slice, ...]:
    """Slices of the tile in B, G, K, C, OY, OX."""
    bounds = [int(bound) for bound in job["bounds"]]
    return tuple(slice(*bounds[2 * at : 2 * at + 2]) for at in range(6))


def output_box(job: np.void) -> tuple[slice, ...]:
    """Slices of the tile in B, G, K, OY, OX."""
    b, g, k, _, y, x = box(job)
    return b, g, k, y, x


def operands_of(program: Program, at: int, stream: int) -> np.ndarray:
    """The operands of step `at` that move through `stream`."""
    row = program.table[at]
    own = program.operands[row["operand_start"] : row["operand_stop"]]
    return own[own["stream"] == stream]


def region(program: Program, job: np.void, stream: int) -> tuple[object, ...]:
    """What of a stream a tile touches: its bounds in the loops that walk the stream."""
    own = operands_of(program, int(job["step"]), stream)
    slices = zip(DIMS, box(job), strict=True)
    return tuple(
        (part.start, part.stop) for dim, part in slices if any(own[f"has_{dim}"])
    )  # fmt: skip


class Replay:
    """Follows the records and asserts, job by job, that buffers are used as tokens allow."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.signalled: dict[int, int] = {}
        self.loads: dict[int, list[dict[str, object]]] = {WEIGHTS: [], INPUTS: []}
        self.first_load: dict[tuple[int, int], int] = {}
        self.stored: list[int] = []
        self.posted: dict[int, list[int]] = {}
        self.sums: dict[int, int] = {}
        self.current = -1

    def run(self) -> None:
        """Replay everything; at the end every load must have been released."""
        for number, job in enumerate(all_jobs(self.program)):
            at = int(job["step"])
            for token in job["waits"]:
                known = token < 0 or int(token) in self.signalled
                assert known or token >= FREE_SUMS, "waits for what nobody signals"
            if job["kind"] == LOAD:
                self._load(number, job, at)
            else:
                if job["kind"] != STORE:
                    assert at in (self.current, self.current + 1)
                    self.current = at
                if job["kind"] == COMPUTE:
                    self._compute(number, job, at)
                elif job["kind"] == STORE:
                    self._store(job, at)
                if job["kind"] == POST or (
                    job["kind"] == COMPUTE
                    and self.program.table[at]["unit"] != ARRAY
                    and self._finishes(job, at)
                ):
                    self._leaves(number, job, at)
            for token in job["signals"]:
                if token >= 0:
                    self.signalled[int(token)] = number
        for loads in self.loads.values():
            assert all(load["released"] is not None for load in loads)

    def _load(self, number: int, job: np.void, at: int) -> None:
        stream = int(job["stream"])
        row = self.program.table[at]
        assert row["unit"] not in (ALIAS, HOST)
        assert job["signals"][0] == FULL[stream] + job["slot"]
        first = self.first_load.setdefault((at, stream), len(self.loads[stream]))
        prefetched = stream == WEIGHTS and row["prefetch"] == 1
        assert at <= self.current or (prefetched and at == self.current + 1)
        own = len(self.loads[stream]) - first
        buffers = int(row["buffers_weights" if stream == WEIGHTS else "buffers_inputs"])
        if own < buffers:
            assert job["after_step"] == max(-1, at - 2 if prefetched else at - 1)
        else:
            before = self.loads[stream][-buffers]
            assert before["step"] == at
            assert before["released"] is not None, "overwrites what is still to be read"
            token = int(job["waits"][0])
            assert token == FREE[stream] + before["slot"]
            assert self.signalled[token] == before["released"]
        for other in self.loads[stream][-SLOTS:]:
            assert other["released"] is not None or other["slot"] != job["slot"]
        self.loads[stream].append(
            {"step": at, "slot": int(job["slot"]), "number": number, "released": None,
             "region": region(self.program, job, stream)}
        )  # fmt: skip

    def _compute(self, number: int, job: np.void, at: int) -> None:
        row = self.program.table[at]
        for stream in (WEIGHTS, INPUTS):
            token = int(job["waits"][stream])
            if not operands_of(self.program, at, stream).size:
                assert token < 0
                continue
            held = next(load for load in self.loads[stream] if load["released"] is None)
            assert held["step"] == at
            assert held["region"] == region(self.program, job, stream), "reads another tile"
            assert token == FULL[stream] + held["slot"]
            assert self.signalled[token] == held["number"]
            if job["signals"][stream] >= 0:
                assert job["signals"][stream] == FREE[stream] + held["slot"]
                held["released"] = number
        if row["unit"] == ARRAY:
            tile = len(self.posted.get(at, []))
            token = FREE_SUMS + tile % int(row["buffers_sums"])
            assert job["waits"][2] == token
            if job["first"]:
                assert self.sums.get(token, -1) < 0, "overwrites sums that are not drained"
                self.sums[token] = number

    def _finishes(self, job: np.void, at: int) -> bool:
        return bool(job["bounds"][7] == self.program.table[at]["c"])

    def _leaves(self, number: int, job: np.void, at: int) -> None:
        """An output tile is written into its buffer."""
        row = self.program.table[at]
        tiles = self.posted.setdefault(at, [])
        if row["unit"] == ARRAY:
            token = FREE_SUMS + len(tiles) % int(row["buffers_sums"])
            assert job["signals"][0] == token
            self.sums[token] = -1
        if operands_of(self.program, at, OUTPUTS).size:
            buffers = int(row["buffers_outputs"])
            if len(tiles) >= buffers:
                token = int(job["waits"][3])
                assert token == FREE_OUTPUTS + (len(tiles) - buffers) % SLOTS
                assert self.stored[-1] >= tiles[-buffers], "overwrites what is not stored"
            assert job["signals"][2] == FULL_OUTPUTS + job["slot"]
        tiles.append(number)

    def _store(self, job: np.void, at: int) -> None:
        token = FULL_OUTPUTS + int(job["slot"])
        assert job["waits"][0] == token
        assert job["signals"][0] == FREE_OUTPUTS + job["slot"]
        self.stored.append(self.signalled[token])
        assert self.stored[-1] in self.posted[at]


def assert_work_is_done_once(program: Program) -> None:
    """Every product is computed once, every output drained once and, if it leaves, stored once."""
    jobs = all_jobs(program)
    stored: Counter[tuple[str, ...]] = Counter()
    for at, row in enumerate(program.table):
        own = jobs[jobs["step"] == at]
        if row["unit"] in (ALIAS, HOST):
            assert own.size == 1
            continue
        loops = [int(row[name]) for name in ("b", "g", "k", "c", "oy", "ox")]
        computed = np.zeros(loops, np.int8)
        for job in own[own["kind"] == COMPUTE]:
            computed[box(job)] += 1
        assert (computed == 1).all()
        drains = own[own["kind"] == POST] if row["unit"] == ARRAY else own[own["kind"] == COMPUTE]
        stores = own[own["kind"] == STORE]
        streamed = operands_of(program, at, OUTPUTS)
        for kind, expected in ((drains, 1), (stores, int(streamed.size > 0))):
            out = np.zeros([*loops[:3], *loops[4:]], np.int8)
            for job in kind:
                out[output_box(job)] += 1
            assert (out == expected).all()
        if streamed.size:
            stored[program.steps[at].node.outputs] += stores["bytes"].sum()
        else:
            assert stores.size == 0
    for names, bytes_ in stored.items():  # a layer in stripes has a step for each
        assert bytes_ == sum(program.graph.tensors[name].size_bytes for name in names)


@given(random_programs())
def test_each_piece_of_work_is_done_once(program):
    assert_work_is_done_once(program)


@given(random_programs())
def test_buffers_are_never_overwritten_while_they_are_needed(program):
    Replay(program).run()


@given(scheduled_programs())
def test_what_the_scheduler_builds_obeys_the_same_rules(program):
    assert_work_is_done_once(program)
    Replay(program).run()


@pytest.mark.slow
@settings(max_examples=1500)
@given(random_programs())
def test_rules_hold_for_many_programs(program):
    assert_work_is_done_once(program)
    Replay(program).run()


def in_blocks_of(program: Program, size: int) -> bytes:
    blocks = walk_blocks(program.table, program.operands, size)
    return b"".join(block.tobytes() for block in blocks)


@settings(max_examples=30)
@given(random_programs())
def test_blocks_of_any_size_give_the_same_jobs(program):
    expected = all_jobs(program).tobytes()
    for size in (32, 100, 1024):
        assert in_blocks_of(program, size) == expected


@settings(max_examples=30)
@given(random_programs())
def test_each_operator_of_the_npu_is_dispatched_once(program):
    jobs = all_jobs(program)
    for at, row in enumerate(program.table):
        expected = 0 if row["unit"] in (ALIAS, HOST) else 1
        assert (jobs["kind"][jobs["step"] == at] == DISPATCH).sum() == expected


def test_views_between_operators_move_nothing():
    build = Build()
    x = build.conv(build.input(1, 4, 4, 3), 5)
    x = build.add_node(Reshape((1, -1)), x)
    build.fully_connected(x, 7)
    jobs = all_jobs(program_of(build.graph(), tiny()))
    assert (jobs["kind"][jobs["step"] == 1] != LOAD).all()
