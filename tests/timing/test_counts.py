"""Counts of a whole Program: sums, the two latencies, and the same bytes every time."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from math import ceil
from pathlib import Path

import pytest
from hypothesis import given, settings

from npusim.schedule.program import Program
from npusim.timing.counts import count, timed
from npusim.timing.records import WHOLE_LOG
from tests.support.graphs import Build
from tests.support.machines import machine_with
from tests.support.programs import all_jobs, program_of, scheduled_programs

ROOT = Path(__file__).resolve().parents[2]


def mixed_program() -> Program:
    """A few operators of each unit, tiled, on the default preset with little SRAM."""
    build = Build()
    x = build.conv(build.input(1, 24, 24, 8), 40, (3, 3), padding=(1, 1, 1, 1), bias=True)
    x = build.conv(x, 40, (3, 3), (2, 2), padding=(1, 1, 1, 1), groups=40)
    build.fully_connected(build.conv(x, 24), 50)
    return program_of(build.graph(), machine_with(memory__sram__size="16 KiB"))


def digest(program: Program) -> str:
    """Hash of the schedule, its jobs, the engine's log, the causes and the counts."""
    run = timed(program, WHOLE_LOG)
    found = hashlib.sha256()
    for array in (program.table, all_jobs(program), run.log, run.shares, run.counts):
        found.update(array.tobytes())
    return found.hexdigest()


def in_a_new_process(code: str, **environment: str) -> str:
    """What `code` prints, run from the top of the repository."""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )  # fmt: skip
    return result.stdout.strip()


CODE = "from tests.timing.test_counts import *; print(digest(mixed_program()))"


def test_the_same_program_gives_the_same_bytes_twice_and_in_another_process():
    expected = digest(mixed_program())
    assert digest(mixed_program()) == expected
    assert in_a_new_process(CODE, PYTHONHASHSEED="7") == expected


@pytest.mark.slow
def test_uncompiled_functions_give_the_same_bytes():
    """They are their own reference."""
    assert in_a_new_process(CODE, NUMBA_DISABLE_JIT="1") == digest(mixed_program())


@settings(max_examples=30)
@given(scheduled_programs())
def test_totals_are_sums_over_steps(program):
    counts = count(program)
    assert sum(counts.cycles_by_cause.values()) == pytest.approx(counts.cycles, rel=1e-9)
    own = sum(step.cycles for step in counts.steps)
    assert own + counts.overhead_cycles == pytest.approx(counts.cycles, rel=1e-9)
    assert sum(step.jobs for step in counts.steps) == len(all_jobs(program))
    assert counts.interval_cycles == counts.cycles  # inferences do not overlap


def test_the_overhead_of_an_inference_is_dispatch():
    plain = machine_with(overheads__per_inference="0 s", overheads__per_layer="0 cycles")
    slow = machine_with(overheads__per_inference="10 us", overheads__per_layer="0 cycles")
    build = Build()
    build.fully_connected(build.input(8, 4), 4)
    graph = build.graph()
    before, after = count(program_of(graph, plain)), count(program_of(graph, slow))
    assert after.cycles == before.cycles + 5000  # 10 us at 500 MHz
    assert after.cycles_by_cause["dispatch"] == before.cycles_by_cause["dispatch"] + 5000


def test_the_first_inference_loads_what_stays():
    """64 x 64 weights stay: one transfer before everything else."""
    build = Build()
    build.fully_connected(build.input(8, 64), 64)
    hardware = machine_with(memory__dram__bandwidth="4 GB/s", memory__dram__latency="20 cycles")
    counts = count(program_of(build.graph(), hardware))
    assert counts.program.pinned_bytes == 64 * 64
    machine = counts.program.machine
    first = machine.dma_setup + 20 + ceil(64 * 64 / machine.dram_bytes_per_cycle)
    assert counts.first_inference_cycles == counts.cycles + first
    assert counts.steps[0].dram_read_bytes == 8 * 64
