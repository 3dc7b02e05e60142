"""Policies of residency: which weights and tensors stay in SRAM, as whole alternatives to compare.

A policy keeps a share of SRAM for tiles and gives the rest to tensors; with or without all weights
across inferences. What a mapping says of residency leaves one alternative instead of many.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from npusim.cost.machine import Machine
from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph
from npusim.jit import allocating, compiled
from npusim.schedule.buffers import set_buffers
from npusim.schedule.candidates import Space
from npusim.schedule.fixed import SEARCHED, Mapping
from npusim.schedule.lower import Lowered
from npusim.schedule.placements import as_placements, no_placements, settle
from npusim.schedule.program import Placement
from npusim.schedule.residency import candidates, place
from npusim.schedule.spaces import space_of
from npusim.schedule.tables import ALIAS, HOST, RESIDENT, WEIGHTS, copied
from npusim.schedule.tiling import Spaces, least_rooms

KEPT_FOR_TILES = (0.0, 0.25)
"""Shares of SRAM that a policy keeps for tiles; the rest is for tensors that stay."""


class Policy(NamedTuple):
    """`pinned_bytes` of weights that stay across inferences, and the tensors that stay."""

    pinned_bytes: int
    placed: AnyMapping[str, Placement]


class Residency(NamedTuple):
    """A policy as steps see it: where their operands come from, the end of what stays in SRAM
    (int64 [steps]), and their room for tiles (int64 [steps])."""

    operands: np.ndarray
    top_bytes: np.ndarray
    room_bytes: np.ndarray


def policies(
    graph: Graph, lowered: Lowered, hardware: Hardware, machine: Machine, mapping: Mapping,
    least: np.ndarray,
) -> Iterator[Policy]:  # fmt: skip
    """The policies to try; none if the tensors that must stay do not fit.

    `least` are the `needed_rooms` of the steps.
    """
    capacity = machine.sram_bytes
    holds = hardware.memory.sram.holds
    all_stay, ends = hardware.memory.dram.read_only, ends_may_stay(hardware)
    for pinned in _pins(lowered, hardware, mapping, machine.sram_bytes, least):
        free = capacity - pinned
        if mapping.resident is not None:
            policy = roomiest(graph, lowered, hardware, machine, mapping, pinned)
            if len(policy.placed) == len(mapping.resident):
                yield policy
            continue
        for kept in KEPT_FOR_TILES:
            room = np.maximum(least, int(kept * free))
            stays = all_stay or ("inputs" in holds and "outputs" in holds)
            if stays:
                weights = "weights" in holds and not pinned
                placed = place(graph, lowered, free, room, all_stay, None, weights, ends)
            else:
                placed = no_placements()
            must = candidates(graph, lowered, all_stay) if all_stay else ()
            if all(name in placed for name, *_ in must):
                yield Policy(pinned, placed)


def ends_may_stay(hardware: Hardware) -> bool:
    """True if inputs and outputs of a network may lie in SRAM when it begins and ends."""
    return hardware.host.link is not None and hardware.host.link.reaches == "sram"


def needed_rooms(
    lowered: Lowered, hardware: Hardware, mapping: Mapping, spaces: Spaces
) -> np.ndarray:  # fmt: skip
    """The room that each step must be left, int64 [steps]. With everything streamed even the
    smallest tile needs the most, so these suffice; where all tensors stay, a fixed tile is taken at
    its word."""
    needs = np.empty(len(lowered.steps), np.int64)
    least_rooms(copied(lowered.table), lowered.operands, spaces, needs)
    if not hardware.memory.dram.read_only or not mapping.steps:
        return needs
    stay = copied(lowered.operands)
    stay["stream"][stay["constant"] == 0] = RESIDENT
    fixed = np.empty_like(needs)
    least_rooms(copied(lowered.table), stay, spaces, fixed)
    return np.where(_searched(lowered, mapping), needs, fixed)


def _searched(lowered: Lowered, mapping: Mapping) -> np.ndarray:
    """Of which steps `mapping` fixes nothing, bool [steps]."""
    if not mapping.steps:
        return np.ones(len(lowered.steps), np.bool_)
    return np.array([mapping.of(step.name) == SEARCHED for step in lowered.steps], np.bool_)


def _pins(
    lowered: Lowered, hardware: Hardware, mapping: Mapping, capacity: int, least: np.ndarray
) -> tuple[int, ...]:
    """Bytes of weights that may stay across inferences: none, or all of them."""
    weights = weight_bytes(lowered)
    if mapping.weights_stay is not None:
        return (weights,) if mapping.weights_stay else (0,)
    searched = least[_searched(lowered, mapping)] if mapping.steps else least
    most = int(searched.max(initial=0))
    fits = 0 < weights <= capacity - most
    return (0, weights) if "weights" in hardware.memory.sram.holds and fits else (0,)


def roomiest(
    graph: Graph, lowered: Lowered, hardware: Hardware, machine: Machine, mapping: Mapping,
    pinned: int,
) -> Policy:  # fmt: skip
    """The policy that leaves steps the most room: only what has to stay is placed, if it fits."""
    all_stay = hardware.memory.dram.read_only
    only = mapping.resident
    if only is None and not all_stay:
        only = frozenset()
    nothing_kept = np.zeros(len(lowered.steps), np.int64)
    free = machine.sram_bytes - pinned
    weights, ends = only is not None and not pinned, ends_may_stay(hardware)
    placed = place(graph, lowered, free, nothing_kept, all_stay, only, weights, ends)
    return Policy(pinned, placed)


def residency_of(lowered: Lowered, machine: Machine, policy: Policy) -> Residency:
    """What `policy` leaves to the steps."""
    operands, placed = copied(lowered.operands), as_placements(policy.placed, lowered.tensors)
    top = np.zeros(len(lowered.steps), np.int64)
    settle(placed.spans.rows, placed.offsets, len(lowered.tensors), operands, top)
    striped = zip(lowered.steps, lowered.table, strict=True) if lowered.cascades else ()
    for step, row in striped:
        if step.whole and step.first_row == 0:  # this stripe brings the weights that then stay
            own = operands[row["operand_start"] : row["operand_stop"]]
            own["stream"][own["constant"] == 1] = WEIGHTS
    if policy.pinned_bytes:
        operands["stream"][operands["constant"] == 1] = RESIDENT
    return Residency(operands, top, machine.sram_bytes - policy.pinned_bytes - top)


_WEIGHTS: WeakKeyDictionary[Lowered, tuple[int, np.ndarray]] = WeakKeyDictionary()


def weight_bytes(lowered: Lowered) -> int:
    """Bytes of all constants that array and vector steps read, each tensor once."""
    return _weights_of(lowered)[0]


def own_weight_bytes(lowered: Lowered) -> np.ndarray:
    """Bytes of the constants that each array or vector step reads whole, int64 [steps]."""
    return _weights_of(lowered)[1]


def moved_weight_bytes(lowered: Lowered, operands: np.ndarray) -> int:
    """The least bytes of weights that come to SRAM where `operands` says which stay there: every
    step reads all of its own once."""
    own = np.zeros(len(lowered.steps), np.int64)
    _weight_bytes(lowered.table, operands, len(lowered.tensors), own)
    return int(own.sum())


def _weights_of(lowered: Lowered) -> tuple[int, np.ndarray]:
    if lowered not in _WEIGHTS:
        own = np.zeros(len(lowered.steps), np.int64)
        found = _weight_bytes(lowered.table, lowered.operands, len(lowered.tensors), own)
        _WEIGHTS[lowered] = int(found), own
    return _WEIGHTS[lowered]


@allocating
def _weight_bytes(
    table: np.ndarray, operands: np.ndarray, tensors: int, own: np.ndarray
) -> int:  # fmt: skip
    """Bytes of all constants; `own` (int64 [steps]) gets those that each step brings to SRAM."""
    sizes = np.zeros(tensors, np.int64)
    for at in range(table.size):
        step = table[at]
        if step["unit"] == ALIAS or step["unit"] == HOST:
            continue
        for row in range(step["operand_start"], step["operand_stop"]):
            operand = operands[row]
            if not operand["constant"]:
                continue
            if operand["stored_of"]:
                sizes[operand["tensor"]] = operand["stored_bytes"]
            else:
                sizes[operand["tensor"]] = (_elements(step, operand) * operand["bits"] + 7) // 8
            if operand["share"] == operand["share_of"] and operand["stream"] == WEIGHTS:
                own[at] += sizes[operand["tensor"]]
    return int(sizes.sum())


@compiled
def _elements(step: np.void, operand: np.void) -> int:
    """Elements that the loops of an operand span."""
    elements = step["b"] if operand["has_b"] else 1
    elements *= step["g"] if operand["has_g"] else 1
    elements *= step["k"] if operand["has_k"] else 1
    elements *= step["c"] if operand["has_c"] else 1
    elements *= step["oy"] if operand["has_y"] else 1
    elements *= step["ox"] if operand["has_x"] else 1
    return int(elements * step["fy"] * step["fx"] if operand["has_taps"] else elements)


def least_bytes(
    lowered: Lowered, at: int, hardware: Hardware, machine: Machine, mapping: Mapping,
    operands: np.ndarray,
) -> int:  # fmt: skip
    """The least SRAM in which a step can run: its smallest tile, with the streams of `operands`."""
    step = lowered.steps[at]
    if step.unit in (ALIAS, HOST):
        return 0
    row, space = smallest_tile(lowered, at, hardware, machine, mapping)
    return int(min(_with_order(row, order, operands, space) for order in space.orders))


def smallest_tile(
    lowered: Lowered, at: int, hardware: Hardware, machine: Machine, mapping: Mapping
) -> tuple[np.void, Space]:
    """A copy of a step's row with the smallest tile of its space, and that space."""
    step = lowered.steps[at]
    row = lowered.table[at : at + 1].copy()[0]
    space = space_of(step, row, hardware, machine, 0, mapping.of(step.name))
    row["tile_b"], row["tile_oy"], row["tile_ox"] = space.spatial[-1]
    row["tile_g"], row["tile_k"], row["tile_c"] = space.g[-1], space.k[-1], space.c[-1]
    return row, space


def _with_order(row: np.void, order: int, operands: np.ndarray, space: Space) -> int:
    row["order"] = order
    return set_buffers(row, operands, space.buffers)
