"""A Program is left early only where it could not end before the limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.timing.counts import latency_cost, latency_cycles, timed
from npusim.timing.records import NO_LOG
from tests.support.machines import machines
from tests.support.presets_drawn import moved_presets
from tests.support.programs import finely_tiled_programs, random_programs
from tests.timing.test_engine import layer

ANY = st.one_of(machines(), moved_presets())


@given(st.one_of(random_programs(ANY), finely_tiled_programs()), st.integers(1, 100))
def test_what_is_left_early_would_have_taken_at_least_the_limit(program, percent):
    whole = timed(program, NO_LOG)
    limit = -(-whole.cycles * percent // 100)
    early = timed(program, NO_LOG, limit)
    assert whole.complete and not early.complete
    assert limit <= early.cycles <= whole.cycles


@given(random_programs(ANY))
def test_a_limit_that_is_not_reached_changes_nothing(program):
    whole = timed(program, NO_LOG)
    limited = timed(program, NO_LOG, whole.cycles + 1)
    assert limited.complete
    assert limited.cycles == whole.cycles
    assert limited.counts.tobytes() == whole.counts.tobytes()


def test_hopeless_programs_are_left_at_once():
    program = layer(100, 100)
    assert timed(program, NO_LOG, timed(program).cycles // 10).followed < 10


@given(random_programs(ANY))
def test_bytes_never_weigh_a_cycle(program):
    assert latency_cycles(program) <= latency_cost(program) < latency_cycles(program) + 1


def test_bytes_on_the_bus_decide_between_equal_cycles():
    program = layer(3, 8)
    run = timed(program)
    moved = int(run.counts["dram_read"].sum() + run.counts["dram_write"].sum())
    assert moved > 0
    assert latency_cost(program) - run.cycles == pytest.approx(1e-10 * moved, rel=1e-3)
