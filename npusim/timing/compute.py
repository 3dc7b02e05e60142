"""Jobs of the array, the vector unit and the output stage: when they start, when they end."""

from __future__ import annotations

import numpy as np

from npusim.cost.array import DIRECT_CONVOLUTION
from npusim.cost.machine import Machine
from npusim.jit import compiled, inlined
from npusim.schedule.tables import RESIDENT, SLOTS
from npusim.schedule.work import holds_weights
from npusim.timing.causes import COMPUTE_CAUSE, POSTPROCESS, VECTOR_CAUSE
from npusim.timing.clock import (
    ARRAY_FREE,
    FIRST_OUTPUT,
    INPUT_TILE,
    LAST_COMPUTE,
    POST_BEGIN,
    POST_FREE,
    READ_PORT,
    VECTOR_FREE,
    WRITE_PORT,
    Clock,
    end_of,
    later,
    open_of,
    raise_moment,
    ready,
    served_at,
    set_moment,
    work_of,
)
from npusim.timing.notes import arrive, note
from npusim.timing.works import Works, work_of_stream, work_on_array


@inlined
def compute(
    step: np.void, operands: np.ndarray, machine: Machine, clock: Clock, works: Works,
    job: np.void, entry: np.void, number: int, count: np.void,
) -> None:  # fmt: skip
    """A tile on the MAC array; new weights first need their time into the weight registers."""
    held = not _first_pixels(job["bounds"]) and holds_weights(step, machine)
    work = work_on_array(works, step, operands, machine, job, held)
    start, before = ready(clock, job, ARRAY_FREE, open_of(job["step"]))
    lead = 0
    arrived = job["waits"][0]
    if arrived >= 0 and clock.time[arrived] + work["weight_lead"] > start:
        before = clock.who[arrived]
        lead = work["weight_lead"]
        start = clock.time[arrived] + lead
    delay = 0
    if step["dataflow"] == DIRECT_CONVOLUTION:
        start, before, delay = _delayed(machine, clock, job, start, before)
    read_bytes = work["read_bytes"] + work["sum_bytes"]
    through = max(
        served_at(clock, machine, READ_PORT, start, work["port_cycles"], read_bytes),
        served_at(clock, machine, WRITE_PORT, start, work["write_port_cycles"], work["sum_bytes"]),
    )
    end = max(start + work["cycles"], through)
    entry["stall"] = end - start - work["occupied"]
    if step["dataflow"] == DIRECT_CONVOLUTION:
        outputs = work_of_stream(works, step, operands, machine, job, True)["cycles"]
        leaving = max(clock.time[POST_FREE], start + work["first_output"])
        entry["blocked"] = max(0, leaving + outputs - work["tail"] - end)
        end += entry["blocked"]
    note(entry, start - lead - delay, end, before, COMPUTE_CAUSE)
    entry["held"] = start
    entry["compute"] = work["compute"]
    entry["fill"] = work["fill"] + delay
    entry["weight_load"] = work["weight_load"] + lead
    set_moment(clock, ARRAY_FREE, end, number)
    set_moment(clock, LAST_COMPUTE, end + work["tail"], number)
    set_moment(clock, FIRST_OUTPUT, min(end, start + work["first_output"]), number)
    raise_moment(clock, work_of(job["step"]), end, number)
    count["array_busy"] += end - start
    count["macs"] += work["macs"]
    count["sram_read"] += work["read_bytes"]
    count["tiles"] += 1
    if work["sum_bytes"] > 0:
        _sums_through_sram(step, job, work, count)


@compiled
def _sums_through_sram(step: np.void, job: np.void, work: np.void, count: np.void) -> None:
    """Partial sums of a tile: the first of a reduction begins at zero, and the last one's results
    are the outputs, which the output stage writes."""
    begins, ends = job["bounds"][6] == 0, job["bounds"][7] == step["c"]
    count["sram_read"] += work["sum_bytes"] - (work["own_sum_bytes"] if begins else 0)
    count["sram_write"] += work["sum_bytes"] - (work["own_sum_bytes"] if ends else 0)
    count["hops"] += work["hops"]
    count["filled"] += work["filled"]


