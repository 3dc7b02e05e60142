"""Works of tiles that the engine has met already: most tiles of a step are alike.

What a job takes depends on its step and on the extents of its tile, not on where the tile lies. So
each kind of work has a few places, chosen by the extents; a place keeps the work of the last tile
that went there, and is looked at before anything is computed anew.
"""

from __future__ import annotations

from typing import Any, NamedTuple, get_type_hints

import numpy as np

from npusim.cost.machine import Machine
from npusim.jit import allocating, compiled, inlined
from npusim.schedule.tables import OUTPUTS
from npusim.schedule.tiles import Part, part_of
from npusim.schedule.work import (
    ArrayWork,
    StreamWork,
    TransferWork,
    array_work,
    post_work,
    transfer_work,
    vector_work,
)

_PLACES = 16
_EXTENTS = len(Part._fields)
_KEY = [("step", np.int64), ("extents", np.int64, (_EXTENTS,))]


def _record_of(work: Any) -> np.dtype[Any]:
    """The record of a place: the tile it is of, and the fields of a named tuple of numbers."""
    kinds = {int: np.int64, float: np.float64}
    return np.dtype(_KEY + [(name, kinds[kind]) for name, kind in get_type_hints(work).items()])


ARRAY_WORK, STREAM_WORK, TRANSFER_WORK = map(_record_of, (ArrayWork, StreamWork, TransferWork))


class Works(NamedTuple):
    """The places: `array` for tiles whose weights are yet to come, then for those whose are held;
    `stream` for vector tiles, then for what drains; `transfer` for each stream."""

    array: np.ndarray
    stream: np.ndarray
    transfer: np.ndarray


@allocating
def no_works() -> Works:
    """Places of no step."""
    works = Works(
        np.zeros(2 * _PLACES, ARRAY_WORK), np.zeros(2 * _PLACES, STREAM_WORK),
        np.zeros((OUTPUTS + 1) * _PLACES, TRANSFER_WORK),
    )  # fmt: skip
    works.array["step"][:] = works.stream["step"][:] = works.transfer["step"][:] = -1
    return works


@inlined
def work_on_array(
    works: Works, step: np.void, operands: np.ndarray, machine: Machine, job: np.void, held: bool
) -> np.void:
    """`array_work` of a COMPUTE job on the array, as a record; valid until the next call."""
    part = part_of(step, job["bounds"])
    place: np.void = works.array[_place_of(part) + (_PLACES if held else 0)]
    if not _is_of(place, job["step"], part):
        work = array_work(step, operands, part, machine, held)
        _name(place, job["step"], part)
        place["cycles"] = work.cycles
        place["occupied"] = work.occupied
        place["compute"] = work.compute
        place["fill"] = work.fill
        place["weight_load"] = work.weight_load
        place["first_output"] = work.first_output
        place["tail"] = work.tail
        place["weight_lead"] = work.weight_lead
        place["port_cycles"] = work.port_cycles
        place["write_port_cycles"] = work.write_port_cycles
        place["read_bytes"] = work.read_bytes
        place["macs"] = work.macs
        place["sum_bytes"] = work.sum_bytes
        place["own_sum_bytes"] = work.own_sum_bytes
        place["hops"] = work.hops
        place["filled"] = work.filled
    return place


@inlined
def work_of_stream(
    works: Works, step: np.void, operands: np.ndarray, machine: Machine, job: np.void,
    draining: bool,
) -> np.void:  # fmt: skip
    """`post_work` of the tile of a job if it is `draining`, else `vector_work`, as a record; valid
    until the next call."""
    part = part_of(step, job["bounds"])
    place: np.void = works.stream[_place_of(part) + (_PLACES if draining else 0)]
    if not _is_of(place, job["step"], part):
        if draining:
            work = post_work(step, operands, part, machine)
        else:
            work = vector_work(step, operands, part, machine)
        _name(place, job["step"], part)
        place["cycles"] = work.cycles
        place["read_cycles"] = work.read_cycles
        place["write_cycles"] = work.write_cycles
        place["read_bytes"] = work.read_bytes
        place["write_bytes"] = work.write_bytes
        place["ops"] = work.ops
        place["outputs"] = work.outputs
    return place


@inlined
def work_of_transfer(
    works: Works, step: np.void, operands: np.ndarray, machine: Machine, job: np.void
) -> np.void:
    """`transfer_work` of a LOAD or STORE job, as a record; valid until the next call."""
    part = part_of(step, job["bounds"])
    place: np.void = works.transfer[job["stream"] * _PLACES + _place_of(part)]
    if not _is_of(place, job["step"], part):
        work = transfer_work(step, operands, job["stream"], part, machine)
        _name(place, job["step"], part)
        place["cycles"] = work.cycles
        place["stream_cycles"] = work.stream_cycles
        place["port_cycles"] = work.port_cycles
        place["bus_bytes"] = work.bus_bytes
        place["row_cycles"] = work.row_cycles
        place["sram_bytes"] = work.sram_bytes
    return place


@inlined
def _place_of(part: Part) -> int:
    """The place of a tile: those of a step that are cut at other edges should not share one."""
    mixed = part.oy + 3 * part.ox + 5 * part.in_rows + 7 * part.in_cols + 11 * part.k
    return (mixed + 13 * part.c + part.g + part.b) % _PLACES


@inlined
def _is_of(place: np.void, at: int, part: Part) -> bool:
    """True if `place` keeps the work of such a tile of step `at`."""
    extents = place["extents"]
    return bool(
        place["step"] == at
        and extents[0] == part.b
        and extents[1] == part.g
        and extents[2] == part.k
        and extents[3] == part.c
        and extents[4] == part.oy
        and extents[5] == part.ox
        and extents[6] == part.in_rows
        and extents[7] == part.in_cols
    )


@compiled
def _name(place: np.void, at: int, part: Part) -> None:
    """`place` keeps the work of such a tile of step `at` from now on."""
    place["step"] = at
    extents = place["extents"]
    extents[0] = part.b
    extents[1] = part.g
    extents[2] = part.k
    extents[3] = part.c
    extents[4] = part.oy
    extents[5] = part.ox
    extents[6] = part.in_rows
    extents[7] = part.in_cols
