"""Programs of a lowered graph: every step tiled under a policy of residency, for an aim."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from npusim.cost.array import DATAFLOWS
from npusim.cost.dram import NO_ROWS
from npusim.cost.machine import Machine, packed
from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph
from npusim.schedule.estimate import Objective
from npusim.schedule.fixed import NOTHING_FIXED, Mapping
from npusim.schedule.kept import Kept
from npusim.schedule.lower import Lowered
from npusim.schedule.policies import (
    Policy,
    Residency,
    ends_may_stay,
    moved_weight_bytes,
    needed_rooms,
    policies,
    residency_of,
)
from npusim.schedule.prefetch import allow_prefetch
from npusim.schedule.program import Program
from npusim.schedule.spaces import read_by_spaces
from npusim.schedule.tables import LOOP_ORDERS, copied
from npusim.schedule.tiling import (
    Shared,
    Spaces,
    largest_tiles,
    no_searches,
    nothing_shared,
    only_with,
    spaces_of,
    tile_steps,
    with_room,
)

NO_AIM = -1
"""The number of no aim; those of narrowed searches are below it."""


class Aim(NamedTuple):
    """How tiles are chosen: for which objective, and whether the first weights of a step are taken
    to come during the step before."""

    objective: Objective
    weights_early: bool


MOST_KEPT, MOST_KEPT_STRIPED = 128, 8
"""Sets of candidates that are kept of a Lowered, without and with cascades: one takes some 0.5 MB
for 30 kinds of layers."""


MOST_SHARED, MOST_SHARED_STRIPED = 32, 4
"""Arrays of which is kept what searches found: one takes some 0.4 MB for 30 kinds of layers and
each dataflow and core split."""


class _Candidates(NamedTuple):
    """Spaces of which no array is known yet, the least room of each step in them, bytes (int64
    [steps]), and `Spaces.only` by the place and value of a narrowing."""

    spaces: Spaces
    least_bytes: np.ndarray
    narrowings: Kept[np.ndarray]


_KEPT: WeakKeyDictionary[Lowered, Kept[_Candidates]] = WeakKeyDictionary()


def _candidates(
    lowered: Lowered, hardware: Hardware, machine: Machine, mapping: Mapping
) -> _Candidates:
    """Candidates of all steps, found once for all hardware that cuts the layers of `lowered` alike;
    nobody changes them."""

    def found() -> _Candidates:
        spaces = spaces_of(lowered, hardware, machine, mapping)
        least = needed_rooms(lowered, hardware, mapping, spaces)
        return _Candidates(spaces, least, Kept(len(DATAFLOWS) + len(LOOP_ORDERS)))

    if mapping.steps:
        return found()
    if lowered not in _KEPT:
        _KEPT[lowered] = Kept(MOST_KEPT_STRIPED if lowered.cascades else MOST_KEPT)
    return _KEPT[lowered].get(read_by_spaces(hardware, machine), found)


_SHARED: WeakKeyDictionary[Lowered, Kept[Shared]] = WeakKeyDictionary()


def _shared(
    lowered: Lowered, hardware: Hardware, machine: Machine, mapping: Mapping, spaces: Spaces
) -> Shared:
    """What searches found for the same candidates on the same array, beside any second memory."""
    if mapping.steps:
        return nothing_shared(spaces.starts)
    if lowered not in _SHARED:
        _SHARED[lowered] = Kept(MOST_SHARED_STRIPED if lowered.cascades else MOST_SHARED)
    array = machine._replace(
        dram_bytes_per_cycle=0.0, dram_latency=0, burst_bytes=0, dram_rows=NO_ROWS, dma_setup=0,
        dma_channels=0, sram_latency=0, sram_bytes=0, input_stream_rate=0.0,
        weight_stream_rate=0.0, weight_flight=0.0, input_flight=0.0, output_flight=0.0,
        bank_bytes=machine.bank_bytes if machine.banks else 0,
    )  # fmt: skip
    key = array, read_by_spaces(hardware, machine)
    return _SHARED[lowered].get(key, lambda: nothing_shared(spaces.starts))


MOST_RESIDENT = 16
"""Memories of which is kept what stays in them: one takes some 0.1 MB for 70 operators."""

_Resident = tuple[tuple[Policy, Residency], ...]
_RESIDENT: WeakKeyDictionary[Lowered, Kept[_Resident]] = WeakKeyDictionary()


def _resident(
    graph: Graph, lowered: Lowered, hardware: Hardware, machine: Machine, least: np.ndarray
) -> _Resident:
    """The policies without a mapping, with what they leave to the steps: found once for all
    hardware with such an SRAM whose steps need as much of it (`least`)."""

    def found() -> _Resident:
        tried = policies(graph, lowered, hardware, machine, NOTHING_FIXED, least)
        return tuple((policy, residency_of(lowered, machine, policy)) for policy in tried)

    memory = hardware.memory
    ends, read_only = ends_may_stay(hardware), memory.dram.read_only
    key = machine.sram_bytes, tuple(memory.sram.holds), read_only, ends, least.tobytes()
    return _RESIDENT.setdefault(lowered, Kept(MOST_RESIDENT)).get(key, found)


class Tiler:
    """Makes Programs of `lowered`; what one search found serves the next ones."""

    def __init__(
        self, graph: Graph, lowered: Lowered, hardware: Hardware, machine: Machine,
        mapping: Mapping,
    ) -> None:  # fmt: skip
        self.graph, self.lowered = graph, lowered
        self.hardware, self.machine, self.mapping = hardware, machine, mapping
        self._record = packed(machine)
        candidates = _candidates(lowered, hardware, machine, mapping)
        shared = _shared(lowered, hardware, machine, mapping, candidates.spaces)
        self.spaces, self._least_bytes = (
            candidates.spaces._replace(shared=shared), candidates.least_bytes,
        )  # fmt: skip
        self._narrowings = candidates.narrowings
        most = len(lowered.steps) + 4 * self.spaces.sizes.shape[0]  # the first few Programs
        self._searches = no_searches(lowered, self.spaces, most)
        self._objectives: dict[int, Objective] = {}
        self._numbers: dict[tuple[Objective, int, int], int] = {}
        self._residency: tuple[Policy, Residency] | None = None
        self._resident: _Resident = ()
        if mapping == NOTHING_FIXED and not lowered.cascades:
            self._resident = _resident(graph, lowered, hardware, machine, self._least_bytes)

    def policies(self) -> Iterator[Policy]:
        """The policies to try."""
        if self._resident:
            return iter([policy for policy, _ in self._resident])
        return policies(
            self.graph, self.lowered, self.hardware, self.machine, self.mapping, self._least_bytes
        )

    def program(self, policy: Policy, number: int, aim: Aim) -> Program | None:
        """Every step tiled for `aim`, the `number`-th one, under `policy`; None if one has no legal
        tiling."""
        self._objectives[number] = aim.objective
        return self._tiled(policy, aim, number, NO_AIM, self.spaces.only)

    def least_cycles(self, policy: Policy) -> float:
        """Cycles that no Program under `policy` falls below: those of its weights on the bus."""
        moved = moved_weight_bytes(self.lowered, self._residency_of(policy).operands)
        return moved / self.machine.dram_bytes_per_cycle

    def narrowed(
        self, policy: Policy, objective: Objective, place: int, value: int
    ) -> Program | None:
        """`program` for `objective`, with `value` alone in the lists of candidates at `place` that
        have it."""
        only = self._narrowings.get((place, value), lambda: only_with(self.spaces, place, value))
        wider = next((n for n, known in self._objectives.items() if known == objective), NO_AIM)
        key = objective, place, value
        number = self._numbers.setdefault(key, NO_AIM - 1 - len(self._numbers))
        return self._tiled(policy, Aim(objective, False), number, wider, only)

    def _tiled(
        self, policy: Policy, aim: Aim, number: int, wider: int, only: np.ndarray
    ) -> Program | None:
        """See `tiling.tile_steps`."""
        self._searches = with_room(self._searches, len(self.lowered.steps))
        table, used, (operands, top, rooms) = self._begun(policy)
        tiled = tile_steps(
            table, operands, self.spaces._replace(only=only), rooms, self._record, aim.objective,
            number, aim.weights_early, wider, self._searches, used,
        )  # fmt: skip
        return self._finished(policy, table, operands, top, used, tiled)

    def largest(self, policy: Policy) -> Program | None:
        """Every step in its fewest tiles under `policy`."""
        table, used, (operands, top, rooms) = self._begun(policy)
        tiled = largest_tiles(table, operands, self.spaces, rooms, self._record, used)
        return self._finished(policy, table, operands, top, used, tiled)

    def _begun(self, policy: Policy) -> tuple[np.ndarray, np.ndarray, Residency]:
        """The table without tiles, room for the bytes of their buffers, and what `policy` leaves
        to the steps; Programs of one policy share that, and nobody changes it."""
        used = np.zeros(len(self.lowered.steps), np.int64)
        return copied(self.lowered.table), used, self._residency_of(policy)

    def _residency_of(self, policy: Policy) -> Residency:
        for known, residency in self._resident:
            if known is policy:
                return residency
        if self._residency is None or self._residency[0] != policy:
            self._residency = policy, residency_of(self.lowered, self.machine, policy)
        return self._residency[1]

    def _finished(
        self, policy: Policy, table: np.ndarray, operands: np.ndarray, top: np.ndarray,
        used: np.ndarray, tiled: bool,
    ) -> Program | None:  # fmt: skip
        """The Program of a table; None unless it is `tiled`: a step has no tiling."""
        if not tiled:
            return None
        lowered, machine = self.lowered, self.machine
        pinned, placed = policy
        room, early = machine.sram_bytes - pinned, np.zeros(len(lowered.steps), np.int64)
        overlap = machine.overlap_layers
        peak = int(allow_prefetch(table, operands, top, used, room, early, overlap))
        return Program(
            self.graph, self.hardware, machine, lowered.steps, lowered.kinds, table, operands,
            lowered.tensors, placed, pinned, pinned + peak, used, early, lowered.cascades,
        )  # fmt: skip
