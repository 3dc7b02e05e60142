"""The data bus turns around between a read and a write: the gap blocks it to the cycle."""

from __future__ import annotations

import dataclasses

import pytest

from npusim.cost.dram import NO_ROWS
from npusim.cost.machine import machine_of
from npusim.schedule.program import Program
from npusim.timing.counts import count
from tests.support.machines import machine_with
from tests.timing.test_engine import ends, layer


def turning(program: Program, to_read: int, to_write: int) -> Program:
    """`program` on a memory whose bus is idle for so many cycles when it turns around."""
    rows = NO_ROWS._replace(turn_to_read=to_read, turn_to_write=to_write)
    machine = program.machine._replace(dram_rows=rows)
    return dataclasses.replace(program, machine=machine)


@pytest.mark.parametrize(("gap", "end"), [(0, 74), (3, 74), (4, 74), (5, 75), (20, 90)])
def test_a_write_after_a_read_waits_for_the_gap(gap, end):
    """The bus is free at 66; the store's data could come at 70 and takes 4 cycles."""
    assert ends(turning(layer(4), 0, gap))["store 0"] == end


@pytest.mark.parametrize(("gap", "end"), [(0, 76), (1, 77), (9, 85)])
def test_a_read_after_a_write_waits_for_the_gap(gap, end):
    """The store's data ends at 74; the load's could come at 72 and takes 2 cycles."""
    assert ends(turning(layer(4), gap, 0))["weights 3"] == end


def test_reads_in_a_row_have_no_gap():
    """Inputs, then two tiles of weights; nothing is written before them."""
    free, turned = ends(layer(4)), ends(turning(layer(4), 50, 50))
    for name in ("inputs 0", "weights 0", "weights 1", "weights 2"):
        assert turned[name] == free[name]


def test_the_gap_is_latency_of_the_memory():
    """Turns at store 0 (to 90), weights 3 (to 112) and store 1; then the store of the last tile."""
    plain, turned = count(layer(4)), count(turning(layer(4), 20, 20))
    assert sum(turned.cycles_by_cause.values()) == turned.cycles > plain.cycles
    longer = turned.cycles_by_cause["memory_latency"] - plain.cycles_by_cause["memory_latency"]
    assert longer > 0


def test_presets_turn_around_as_their_memory_does():
    """LPDDR4X: tWTR + RL and 2 clocks of 0.469 ns, at 500 MHz; a stated bandwidth: not at all."""

    rows = machine_of(machine_with("edge-npu-1")).dram_rows
    assert (rows.turn_to_read, rows.turn_to_write) == (15, 1)
    assert machine_of(machine_with("ethos-u65-512")).dram_rows == NO_ROWS
