"""Graph + Hardware -> Program.

For each policy of residency (how much SRAM is kept for tiles, whether weights stay across
inferences) every step gets its best tiling in the room that is left to it; whole Programs then
compete before a judge, which is the timing engine in practice. So more SRAM never costs time by
choice: what the smaller one would have done is among the candidates.

A mapping fixes tiles of steps and what stays; the rest is searched in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from npusim.cost.machine import Machine, machine_of
from npusim.errors import DoesNotFitError, Problem, UsageError, nearest_name
from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph
from npusim.schedule.cascade import cascaded
from npusim.schedule.cascade_choice import proposals
from npusim.schedule.estimate import LATENCY, Objective
from npusim.schedule.fixed import NOTHING_FIXED, Mapping
from npusim.schedule.lower import Lowered, lower
from npusim.schedule.misfits import misfits
from npusim.schedule.policies import Policy, policies, residency_of
from npusim.schedule.prefetch import allow_prefetch
from npusim.schedule.program import Program
from npusim.schedule.tiling import no_searches, spaces_of, tile_steps, with_room

Judge = Callable[[Program], float]


class Aim(NamedTuple):
    """How tiles are chosen: for which objective, and whether the first weights of a step are taken
    to come during the step before."""

    objective: Objective
    weights_early: bool


def build_program(
    graph: Graph, hardware: Hardware, judge: Judge, objective: Objective = LATENCY,
    mapping: Mapping | None = None,
) -> Program:  # fmt: skip
    """The best Program that the policies yield, by `judge` (lower is better).

    `mapping` is what `read_mapping` gives for this graph and hardware. Raises UnsupportedModelError
    if nothing can run an operator; DoesNotFitError if a step's smallest tile, or the one that the
    mapping fixes, does not fit in SRAM or in the accumulators.
    """
    machine = machine_of(hardware)
    lowered = lower(graph, hardware, machine)
    fixed = NOTHING_FIXED if mapping is None else mapping
    if fixed.cascades is not None:
        lowered = cascaded(graph, lowered, fixed.cascades)
    _require_known_steps(lowered, fixed)
    contest = _Contest(judge)
    _compete(graph, lowered, hardware, machine, objective, fixed, contest)
    if _searches_cascades(hardware, fixed):
        resident = contest.best.placements if contest.best else ()
        for cascades in proposals(graph, lowered, resident, machine.sram_bytes):
            striped = cascaded(graph, lowered, cascades)
            _compete(graph, striped, hardware, machine, objective, fixed, contest)
    if contest.best is None:
        raise DoesNotFitError(misfits(graph, lowered, hardware, machine, fixed))
    return contest.best


def _searches_cascades(hardware: Hardware, fixed: Mapping) -> bool:
    """True if the hardware runs cascades and nothing is fixed that names steps or tensors."""
    free = fixed.cascades is None and not fixed.steps and fixed.resident is None
    return free and "cascade" in hardware.mapping.fusion


def _compete(
    graph: Graph, lowered: Lowered, hardware: Hardware, machine: Machine, objective: Objective,
    fixed: Mapping, contest: _Contest,
) -> None:  # fmt: skip
    """Enter Programs of `lowered` into `contest`."""
    tiler = _Tiler(graph, lowered, hardware, machine, fixed)
    own = _Contest(contest.judge)
    aims = (Aim(objective, False), *_alternatives(objective, machine))
    tried: list[Policy] = []
    for policy in policies(graph, lowered, hardware, machine, fixed, tiler.spaces):
        if policy not in tried:
            tried.append(policy)
            own.enter(tiler.program(policy, 0, aims[0]), policy)
    if own.best is None:
        return
    policy = own.policy
    for number, other in enumerate(aims[1:], 1):
        own.enter(tiler.program(policy, number, other), policy)
    if own.cost < contest.cost:
        contest.best, contest.policy, contest.cost = own.best, own.policy, own.cost


class _Tiler:
    """Makes Programs of `lowered`; what one search found serves the next ones."""

    def __init__(
        self, graph: Graph, lowered: Lowered, hardware: Hardware, machine: Machine,
        mapping: Mapping,
    ) -> None:  # fmt: skip
        self.graph, self.lowered = graph, lowered
        self.hardware, self.machine = hardware, machine
        self.spaces = spaces_of(lowered, hardware, machine, mapping)
        self._searches = no_searches(lowered, self.spaces, 0)

    def program(self, policy: Policy, number: int, aim: Aim) -> Program | None:
        """Every step tiled for `aim`, the `number`-th one, under `policy`; None if one has no legal
        tiling."""
        lowered, machine = self.lowered, self.machine
        steps = len(lowered.steps)
        table = lowered.table.copy()
        operands, top, rooms = residency_of(lowered, machine, policy)
        used = np.zeros(steps, np.int64)
        self._searches = with_room(self._searches, steps)
        candidates = tile_steps(
            table, operands, self.spaces, rooms, machine, aim.objective, number,
            aim.weights_early, self._searches, used,
        )  # fmt: skip
        if candidates < 0:
            return None
        pinned, placed = policy
        room, early = machine.sram_bytes - pinned, np.zeros(steps, np.int64)
        peak = int(allow_prefetch(table, operands, top, used, room, early))
        return Program(
            self.graph, self.hardware, machine, lowered.steps, table, operands, lowered.tensors,
            placed, pinned, pinned + peak, used, early, candidates, lowered.cascades,
        )  # fmt: skip


class _Contest:
    """Programs before the judge: the best one so far, and its policy."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.best: Program | None = None
        self.policy = Policy(0, {})
        self.cost = float("inf")

    def enter(self, program: Program | None, policy: Policy) -> None:
        """Judge `program` (None: no legal one), made under `policy`."""
        cost = float("inf") if program is None else self.judge(program)
        if cost < self.cost:
            self.best, self.policy, self.cost = program, policy, cost


def _alternatives(objective: Objective, machine: Machine) -> Iterator[Aim]:
    """Other ways to choose tiles: steps share bus and SRAM, which no step's own estimate sees.

    One adds the time on the bus to that of the step, as if nothing overlapped; one is latency.
    """
    bus = Objective(0, 1, 1.0 / machine.dram_bytes_per_cycle, 0.0, 1.0)
    yield Aim(bus, False)
    yield Aim(bus, True)
    if objective != LATENCY:
        yield Aim(LATENCY, False)


def _require_known_steps(lowered: Lowered, mapping: Mapping) -> None:
    names = tuple(step.name for step in lowered.steps)
    unknown = [name for name in mapping.steps if name not in set(names)]
    if unknown:
        raise UsageError(
            Problem(name, f"the mapping's step is not in the model{nearest_name(name, names)}")
            for name in unknown
        )
