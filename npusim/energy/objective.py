"""Schedules for less energy: the weights of the tile search, and the judges of whole Programs.

The search knows bytes and cycles; what a schedule cannot change (MACs, outputs) is left out there.
The judge sees all of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from npusim.energy.hardware_figures import Figures
from npusim.energy.parts import joules_by_part
from npusim.errors import Problem, UsageError, nearest_name
from npusim.hardware.schema import Hardware
from npusim.schedule.estimate import LATENCY, Objective
from npusim.schedule.program import Program
from npusim.timing.counts import latency_cost, latency_run, times_of

OBJECTIVES = ("latency", "energy", "edp")


def objective_weights(hardware: Hardware, name: str = "energy") -> Objective:
    """What the tile search minimizes on `hardware`: `latency`, `energy` or `edp` (the product)."""
    _known(name)
    if name == "latency":
        return LATENCY
    figures = Figures(hardware)
    power_w = figures.static_w() + figures.clock_w() + (figures.background_w() or 0.0)
    return Objective(
        cycles_power=1 if name == "edp" else 0,
        energy_power=1,
        dram_pj=figures.dram() or 0.0,
        sram_pj=figures.sram("write"),
        static_pj_per_cycle=power_w / hardware.clock_hz * 1e12,
    )


def judge_of(name: str) -> Callable[[Program, float], float]:
    """What whole Programs compete by: cycles (of equal ones, bytes on the bus), joules, or joules x
    cycles; lower is better.

    The second argument is a cost that is to be beaten, if there is one: cycles need not be counted
    beyond it.
    """
    _known(name)
    if name == "latency":
        return latency_cost
    return _energy_j if name == "energy" else _energy_delay


def program_joules(program: Program, figures: Figures) -> dict[str, float]:
    """Joules of each part of a whole Program, as `energy_of` has them, without its steps' shares
    of the latency."""
    return joules_by_part(program, latency_run(program).counts, times_of(program).cycles, figures)


def _energy_j(program: Program, limit: float = math.inf) -> float:
    return math.fsum(program_joules(program, Figures(program.hardware)).values())


def _energy_delay(program: Program, limit: float = math.inf) -> float:
    return _energy_j(program) * times_of(program).cycles


def _known(name: str) -> None:
    if name not in OBJECTIVES:
        hint = nearest_name(name, OBJECTIVES)
        known = ", ".join(OBJECTIVES)
        raise UsageError(Problem("objective", f"unknown objective {name!r}{hint}: {known}"))
