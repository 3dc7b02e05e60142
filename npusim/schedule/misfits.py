"""Why no Program exists: which step or tensor does not fit, by how much, and what to change."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

import numpy as np

from npusim.cost.machine import Machine, packed
from npusim.errors import Problem
from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph
from npusim.schedule.buffers import sums_fit
from npusim.schedule.fixed import SEARCHED, TILE_DIMS, Mapping, StepMapping
from npusim.schedule.lower import Lowered
from npusim.schedule.policies import (
    Residency,
    least_bytes,
    residency_of,
    roomiest,
    smallest_tile,
    weight_bytes,
)
from npusim.schedule.residency import candidates
from npusim.schedule.tables import ARRAY

_NEVER = 1 << 41
"""More accumulators than any array has."""


def misfits(
    graph: Graph, lowered: Lowered, hardware: Hardware, machine: Machine, mapping: Mapping
) -> list[Problem]:
    """Every step that does not fit even where the fewest tensors stay in SRAM."""
    pinned = weight_bytes(lowered) if mapping.weights_stay else 0
    if pinned > machine.sram_bytes:
        what = (
            f"weights_stay keeps {pinned} bytes in SRAM, {hardware.name} has "
            f"{machine.sram_bytes}: set weights_stay: false or raise memory.sram.size"
        )
        return [Problem("mapping", what)]
    policy = roomiest(graph, lowered, hardware, machine, mapping, pinned)
    residency = residency_of(lowered, machine, policy)
    problems: list[Problem] = []
    for at in range(len(lowered.steps)):
        problems += _of_step(lowered, at, hardware, machine, mapping, residency)
    must = mapping.resident
    if must is None and hardware.memory.dram.read_only:
        must = frozenset(name for name, *_ in candidates(graph, lowered, True))
    if not problems and must is not None and len(policy.placed) < len(must):
        problems.append(_live_tensors(graph, lowered, hardware, must, pinned))
    limit = hardware.mac_array.accumulator.entries
    what = (
        f"no tiling satisfies mapping and accumulators ({limit} entries a column): raise "
        "mac_array.accumulator.entries, or allow smaller tiles in mapping"
    )
    return problems or [Problem(hardware.name, what)]


def _of_step(
    lowered: Lowered, at: int, hardware: Hardware, machine: Machine, mapping: Mapping,
    residency: Residency,
) -> Iterator[Problem]:  # fmt: skip
    """What keeps a step from running: its buffers, or its partial sums."""
    step = lowered.steps[at]
    fixed = mapping.of(step.name)
    least = least_bytes(lowered, at, hardware, machine, mapping, residency.operands)
    room, have = residency.room_bytes[at], machine.sram_bytes
    if least > room:
        there = f"{hardware.name} has {have}"
        change = "raise memory.sram.size or allow smaller tiles in mapping"
        if room < have:
            there = f"{room} of {have} are left beside what stays"
            change = f"{change}; {_what_stays(hardware)}"
        if fixed != SEARCHED:
            change = f"make the tile smaller ({_tile_text(fixed)}), or {change}"
        whose = "the smallest tile" if fixed == SEARCHED else "the tile of the mapping"
        what = f"{whose} needs {least} bytes of SRAM, {there}: {change}"
        yield Problem(step.name, what)
    elif step.unit == ARRAY and fixed != SEARCHED:
        yield from _sums_of_step(lowered, at, hardware, machine, mapping)


def _sums_of_step(
    lowered: Lowered, at: int, hardware: Hardware, machine: Machine, mapping: Mapping
) -> Iterator[Problem]:
    """What keeps the fixed tile of a step on the array from having its sums accumulated."""
    row, space = smallest_tile(lowered, at, hardware, machine, mapping)
    needed = _NEVER
    for dataflow in space.dataflows:
        for channels in space.c:
            row["dataflow"], row["tile_c"] = dataflow, channels
            needed = min(needed, _accumulators(row, machine))
    have = machine.array.accumulators
    if needed <= have:
        return
    step = lowered.steps[at]
    text = _tile_text(mapping.of(step.name))
    if needed == _NEVER:
        what = (
            f"the tile ({text}) cuts the reduction, and output_stationary keeps its sums in place: "
            f"make C the whole {row['c']} or take another dataflow"
        )
    else:
        what = (
            f"the tile ({text}) needs {needed} accumulators a column for its partial sums, "
            f"{hardware.name} has {have}: make OY, OX or K smaller, or raise "
            "mac_array.accumulator.entries"
        )
    yield Problem(step.name, what)


def _accumulators(row: np.void, machine: Machine) -> int:
    """The fewest accumulators a column with which `sums_fit`; _NEVER if no number will do."""

    def fits(entries: int) -> bool:
        array = machine.array._replace(accumulators=entries)
        return sums_fit(row, packed(machine._replace(array=array)))

    return bisect_left(range(_NEVER), True, key=fits)


def _what_stays(hardware: Hardware) -> str:
    if hardware.memory.dram.read_only:
        return "feature maps can't leave SRAM (memory.dram.read_only)"
    return "or let fewer tensors or weights stay in the mapping"


def _tile_text(fixed: StepMapping) -> str:
    sizes = zip(TILE_DIMS, fixed.tile, strict=True)
    return ", ".join(f"{dim} {size}" for dim, size in sizes if size is not None) or "any tile"


def _live_tensors(
    graph: Graph, lowered: Lowered, hardware: Hardware, must: frozenset[str], pinned: int
) -> Problem:
    """The step at which the most bytes of the tensors that must stay are live."""
    read_only = hardware.memory.dram.read_only
    live = [0] * len(lowered.steps)
    for name, first, last, size in candidates(graph, lowered, read_only):
        for at in range(first, last + 1) if name in must else ():
            live[at] += size
    at = max(range(len(live)), key=live.__getitem__)
    why = "feature maps can't leave SRAM (memory.dram.read_only)" if read_only else (
        "the mapping keeps its resident tensors in SRAM"
    )  # fmt: skip
    change = "" if read_only else " or list fewer"
    beside = f" beside {pinned} bytes of weights" if pinned else ""
    what = (
        f"{why}, and {live[at]} bytes of them are live here{beside}, {hardware.name} has "
        f"{hardware.memory.sram.size_bytes}: raise memory.sram.size{change}"
    )
    return Problem(lowered.steps[at].name, what)
