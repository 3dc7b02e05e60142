"""Every cycle of the latency has one cause and one step; nothing is charged that did not happen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from npusim.schedule.program import Program
from npusim.timing.causes import (
    CAUSES,
    COMPUTE_CAUSE,
    DISPATCH_CAUSE,
    DMA_SETUP,
    HOST_CAUSE,
    MEMORY_LATENCY,
    POSTPROCESS,
    VECTOR_CAUSE,
    WAIT_INPUTS,
    WAIT_OUTPUT_BUFFER,
    WAIT_WEIGHTS,
)
from npusim.timing.counts import count, timed
from npusim.timing.records import WHOLE_LOG
from tests.support.programs import random_programs, scheduled_programs


def assert_causes_add_up(program: Program) -> None:
    run = timed(program, WHOLE_LOG)
    shares = run.shares
    close = 1e-9 * max(1, run.cycles)
    assert abs(shares.sum() - run.cycles) <= close
    assert (shares >= -close).all()
    counts = count(program)
    by_cause = sum(counts.cycles_by_cause.values())
    assert by_cause == pytest.approx(counts.cycles, rel=1e-9)
    by_step = sum(step.cycles for step in counts.steps) + counts.overhead_cycles
    assert by_step == pytest.approx(counts.cycles, rel=1e-9)


@given(random_programs())
def test_causes_and_steps_add_up(program):
    assert_causes_add_up(program)


@pytest.mark.slow
@settings(max_examples=3000)
@given(random_programs())
def test_causes_and_steps_add_up_for_many_programs(program):
    assert_causes_add_up(program)


@given(scheduled_programs())
def test_a_cause_takes_no_more_cycles_than_it_was_busy(program):
    """What a cause is charged is at most what all jobs of its kind together took.

    Where the bus turns around, the gap is latency of the memory.
    """
    run = timed(program, WHOLE_LOG)
    log, charged = run.log, run.shares.sum(axis=0)
    machine = program.machine
    transfers = np.isin(log["cause"], [WAIT_WEIGHTS, WAIT_INPUTS, WAIT_OUTPUT_BUFFER])
    stores = log["cause"][transfers] == WAIT_OUTPUT_BUFFER
    to_read, to_write = (stores[:-1] & ~stores[1:]).sum(), (~stores[:-1] & stores[1:]).sum()
    rows = machine.dram_rows
    latency = transfers.sum() * machine.dram_latency + len(program.steps) * machine.sram_latency
    latency += to_read * rows.turn_to_read + to_write * rows.turn_to_write
    most = {
        COMPUTE_CAUSE: log["compute"].sum(),
        DMA_SETUP: transfers.sum() * machine.dma_setup,
        MEMORY_LATENCY: latency,
        DISPATCH_CAUSE: program.table["dispatch_cycles"].sum(),
        HOST_CAUSE: program.table["host_cycles"].sum(),
    }
    for cause in (VECTOR_CAUSE, POSTPROCESS):
        own = log[log["cause"] == cause]
        most[cause] = (own["end"] - own["begin"]).sum()
    found = {CAUSES[c]: (charged[c], most[c]) for c in most if charged[c] > most[c] + 1e-6}
    assert found == {}


@given(random_programs())
def test_an_interval_begins_inside_the_job_that_let_it_begin(program):
    """So the walk back from the last job leaves no gap."""
    run = timed(program, WHOLE_LOG)
    for entry in run.log:
        if entry["before"] < 0:
            assert entry["begin"] == 0
            continue
        released = run.log[entry["before"]]
        assert entry["begin"] <= released["end"]
        transfer = released["cause"] in (WAIT_WEIGHTS, WAIT_INPUTS, WAIT_OUTPUT_BUFFER)
        assert entry["begin"] >= (released["ready"] if transfer else released["begin"])
