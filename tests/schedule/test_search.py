"""The search finds the optimum: a brute force over the same space, without bounds, agrees."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from npusim.cost.machine import Machine, machine_of, packed
from npusim.schedule.buffers import set_buffers, sums_fit
from npusim.schedule.candidates import Space
from npusim.schedule.estimate import (
    LATENCY,
    Objective,
    busy_cycles,
    objective_value,
    overlapped_cycles,
)
from npusim.schedule.grid import grid_of, largest_part
from npusim.schedule.lower import lower
from npusim.schedule.search import best_tiling
from npusim.schedule.spaces import space_of
from npusim.schedule.tables import ALIAS, HOST, RESIDENT
from npusim.schedule.traffic import traffic_of
from tests.support.graphs import graphs
from tests.support.machines import machines

ENERGY = Objective(0, 1, 8.0, 1.0, 3.0)
ENERGY_DELAY = Objective(1, 1, 8.0, 1.0, 3.0)
OBJECTIVES = (LATENCY, ENERGY, ENERGY_DELAY)


class Case(NamedTuple):
    """One step as the search gets it."""

    row: np.void
    operands: np.ndarray
    machine: Machine
    space: Space


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A random step in a random amount of SRAM, some of its operands resident."""
    hardware = draw(machines())
    machine = machine_of(hardware)
    lowered = lower(draw(graphs(most_operators=1, most_extent=10)), hardware, machine)
    able = [at for at, step in enumerate(lowered.steps) if step.unit not in (ALIAS, HOST)]
    assume(able)
    at = draw(st.sampled_from(able))
    row = lowered.table[at]
    operands = lowered.operands[row["operand_start"] : row["operand_stop"]].copy()
    for operand in operands:
        if draw(st.sampled_from([False, False, True])):
            operand["stream"] = RESIDENT
    row["operand_start"], row["operand_stop"] = 0, operands.size
    row["prefetch"] = draw(st.sampled_from([0, 1]))
    room = draw(st.sampled_from([200, 1000, 4000, 1 << 20]))
    space = space_of(lowered.steps[at], row, hardware, machine, room)
    assume(combinations(space) <= 3000)
    return Case(row, operands, packed(machine), space)


def combinations(space: Space) -> int:
    """Number of tilings in a space."""
    sizes = [values.shape[0] for values in space[:7]]
    return int(np.prod(sizes))


def value(case: Case, row: np.void, objective: Objective) -> float:
    """Estimated cost of the tiling in `row`; infinite if it is not legal."""
    needed = set_buffers(row, case.operands, case.space.buffers)
    if needed > case.space.bytes or not sums_fit(row, case.machine):
        return float("inf")
    grid = grid_of(row)
    traffic = traffic_of(row, case.operands, case.machine, grid, largest_part(row, grid))
    work = busy_cycles(row, case.operands, case.machine)
    cycles = overlapped_cycles(row, case.machine, traffic, work)
    tiles = grid.b * grid.g * grid.k * grid.c * grid.y * grid.x
    return objective_value(objective, cycles, traffic.load_bytes + traffic.store_bytes, tiles)


def brute_force(case: Case, objective: Objective) -> float:
    """The least value of all tilings in the space."""
    row = np.array([case.row])[0]
    best = float("inf")
    for (b, oy, ox), g, k, c, dataflow, order, split in itertools.product(*case.space[:7]):
        sizes = {"b": b, "oy": oy, "ox": ox, "g": g, "k": k, "c": c}
        for name, size in sizes.items():
            row[f"tile_{name}"] = size
        row["dataflow"], row["order"], row["split"] = dataflow, order, split
        best = min(best, value(case, row, objective))
    return best


def assert_optimal(case: Case, objective: Objective) -> None:
    row = np.array([case.row])[0]
    found = best_tiling(row, case.operands, case.machine, case.space, objective)
    expected = brute_force(case, objective)
    assert found.cost == pytest.approx(expected, rel=1e-12)
    if np.isfinite(found.cost):
        assert value(case, row, objective) == pytest.approx(found.cost, rel=1e-12)


@settings(max_examples=25)
@given(cases(), st.sampled_from(OBJECTIVES))
def test_search_finds_what_brute_force_finds(case, objective):
    assert_optimal(case, objective)


@pytest.mark.slow
@settings(max_examples=1000)
@given(cases(), st.sampled_from(OBJECTIVES))
def test_search_finds_what_brute_force_finds_for_many_steps(case, objective):
    assert_optimal(case, objective)