@inlined
def _first_pixels(bounds: np.ndarray) -> bool:
    """True for a tile that has the first image, row and column: no other used its weights yet."""
    return bool(bounds[0] == 0 and bounds[8] == 0 and bounds[10] == 0)


@compiled
def _delayed(
    machine: Machine, clock: Clock, job: np.void, start: int, before: int
) -> tuple[int, int, int]:
    """Start of a tile that must follow its operands, and the input tile before, by a delay.

    Returns how much of the delay is over no other job's time, too.
    """
    delay = machine.array.start_delay
    last = ARRAY_FREE
    tile = job["step"] * SLOTS + job["waits"][1] + 1
    if clock.time[INPUT_TILE] == tile:
        last = -1
    clock.time[INPUT_TILE] = tile
    lead = 0
    for moment in (last, job["waits"][0], job["waits"][1]):
        if moment >= 0 and clock.time[moment] + delay > start:
            start, before, lead = clock.time[moment] + delay, clock.who[moment], delay
    return start, before, lead


@inlined
def vector(
    step: np.void, operands: np.ndarray, machine: Machine, clock: Clock, works: Works,
    job: np.void, entry: np.void, number: int, count: np.void,
) -> None:  # fmt: skip
    """A tile on the vector unit, reading and writing SRAM as it goes."""
    work = work_of_stream(works, step, operands, machine, job, False)
    start, before = ready(clock, job, VECTOR_FREE, open_of(job["step"]))
    start, before = later(clock, end_of(job["step"] - 1), start, before)
    through = max(
        served_at(clock, machine, READ_PORT, start, work["read_cycles"], work["read_bytes"]),
        served_at(clock, machine, WRITE_PORT, start, work["write_cycles"], work["write_bytes"]),
    )
    note(entry, start, max(start + work["cycles"], through), before, VECTOR_CAUSE)
    end = entry["end"]
    set_moment(clock, VECTOR_FREE, end, number)
    raise_moment(clock, work_of(job["step"]), end, number)
    if job["last"]:
        arrive(step, operands, RESIDENT, clock, end, number)
    count["vector_ops"] += work["ops"]
    count["outputs"] += work["outputs"]
    count["sram_read"] += work["read_bytes"]
    count["sram_write"] += work["write_bytes"]
    count["tiles"] += 1


@inlined
def drain(
    step: np.void, operands: np.ndarray, machine: Machine, clock: Clock, works: Works,
    job: np.void, entry: np.void, number: int, count: np.void,
) -> None:  # fmt: skip
    """The output stage: follows the array's outputs as they leave, or after the tile.

    What the last outputs need to leave an array that is done (its tail) is the array's drain.
    """
    work = work_of_stream(works, step, operands, machine, job, True)
    begins = FIRST_OUTPUT if machine.array.hide_drain else LAST_COMPUTE
    start, before = ready(clock, job, POST_FREE, begins)
    start, before = later(clock, end_of(job["step"] - 1), start, before)
    clock.time[POST_BEGIN] = start
    through = served_at(clock, machine, WRITE_PORT, 0, work["write_cycles"], work["write_bytes"])
    end = max(start + work["cycles"], through)
    held = start
    if clock.time[LAST_COMPUTE] > end:
        start = end = clock.time[LAST_COMPUTE]
        before = clock.who[LAST_COMPUTE]
    tail = 0
    if start == clock.time[LAST_COMPUTE] and before == clock.who[LAST_COMPUTE]:
        tail = start - clock.time[ARRAY_FREE]
    note(entry, start - tail, end, before, POSTPROCESS)
    entry["held"] = held
    entry["fill"] = tail
    set_moment(clock, POST_FREE, end, number)
    if not machine.overlap_layers:
        raise_moment(clock, work_of(job["step"]), end, number)
    if job["last"]:
        arrive(step, operands, RESIDENT, clock, end, number)
    count["outputs"] += work["outputs"]
    count["sram_write"] += work["write_bytes"]
