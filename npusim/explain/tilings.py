"""The tiling that a step got, and those that came closest: each timed within the whole network.

The candidates are the best by the search's estimate, and the best of each other dataflow and loop
order. All else of the schedule is kept as it is, so that a difference has one reason.
"""

from __future__ import annotations

from collections.abc import Mapping as Dict
from dataclasses import dataclass, replace

from npusim import api
from npusim.errors import DoesNotFitError
from npusim.schedule.fixed import TILE_DIMS, Mapping, StepMapping
from npusim.schedule.mapping import mapping_of, step_mapping
from npusim.schedule.program import Program
from npusim.schedule.ranking import ranked_tilings
from npusim.schedule.scheduler import build_program
from npusim.timing.counts import latency_cost

RANKED = 48
"""Tilings that the estimate puts first and that are looked at."""
SHOWN = 4
"""Runners-up in an explanation."""


@dataclass(frozen=True)
class Tiling:
    """A tiling of one step, and cycles with it: of the layer, and of the whole network."""

    tile: Dict[str, int]
    loop_order: str | None
    dataflow: str | None
    core_split: str | None
    layer_cycles: float
    network_cycles: int


def tilings_of(program: Program, at: int) -> tuple[Tiling, ...]:
    """The tiling of step `at` first, then up to `SHOWN` that cost otherwise, best first.

    Empty if steps share a name, so that no schedule can be fixed.
    """
    if len({step.name for step in program.steps}) < len(program.steps):
        return ()
    chosen = step_mapping(program, at)
    everything = mapping_of(program)
    found: dict[tuple[int, float], Tiling] = {}
    for candidate in _varied(ranked_tilings(program, at, RANKED)):
        if candidate != chosen:
            timed = _timed(program, at, everything, candidate)
            if timed is not None:
                found.setdefault((timed.network_cycles, timed.layer_cycles), timed)
    own = _tiling(program, at, chosen)
    others = [t for t in found.values() if t.network_cycles != own.network_cycles]
    return own, *sorted(others, key=lambda tiling: tiling.network_cycles)[:SHOWN]


def _varied(ranked: list[StepMapping]) -> list[StepMapping]:
    """The first few by estimate, and the first of each dataflow and loop order."""
    firsts = {(one.dataflow, one.loop_order): one for one in reversed(ranked)}
    return list(dict.fromkeys([*ranked[: 2 * SHOWN], *firsts.values()]))


def _timed(program: Program, at: int, everything: Mapping, one: StepMapping) -> Tiling | None:
    steps = {**everything.steps, program.steps[at].name: one}
    fixed = replace(everything, steps=steps)
    try:
        other = build_program(program.graph, program.hardware, latency_cost, mapping=fixed)
    except DoesNotFitError:
        return None
    return _tiling(other, at, one)


def _tiling(program: Program, at: int, one: StepMapping) -> Tiling:
    report = api.report_of(program)
    name = program.steps[at].name
    cycles = sum(layer.cycles for layer in report.layers if layer.name == name)
    tile = {dim: size or 0 for dim, size in zip(TILE_DIMS, one.tile, strict=True)}
    total = report.total.cycles
    return Tiling(tile, one.loop_order, one.dataflow, one.core_split, cycles, total)
