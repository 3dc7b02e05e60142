"""The next best tilings of the layers that cost most, tried in the whole network.

The search's estimate of a step knows nothing of its neighbours: the tiling that it puts second may
be the best one beside them. Variants change all steps that are alike at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from npusim.cost.machine import packed
from npusim.schedule.buffers import set_buffers
from npusim.schedule.candidates import restore
from npusim.schedule.estimate import Objective
from npusim.schedule.fixed import SEARCHED, Mapping
from npusim.schedule.prefetch import allow_prefetch
from npusim.schedule.program import Program
from npusim.schedule.ranking import least
from npusim.schedule.residency import top_bytes
from npusim.schedule.spaces import space_of
from npusim.schedule.tables import ALIAS, HOST

LAYERS = 8
"""Kinds of layers that are varied, those of largest estimated cost."""
TILINGS = 4
"""Tilings of each that are tried, the best by estimate."""

Variant = Callable[[Program], Program]
Kind = tuple[bytes, bytes]


def variants(program: Program, objective: Objective, mapping: Mapping) -> Iterator[Variant]:
    """Changes to try on the best Program so far, one after the other."""
    kinds: dict[Kind, list[int]] = {}
    for at, step in enumerate(program.steps):
        if step.unit not in (ALIAS, HOST) and mapping.of(step.name) == SEARCHED:
            kinds.setdefault(_kind(program, at), []).append(at)
    rooms = _rooms(program)
    ranked = []
    for alike in kinds.values():
        kept = _ranked(program, alike[0], objective, min(int(rooms[at]) for at in alike))
        if np.isfinite(kept[0, 0]):
            ranked.append((-kept[0, 0] * len(alike), alike, kept))
    ranked.sort(key=lambda one: one[:2])
    for _, alike, kept in ranked[:LAYERS]:
        for tiling in kept[np.isfinite(kept[:, 0])]:
            yield _variant(alike, _as_kept(tiling), rooms)


def _kind(program: Program, at: int) -> Kind:
    """What makes steps alike: their rows, tiles included, without places and neighbours."""
    row = program.table[at : at + 1].copy()
    own = program.operands[int(row["operand_start"][0]) : int(row["operand_stop"][0])].copy()
    row["operand_start"] = row["operand_stop"] = row["prefetch"] = 0
    own["tensor"] = 0
    return row.tobytes(), own.tobytes()


def _rooms(program: Program) -> np.ndarray:
    """SRAM for the tiles of each step, bytes."""
    top = np.array(top_bytes(dict(program.placements), len(program.steps)), np.int64)
    return program.machine.sram_bytes - program.pinned_bytes - top


def _ranked(program: Program, at: int, objective: Objective, room: int) -> np.ndarray:
    row = program.table[at : at + 1].copy()
    row["prefetch"] = 0
    step = program.steps[at]
    space = space_of(step, row[0], program.hardware, program.machine, room)
    return least(row[0], program.operands, packed(program.machine), space, objective, TILINGS)


def _as_kept(tiling: np.ndarray) -> np.ndarray:
    """A row of `ranking.least` in the order of `search.keep`."""
    _, b, oy, ox, g, k, c, order, dataflow, split = tiling.astype(np.int64)
    return np.array([b, g, k, c, oy, ox, order, dataflow, split], np.int64)


def _variant(alike: list[int], tiling: np.ndarray, rooms: np.ndarray) -> Variant:
    def changed(program: Program) -> Program:
        table, used = program.table.copy(), program.buffer_bytes.copy()
        for at in alike:
            restore(table[at], tiling)
            used[at] = set_buffers(table[at], program.operands, program.hardware.mapping.buffers)
        early = np.zeros_like(used)
        room = program.machine.sram_bytes - program.pinned_bytes
        top = room - rooms
        overlap = program.machine.overlap_layers
        peak = int(allow_prefetch(table, program.operands, top, used, room, early, overlap))
        return replace(
            program, table=table, buffer_bytes=used, early_bytes=early,
            sram_peak_bytes=program.pinned_bytes + peak,
        )  # fmt: skip

    return changed
