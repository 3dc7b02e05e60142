"""A log of a few jobs at a time gives the same causes as the whole log, in bounded memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npusim.schedule.program import Program
from npusim.timing.counts import latency_cycles, timed
from npusim.timing.records import NO_LOG, WHOLE_LOG
from tests.support.programs import random_programs

ROOT = Path(__file__).resolve().parents[2]


def assert_a_window_changes_nothing(program: Program, window: int) -> None:
    whole, few = timed(program, WHOLE_LOG), timed(program, window)
    assert few.cycles == whole.cycles == latency_cycles(program)
    assert few.counts.tobytes() == whole.counts.tobytes()
    np.testing.assert_allclose(few.shares, whole.shares, rtol=1e-12, atol=1e-9)
    assert few.log.size == 0


@given(random_programs(), st.integers(1, 300))
def test_causes_do_not_depend_on_the_window(program, window):
    assert_a_window_changes_nothing(program, window)


@pytest.mark.slow
@settings(max_examples=2000)
@given(random_programs(), st.integers(1, 300))
def test_causes_of_many_programs_do_not_depend_on_the_window(program, window):
    assert_a_window_changes_nothing(program, window)


@given(random_programs())
def test_without_a_log_everything_but_the_causes_is_known(program):
    whole, none = timed(program, WHOLE_LOG), timed(program, NO_LOG)
    assert none.cycles == whole.cycles
    assert none.counts.tobytes() == whole.counts.tobytes()
    assert not none.shares.any() and none.log.size == 0


PEAKS = """
import re
from npusim.timing.counts import timed
from npusim.timing.records import WHOLE_LOG, WINDOW
from tests.support.programs import retiled
from tests.timing.test_engine import layer

programs = [retiled(layer(100, rows), tile_b=1) for rows in (10, 100, 1000)]
timed(programs[0]), timed(programs[0], WHOLE_LOG)
for window, program in (*((WINDOW, p) for p in programs), (WHOLE_LOG, programs[-1])):
    jobs = timed(program, window).counts["jobs"].sum()
    print(jobs, re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to read the peak from")
def test_memory_does_not_grow_with_the_jobs():
    """The same peak for 10 and 100 times the jobs; a whole log shows that the peak would tell."""
    result = subprocess.run(
        [sys.executable, "-c", PEAKS], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    jobs, peaks = zip(*(map(int, line.split()) for line in result.stdout.splitlines()), strict=True)
    few, ten_times, hundred_times, whole = (1024 * peak for peak in peaks)
    assert jobs[1] > 9 * jobs[0] and jobs[2] > 90 * jobs[0]
    assert hundred_times - few <= 2**20, "a log of all jobs would take 40 MB"
    assert ten_times - few <= 2**20
    assert whole - hundred_times > 2**24
