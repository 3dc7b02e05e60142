"""DMA transfers: set-up on their channel, latency of the memory, data on the shared bus.

The bus is idle for a while where a write follows a read or a read a write (turn-around).
"""

from __future__ import annotations

import numpy as np

from npusim.cost.machine import Machine
from npusim.jit import compiled, inlined
from npusim.schedule.tables import LOAD, OUTPUTS, STORE
from npusim.timing.causes import HOST_LINK, WAIT_INPUTS, WAIT_OUTPUT_BUFFER, WAIT_WEIGHTS
from npusim.timing.clock import (
    BUS_DIRECTION,
    BUS_FREE,
    PORT_TIME,
    POST_BEGIN,
    POST_FREE,
    READ_CHANNEL,
    READ_PORT,
    WEIGHTS_FREE,
    WRITE_BUS,
    WRITE_CHANNEL,
    WRITE_PORT,
    Clock,
    arrival_of,
    end_of,
    later,
    raise_moment,
    ready,
    served_at,
    set_moment,
)
from npusim.timing.notes import arrive, note
from npusim.timing.works import Works, work_of_transfer

READING, WRITING = 1, 2


@inlined
def turn_cycles(clock: Clock, machine: Machine, loading: bool) -> int:
    """Cycles in which the data bus turns around before this transfer, whose direction is noted."""
    direction = READING if loading else WRITING
    last = clock.time[BUS_DIRECTION]
    clock.time[BUS_DIRECTION] = direction
    if last in (0, direction):
        return 0
    return machine.dram_rows.turn_to_read if loading else machine.dram_rows.turn_to_write


@inlined
def transfer(
    step: np.void, operands: np.ndarray, machine: Machine, clock: Clock, works: Works,
    job: np.void, entry: np.void, number: int, count: np.void,
) -> None:  # fmt: skip
    """A DMA transfer: set-up on its channel, latency of the memory, then data on the shared bus."""
    if step["direct_store"] and job["kind"] == STORE:
        _stream_out(step, operands, machine, clock, works, job, entry, number, count)
        return
    work = work_of_transfer(works, step, operands, machine, job)
    loading = job["kind"] == LOAD
    channel = READ_CHANNEL if loading or machine.dma_channels == 1 else WRITE_CHANNEL
    port = WRITE_PORT if loading else READ_PORT
    begin, before = ready(clock, job, channel, -1)
    if job["after_step"] >= 0:
        begin, before = later(clock, end_of(job["after_step"]), begin, before)
    if loading:
        for row in range(step["operand_start"], step["operand_stop"]):
            if operands[row]["stream"] == job["stream"] and not operands[row]["constant"]:
                begin, before = later(clock, arrival_of(clock, operands[row]), begin, before)
    set_moment(clock, channel, begin + machine.dma_setup, number)
    entry["ready"] = begin
    entry["ready_before"] = before
    data = begin + machine.dma_setup + machine.dram_latency
    bus = BUS_FREE if loading or not (machine.duplex or machine.round_robin) else WRITE_BUS
    turn = 0 if machine.duplex or machine.round_robin else turn_cycles(clock, machine, loading)
    if clock.time[bus] + turn > data:
        begin, before = clock.time[bus], clock.who[bus]
        data = begin + turn
        entry["latency"] = turn
    else:
        entry["setup"] = machine.dma_setup
        entry["latency"] = machine.dram_latency
    buffer_free = WEIGHTS_FREE + job["stream"]
    if work["stream_cycles"] > 0 and clock.time[buffer_free] > data:
        data, before = later(clock, buffer_free, data, before)
        begin = data
        entry["setup"] = entry["latency"] = 0
    through = served_at(clock, machine, port, 0, work["port_cycles"], work["sram_bytes"])
    end = max(data + work["cycles"], through)
    bus_free = end
    if work["stream_cycles"] > 0:
        end = max(end, data + work["stream_cycles"])
        set_moment(clock, buffer_free, end, number)
    cause = WAIT_INPUTS if loading else WAIT_OUTPUT_BUFFER
    if job["stream"] == 0:
        cause = WAIT_WEIGHTS
    elif machine.link_is_memory:
        cause = HOST_LINK
    note(entry, begin, end, before, cause)
    entry["held"] = data
    entry["moved"] = work["bus_bytes"]
    set_moment(clock, bus, bus_free, number)
    if machine.round_robin and not machine.duplex:
        clock.flow[PORT_TIME] += work["cycles"]
    if loading:
        count["dram_read"] += work["bus_bytes"]
        count["sram_write"] += work["sram_bytes"]
        if job["stream"] == 0:
            count["weights_bytes"] += work["sram_bytes"]
        else:
            count["inputs_bytes"] += work["sram_bytes"]
    else:
        count["dram_write"] += work["bus_bytes"]
        count["sram_read"] += work["sram_bytes"]
        if job["last"]:
            arrive(step, operands, OUTPUTS, clock, end, number)


@compiled
def _stream_out(
    step: np.void, operands: np.ndarray, machine: Machine, clock: Clock, works: Works,
    job: np.void, entry: np.void, number: int, count: np.void,
) -> None:  # fmt: skip
    """Outputs on their way to the second memory while the output stage makes them.

    The stage waits where they do not leave in time; without a bus of their own they take the time
    of loads.
    """
    work = work_of_transfer(works, step, operands, machine, job)
    made = job["waits"][0]
    begin, before = clock.time[made], clock.who[made]
    held = max(clock.time[WRITE_BUS], clock.time[POST_BEGIN])
    end = max(begin, held + work["cycles"])
    note(entry, begin, end, before, WAIT_OUTPUT_BUFFER)
    entry["held"] = held
    entry["moved"] = work["bus_bytes"]
    entry["ready"] = begin
    entry["ready_before"] = before
    set_moment(clock, WRITE_BUS, end, number)
    raise_moment(clock, POST_FREE, end, number)
    if not machine.duplex:
        clock.flow[PORT_TIME] += work["cycles"]
    count["dram_write"] += work["bus_bytes"]
    if job["last"]:
        arrive(step, operands, OUTPUTS, clock, end, number)
