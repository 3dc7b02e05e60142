"""A fixed Program never takes longer on hardware that is better in one respect, all else equal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npusim.cost.machine import Machine
from npusim.schedule.program import Program
from npusim.timing.engine import simulate
from tests.support.programs import random_programs

FASTER = ("dram_bytes_per_cycle", "sram_read_bytes_per_cycle", "sram_write_bytes_per_cycle")
SHORTER = ("dram_latency", "dma_setup", "sram_latency")


def cycles(program: Program, machine: Machine) -> int:
    return int(simulate(program.table, program.operands, len(program.tensors), machine).cycles)


def assert_no_slower(program: Program, better: Machine) -> None:
    assert cycles(program, better) <= cycles(program, program.machine)


@pytest.mark.parametrize("field", FASTER)
@given(program=random_programs(), factor=st.floats(1.0, 8.0))
def test_more_bandwidth_is_never_slower(field: str, program: Program, factor: float) -> None:
    wider = {field: factor * getattr(program.machine, field)}
    assert_no_slower(program, program.machine._replace(**wider))


@pytest.mark.parametrize("field", SHORTER)
@given(program=random_programs(), part=st.floats(0.0, 1.0))
def test_less_latency_is_never_slower(field: str, program: Program, part: float) -> None:
    shorter = {field: int(part * getattr(program.machine, field))}
    assert_no_slower(program, program.machine._replace(**shorter))


@given(random_programs())
def test_a_second_dma_channel_is_never_slower(program: Program) -> None:
    one = program.machine._replace(dma_channels=1)
    assert cycles(program, one._replace(dma_channels=2)) <= cycles(program, one)
