"""One port for reads and writes, or banks that all streams share: who is served when, to the cycle.

A vector operator on resident tensors reads and writes SRAM as it goes: its time is that of its
ports, of both in turn, or of the banks, whichever is longest.
"""

from __future__ import annotations

import dataclasses

import pytest

from npusim.cost.machine import Machine
from npusim.cost.transfer import shared_cycles
from npusim.schedule.program import Program
from npusim.schedule.tables import COMPUTE, POST
from npusim.timing.counts import timed
from npusim.timing.records import WHOLE_LOG
from tests.support.machines import tiny
from tests.support.programs import all_jobs
from tests.timing.test_engine import layer


def on(program: Program, **changes: object) -> Program:
    """`program` on its machine with other ports."""
    return dataclasses.replace(program, machine=program.machine._replace(**changes))


@pytest.mark.parametrize(
    ("one_port", "banks", "cycles"),
    [(False, 0.0, 0), (True, 0.0, 5), (True, 8.0, 5), (False, 8.0, 10), (False, 64.0, 2)],
)
def test_what_ports_share(one_port, banks, cycles):
    """80 bytes that keep their port for 5 cycles."""
    machine = Machine(*[None] * len(Machine._fields))._replace(
        sram_one_port=one_port, sram_banks_bytes_per_cycle=banks
    )
    assert shared_cycles(5, 80, machine) == cycles


def end_of_tile(program: Program, kind: int) -> int:
    """End of the first job of a kind."""
    log = timed(program, WHOLE_LOG).log
    (numbers,) = (all_jobs(program)["kind"] == kind).nonzero()
    return int(log[numbers[0]]["end"])


NARROW = dict(memory__sram__read="4 B/cycle", memory__sram__write="4 B/cycle")


def test_a_drain_on_one_port_waits_for_what_was_read_before_it():
    """32 bytes of inputs and 16 of weights were written, 48 read: 8 + 4 + 12 cycles; then 8."""
    two, one = layer(**NARROW), on(layer(**NARROW), sram_one_port=True)
    assert end_of_tile(one, COMPUTE) >= end_of_tile(two, COMPUTE)
    assert end_of_tile(one, POST) >= end_of_tile(two, POST)


def test_wide_banks_cost_nothing_and_narrow_ones_do():
    plain = layer(3, **NARROW)
    wide = on(plain, sram_banks_bytes_per_cycle=8.0)  # both ports at once
    narrow = on(plain, sram_banks_bytes_per_cycle=0.5)
    assert timed(wide).cycles == timed(plain).cycles
    assert timed(narrow).cycles > timed(plain).cycles


def test_one_port_is_what_reads_and_writes_take_together():
    """A drain, loads and reads of 4 B a cycle: as with banks that give 4 B to all of them."""
    plain = layer(3, **NARROW)
    one = on(plain, sram_one_port=True)
    banks = on(plain, sram_banks_bytes_per_cycle=4.0)
    assert timed(one).cycles == timed(banks).cycles


def test_the_description_sets_both():
    machine = layer(memory__sram__ports="1rw").machine
    assert machine.sram_one_port
    described = tiny(memory__sram__bank_width="2000 B")
    assert described.memory.sram.bank_width_bytes == 2000
    assert layer(memory__sram__bank_width="2000 B").machine.sram_banks_bytes_per_cycle == 2000.0
