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
from npusim.schedule.estimate import LATENCY, Objective, set_buffers
from npusim.schedule.fixed import NOTHING_FIXED, Mapping, StepMapping
from npusim.schedule.lower import Lowered, lower
from npusim.schedule.misfits import misfits
from npusim.schedule.policies import Policy, policies, residency_of
from npusim.schedule.prefetch import allow_prefetch
from npusim.schedule.program import Program, Step
from npusim.schedule.search import Space, best_tiling
from npusim.schedule.spaces import space_of
from npusim.schedule.tables import ALIAS, HOST

Judge = Callable[[Program], float]


class Tiled(NamedTuple):
    """A tiled step: table row, cost, number of tilings compared, bytes used of its room."""

    row: np.void
    cost: float
    candidates: int
    room: int
    used: int


class Aim(NamedTuple):
    """How tiles are chosen: for which objective, and whether the first weights of a step are taken
    to come during the step before."""

    objective: Objective
    weights_early: bool


Memo = dict[tuple[bytes, bytes, frozenset[str], StepMapping], tuple[Space, dict[Aim, list[Tiled]]]]
"""Candidates and results by loops, operands, legal cuts and fixed tile: layers that are alike are
searched once for each aim."""


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
    memo: Memo = {}
    contest = _Contest(judge)
    _compete(graph, lowered, hardware, machine, objective, fixed, contest, memo)
    if _searches_cascades(hardware, fixed):
        resident = contest.best.placements if contest.best else ()
        for cascades in proposals(graph, lowered, resident, machine.sram_bytes):
            striped = cascaded(graph, lowered, cascades)
            _compete(graph, striped, hardware, machine, objective, fixed, contest, memo)
    if contest.best is None:
        raise DoesNotFitError(misfits(graph, lowered, hardware, machine, fixed))
    return contest.best


def _searches_cascades(hardware: Hardware, fixed: Mapping) -> bool:
    """True if the hardware runs cascades and nothing is fixed that names steps or tensors."""
    free = fixed.cascades is None and not fixed.steps and fixed.resident is None
    return free and "cascade" in hardware.mapping.fusion


def _compete(
    graph: Graph, lowered: Lowered, hardware: Hardware, machine: Machine, objective: Objective,
    fixed: Mapping, contest: _Contest, memo: Memo,
) -> None:  # fmt: skip
    """Enter Programs of `lowered` into `contest`."""
    own = _Contest(contest.judge)
    aim = Aim(objective, False)
    tried: list[Policy] = []
    for policy in policies(graph, lowered, hardware, machine, fixed):
        if policy not in tried:
            tried.append(policy)
            own.enter(_tile(graph, lowered, hardware, machine, aim, fixed, policy, memo), policy)
    if own.best is None:
        return
    policy = own.policy
    for other in _alternatives(objective, machine):
        own.enter(_tile(graph, lowered, hardware, machine, other, fixed, policy, memo), policy)
    if own.cost < contest.cost:
        contest.best, contest.policy, contest.cost = own.best, own.policy, own.cost


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


def _tile(
    graph: Graph, lowered: Lowered, hardware: Hardware, machine: Machine, aim: Aim,
    mapping: Mapping, policy: Policy, memo: Memo,
) -> Program | None:  # fmt: skip
    """Tile every step under this policy; None if some step has no legal tiling."""
    table = lowered.table.copy()
    operands, top, rooms = residency_of(lowered, machine, policy)
    candidates = 0
    used = np.zeros(len(lowered.steps), np.int64)
    for at, step in enumerate(lowered.steps):
        if step.unit in (ALIAS, HOST):
            continue
        row = table[at]
        start, stop = int(row["operand_start"]), int(row["operand_stop"])
        tiled = _search(
            step, row, operands[start:stop], hardware, machine,
            aim._replace(weights_early=aim.weights_early and at > 0), rooms[at],
            mapping.of(step.name), memo,
        )  # fmt: skip
        if not np.isfinite(tiled.cost):
            return None
        table[at] = tiled.row
        table[at]["operand_start"], table[at]["operand_stop"] = start, stop
        candidates += tiled.candidates
        used[at] = tiled.used
    pinned, placed = policy
    room, early = machine.sram_bytes - pinned, np.zeros(len(lowered.steps), np.int64)
    peak = int(allow_prefetch(table, operands, np.array(top), used, room, early))
    return Program(
        graph, hardware, machine, lowered.steps, table, operands, lowered.tensors,
        placed, pinned, pinned + peak, used, early, candidates, lowered.cascades,
    )  # fmt: skip


def _search(
    step: Step, row: np.void, own: np.ndarray, hardware: Hardware, machine: Machine,
    aim: Aim, room: int, fixed: StepMapping, memo: Memo,
) -> Tiled:  # fmt: skip
    """`best_tiling` of one step; a result for more room that fits in this one is its result too."""
    alone = np.array([row])
    alone["operand_start"], alone["operand_stop"] = 0, own.size
    shapes = own.copy()
    shapes["tensor"] = 0
    key = (alone.tobytes(), shapes.tobytes(), step.nest.splits, fixed)
    if key not in memo:
        memo[key] = space_of(step, alone[0], hardware, machine, room, fixed), {}
    space, results = memo[key]
    known = results.setdefault(aim, [])
    for tiled in known:
        if tiled.room == room or (room < tiled.room and tiled.used <= room):
            return tiled
    alone["prefetch"] = aim.weights_early
    found = best_tiling(alone[0], own, machine, space._replace(bytes=room), aim.objective)
    used = set_buffers(alone[0], own, space.buffers) if np.isfinite(found.cost) else 1 << 62
    known.append(Tiled(alone[0], found.cost, found.candidates, room, used))
    return known[-1]
