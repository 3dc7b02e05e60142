"""Graph + Hardware -> Program.

For each policy of residency (how much SRAM is kept for tiles, whether weights stay across
inferences) every step gets its best tiling in the room that is left to it; whole Programs then
compete before a judge, which is the timing engine in practice. So more SRAM never costs time by
choice: what the smaller one would have done is among the candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from npusim.cost.machine import Machine, machine_of
from npusim.errors import DoesNotFitError, Problem
from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph
from npusim.schedule.estimate import LATENCY, Objective, grid_of, inner_part, set_buffers
from npusim.schedule.lower import Lowered, lower
from npusim.schedule.program import Placement, Program, Step
from npusim.schedule.residency import candidates, place, top_bytes
from npusim.schedule.search import Space, best_tiling
from npusim.schedule.spaces import space_of
from npusim.schedule.tables import ALIAS, HOST, RESIDENT, WEIGHTS
from npusim.schedule.tiles import part_of, stream_bytes

Judge = Callable[[Program], float]


class Tiled(NamedTuple):
    """A tiled step: its table row, its cost, how many tilings were compared, bytes used of `room`."""

    row: np.void
    cost: float
    candidates: int
    room: int
    used: int


Memo = dict[tuple[bytes, bytes, frozenset[str]], list[Tiled]]
"""Results by loops, operands and legal cuts: layers that are alike are searched once."""

KEPT_FOR_TILES = (0.0, 0.25, 0.5, 1.0)
"""Shares of SRAM that a policy keeps for tiles; with 1.0 no tensor stays between steps."""


def build_program(
    graph: Graph, hardware: Hardware, judge: Judge, objective: Objective = LATENCY
) -> Program:
    """The best Program that the policies yield, by `judge` (lower is better).

    Raises UnsupportedModelError if nothing can run an operator, DoesNotFitError if a step's
    smallest tile does not fit in SRAM.
    """
    machine = machine_of(hardware)
    lowered = lower(graph, hardware, machine)
    memo: Memo = {}
    best: Program | None = None
    best_cost = float("inf")
    seen = set()
    for pinned, placed in _policies(graph, lowered, hardware, machine):
        key = (pinned, tuple(sorted(placed)))
        if key in seen:
            continue
        seen.add(key)
        program = _tile(graph, lowered, hardware, machine, objective, pinned, placed, memo)
        cost = judge(program) if program is not None else float("inf")
        if program is not None and cost < best_cost:
            best, best_cost = program, cost
    if best is None:
        raise DoesNotFitError(_what_does_not_fit(graph, lowered, hardware, machine))
    return best


def _policies(
    graph: Graph, lowered: Lowered, hardware: Hardware, machine: Machine
) -> Iterator[tuple[int, dict[str, Placement]]]:
    """(bytes of weights that stay across inferences, placements of tensors) to try."""
    capacity = machine.sram_bytes
    least = [_least_bytes(lowered, at, hardware, machine) for at in range(len(lowered.steps))]
    holds = hardware.memory.sram.holds
    weights = _weight_bytes(lowered)
    pins = [0]
    if "weights" in holds and 0 < weights <= capacity - max(least, default=0):
        pins.append(weights)
    for pinned in pins:
        for kept in KEPT_FOR_TILES:
            free = capacity - pinned
            room = [max(need, int(kept * free)) for need in least]
            all_stay = hardware.memory.dram.read_only
            stays = all_stay or (kept < 1.0 and "inputs" in holds and "outputs" in holds)
            placed = place(graph, lowered, free, room, all_stay) if stays else {}
            if not all_stay or len(placed) == len(candidates(graph, lowered, all_stay)):
                yield pinned, placed


def _weight_bytes(lowered: Lowered) -> int:
    """Bytes of all constants that array and vector steps read, each tensor once."""
    sizes = {}
    for step, row in zip(lowered.steps, lowered.table, strict=True):
        if step.unit in (ALIAS, HOST):
            continue
        whole = part_of(row, np.array(step.nest.whole, np.int64))
        own = lowered.operands[row["operand_start"] : row["operand_stop"]]
        for at, operand in enumerate(own):
            if operand["constant"]:
                alone = row.copy()
                alone["operand_start"], alone["operand_stop"] = at, at + 1
                sizes[int(operand["tensor"])] = stream_bytes(alone, own, WEIGHTS, whole)
    return sum(sizes.values())


def _least_bytes(lowered: Lowered, at: int, hardware: Hardware, machine: Machine) -> int:
    """The least SRAM in which a step can run with everything streamed: its smallest tile."""
    step = lowered.steps[at]
    if step.unit in (ALIAS, HOST):
        return 0
    row = lowered.table[at : at + 1].copy()[0]
    space = space_of(step, row, hardware, machine, 0)
    row["tile_b"], row["tile_oy"], row["tile_ox"] = space.spatial[-1]
    row["tile_g"], row["tile_k"], row["tile_c"] = space.g[-1], space.k[-1], space.c[-1]
    return int(min(_with_order(row, order, lowered, space) for order in space.orders))


def _with_order(row: np.void, order: int, lowered: Lowered, space: Space) -> int:
    row["order"] = order
    return set_buffers(row, lowered.operands, space.buffers)


def _tile(
    graph: Graph, lowered: Lowered, hardware: Hardware, machine: Machine, objective: Objective,
    pinned: int, placed: dict[str, Placement], memo: Memo,
) -> Program | None:  # fmt: skip
    """Tile every step for these placements; None if some step has no legal tiling."""
    table, operands = lowered.table.copy(), lowered.operands.copy()
    stays = np.array([name in placed for name in lowered.tensors])
    operands["stream"][stays[operands["tensor"]]] = RESIDENT
    if pinned:
        operands["stream"][operands["constant"] == 1] = RESIDENT
    top = top_bytes(placed, len(lowered.steps))
    candidates = 0
    used = np.zeros(len(lowered.steps), np.int64)
    for at, step in enumerate(lowered.steps):
        if step.unit in (ALIAS, HOST):
            continue
        row = table[at]
        own = operands[row["operand_start"] : row["operand_stop"]]
        room = machine.sram_bytes - pinned - top[at]
        tiled = _search(step, row, own, hardware, machine, objective, room, memo)
        if not np.isfinite(tiled.cost):
            return None
        start, stop = int(row["operand_start"]), int(row["operand_stop"])
        table[at] = tiled.row
        table[at]["operand_start"], table[at]["operand_stop"] = start, stop
        candidates += tiled.candidates
        used[at] = tiled.used
    peak = _prefetch(table, operands, top, used, machine.sram_bytes - pinned)
    return Program(
        graph, hardware, machine, lowered.steps, table, operands, lowered.tensors,
        placed, pinned, pinned + peak, candidates,
    )  # fmt: skip


def _search(
    step: Step, row: np.void, own: np.ndarray, hardware: Hardware, machine: Machine,
    objective: Objective, room: int, memo: Memo,
) -> Tiled:  # fmt: skip
    """`best_tiling` of one step; a result for more room that fits in this one is its result too."""
    alone = np.array([row])
    alone["operand_start"], alone["operand_stop"] = 0, own.size
    shapes = own.copy()
    shapes["tensor"] = 0
    known = memo.setdefault((alone.tobytes(), shapes.tobytes(), step.nest.splits), [])
    for tiled in known:
        if tiled.room == room or (room < tiled.room and tiled.used <= room):
            return tiled
    space = space_of(step, alone[0], hardware, machine, room)
    found = best_tiling(alone[0], own, machine, space, objective)
    used = set_buffers(alone[0], own, space.buffers) if np.isfinite(found.cost) else 1 << 62
    known.append(Tiled(alone[0], found.cost, found.candidates, room, used))
    return known[-1]


def _prefetch(
    table: np.ndarray, operands: np.ndarray, top: list[int], used: np.ndarray, capacity: int
) -> int:
    """Allow weight loads during the step before where both steps' buffers fit; peak bytes."""
    peak = max((top[at] + int(used[at]) for at in range(len(table))), default=0)
    for at in range(1, len(table)):
        row = table[at]
        tile = inner_part(row, grid_of(row))
        weights = stream_bytes(row, operands, WEIGHTS, tile) * row["buffers_weights"]
        both = max(top[at - 1], top[at]) + used[at - 1] + weights
        if weights and both <= capacity:
            row["prefetch"] = 1
            peak = max(peak, int(both))
    return peak


def _what_does_not_fit(
    graph: Graph, lowered: Lowered, hardware: Hardware, machine: Machine
) -> list[Problem]:
    have = machine.sram_bytes
    problems = []
    for at, step in enumerate(lowered.steps):
        least = _least_bytes(lowered, at, hardware, machine)
        if least > have:
            what = (
                f"the smallest tile needs {least} bytes of SRAM, {hardware.name} has {have}: "
                "raise memory.sram.size or allow smaller tiles in mapping"
            )
            problems.append(Problem(step.name, what))
    if not problems and hardware.memory.dram.read_only:
        live = [0] * len(lowered.steps)
        for _, first, last, size in candidates(graph, lowered, True):
            for at in range(first, last + 1):
                live[at] += size
        at = max(range(len(live)), key=live.__getitem__)
        what = (
            f"feature maps can't leave SRAM (memory.dram.read_only), and {live[at]} bytes of them "
            f"are live here, {hardware.name} has {have}: raise memory.sram.size"
        )
        problems.append(Problem(lowered.steps[at].name, what))
    limit = hardware.mac_array.accumulator.entries
    what = f"no tiling satisfies mapping and accumulators ({limit} entries a column)"
    return problems or [Problem(hardware.name, what)]
