"""Loads of weights and of inputs that share one read port in turn (`dma.arbitration: round_robin`).

While both streams have bursts to ask for, each gets half of the port; a stream that is held back by
its own bursts in flight leaves the rest to the other. A load waits until its data are there and
until there is room: tiles follow each other in the stream's share of SRAM, and a byte may come as
soon as all that lies a whole share before it has been released. So a load may stop half-way, and
go on when a computation ends. Where SRAM is split so, a hardware layer is one input tile with the
weights that it meets; no stream goes on to the next layer before both have loaded this one.

    arrival of a load = time of its last byte on the port + latency of the memory

When a load is emitted it is not known yet what the other stream will ask for. So loads wait in two
queues and are served when a computation needs one. By then every load that can have a share of the
port until that moment has been emitted, because whatever frees it is emitted before. Between two
events (a load done, a stream blocked, a stream free to go on) the shares are constant: the port
costs a few operations a load, whatever its length.
"""

from __future__ import annotations

import numpy as np

from npusim.cost.machine import Machine
from npusim.cost.transfer import cycles_at
from npusim.jit import compiled
from npusim.schedule.tables import LOAD, WEIGHTS
from npusim.timing.causes import HOST_LINK, WAIT_INPUTS, WAIT_WEIGHTS
from npusim.timing.clock import (
    DONE,
    FREED,
    FRESH,
    ISSUED,
    LATEST,
    MOVED,
    MOVED_AT,
    PORT_TIME,
    RELEASED,
    RING,
    WRITE_PORT,
    Clock,
    arrival_of,
    began_of,
    end_of,
    last_load_of,
    later,
    queued_of,
    raise_moment,
    released_of,
    resume_of,
    served_at,
    set_moment,
)
from npusim.timing.notes import note
from npusim.timing.works import Works, work_of_transfer

_NEVER = 1e300
_MOST_TILES = 1 << 16
_BYTE = 1e-6
"""Less than this part of a byte is rounding noise."""


@compiled
def enqueue(
    step: np.void, operands: np.ndarray, machine: Machine, clock: Clock, works: Works, job: np.void,
    emitted: int, count: np.void,
) -> None:  # fmt: skip
    """Put a load, the `emitted`-th job, at the end of its queue, and count what it moves."""
    stream = job["stream"]
    place = clock.port[stream, ISSUED] % RING
    clock.port[stream, ISSUED] += 1
    if clock.port[stream, ISSUED] - clock.port[stream, FREED] == RING:
        clock.port[stream, FREED] += 1
    moment = queued_of(stream, place)
    begin, before = 0, -1
    for token in job["waits"]:
        if token >= 0:
            begin, before = later(clock, token, begin, before)
    if job["after_step"] >= 0:
        begin, before = later(clock, end_of(job["after_step"]), begin, before)
    for row in range(step["operand_start"], step["operand_stop"]):
        if operands[row]["stream"] == stream and not operands[row]["constant"]:
            begin, before = later(clock, arrival_of(clock, operands[row]), begin, before)
    set_moment(clock, moment, begin, before)
    work = work_of_transfer(works, step, operands, machine, job)
    load = clock.queue[stream, place]
    last = clock.queue[stream, (place - 1) % RING]["held_until"]
    load["job"] = emitted
    load["step"] = job["step"]
    load["token"] = job["signals"][0]
    load["bus_bytes"] = work["bus_bytes"]
    if work["row_cycles"] > 0:
        load["bus_bytes"] += int(work["row_cycles"] * machine.dram_bytes_per_cycle)
    load["moved"] = work["bus_bytes"]
    load["port_cycles"] = work["port_cycles"]
    load["held"] = work["sram_bytes"]
    load["held_until"] = last + work["sram_bytes"]
    load["room"] = step["room_weights"] if stream == WEIGHTS else step["room_inputs"]
    load["layer"], load["closes"] = _layer_of(step, job)
    count["jobs"] += 1
    count["dram_read"] += work["bus_bytes"]
    count["sram_write"] += work["sram_bytes"]
    if stream == WEIGHTS:
        count["weights_bytes"] += work["sram_bytes"]
    else:
        count["inputs_bytes"] += work["sram_bytes"]


@compiled
def _layer_of(step: np.void, job: np.void) -> tuple[int, bool]:
    """A number for the input tile that a load belongs to, and whether it is its stream's last one.

    Both grow along the Program. Loads without a share of SRAM belong to none (0).
    """
    if step["banks"] == 0:
        return 0, True
    bounds = job["bounds"]
    last = bounds[3] == step["g"] and (job["stream"] != WEIGHTS or bounds[5] == step["k"])
    number = int(job["step"]) + 1
    for place in (0, 8, 10):
        number *= _MOST_TILES
        if step["order"] != 0:
            number += min(bounds[place], _MOST_TILES - 1)
    return number, bool(last)


@compiled
def awaits(clock: Clock, job: np.void) -> bool:
    """True if `job` waits for a load that is still in a queue."""
    if job["kind"] == LOAD:
        return False
    for stream in range(2):
        for number in range(clock.port[stream, DONE], clock.port[stream, ISSUED]):
            token = clock.queue[stream, number % RING]["token"]
            if token == job["waits"][0] or token == job["waits"][1]:
                return True
    return False


@compiled
def serve_next(machine: Machine, clock: Clock, log: np.ndarray, number: int) -> None:
    """Run the port until one load is done, and write it down as entry `number`."""
    while True:
        time_0, bytes_0, reason_0 = _available(machine, clock, 0)
        time_1, bytes_1, reason_1 = _available(machine, clock, 1)
        now = max(clock.flow[PORT_TIME], min(time_0, time_1))
        if now >= _NEVER:
            raise RuntimeError("no load can be served, and a job waits for one")
        rate_0, rate_1 = _shares(machine, time_0 <= now, time_1 <= now)
        length = _NEVER
        if rate_0 > 0:
            _begin(machine, clock, 0, time_0, reason_0)
            length = bytes_0 / rate_0
        elif time_0 < _NEVER:
            length = time_0 - now
        if rate_1 > 0:
            _begin(machine, clock, 1, time_1, reason_1)
            length = min(length, bytes_1 / rate_1)
        elif time_1 < _NEVER:
            length = min(length, time_1 - now)
        clock.flow[PORT_TIME] = now + length
        done_0 = rate_0 > 0 and _move(clock, 0, rate_0 * length)
        done_1 = rate_1 > 0 and _move(clock, 1, rate_1 * length)
        if done_0 or done_1:
            _arrive(machine, clock, 0 if done_0 else 1, log[number], number)
            return


@compiled
def release(clock: Clock, job: np.void, end: int, number: int) -> None:
    """Job `number` was the last to read the tiles that `job` signals: their room is free."""
    for stream in range(2):
        if job["signals"][stream] >= 0:
            place = clock.port[stream, RELEASED] % RING
            set_moment(clock, released_of(stream, place), end, number)
            clock.port[stream, RELEASED] += 1


@compiled
def _available(machine: Machine, clock: Clock, stream: int) -> tuple[float, float, int]:
    """When the first load of a queue may go on, how many bus bytes may come then, and the moment
    that lets it."""
    done = clock.port[stream, DONE]
    if done == clock.port[stream, ISSUED]:
        return _NEVER, 0.0, -1
    if _layer_is_open(clock, stream):
        return _NEVER, 0.0, -1
    load = clock.queue[stream, done % RING]
    moment = queued_of(stream, done % RING)
    time = float(clock.time[moment] + machine.dma_setup)
    if clock.time[resume_of(stream)] > time:
        moment = resume_of(stream)
        time = float(clock.time[moment])
    moved = clock.flow[MOVED + stream]
    rest = load["bus_bytes"] - moved
    if load["room"] == 0 or load["bus_bytes"] == 0:
        return time, rest, moment
    held = load["held"] / load["bus_bytes"]
    position = load["held_until"] - load["held"] + moved * held
    while True:
        freed = clock.port[stream, FREED]
        before = clock.queue[stream, (freed - 1) % RING]["held_until"] if freed > 0 else 0
        room = load["room"] - (position - before)
        if room > _BYTE or rest <= _BYTE:
            return time, min(rest, room / held), moment
        if freed == clock.port[stream, RELEASED]:
            return _NEVER, 0.0, -1
        freeing = released_of(stream, freed % RING)
        clock.port[stream, FREED] += 1
        if clock.time[freeing] >= time:
            moment = resume_of(stream)
            set_moment(clock, moment, clock.time[freeing], clock.who[freeing])
            time = float(clock.time[moment])


@compiled
def _layer_is_open(clock: Clock, stream: int) -> bool:
    """True if the other stream has not yet loaded all of the layers before a queue's first load."""
    layer = clock.queue[stream, clock.port[stream, DONE] % RING]["layer"]
    other = 1 - stream
    done = clock.port[other, DONE]
    if layer == 0:
        return False
    if done < clock.port[other, ISSUED]:
        return bool(0 < clock.queue[other, done % RING]["layer"] < layer)
    last = clock.queue[other, (done - 1) % RING]
    return bool(done > 0 and not last["closes"] and last["layer"] < layer)


@compiled
def _shares(machine: Machine, active_0: bool, active_1: bool) -> tuple[float, float]:
    """Bytes per cycle of the weight stream and of the input stream."""
    whole = min(machine.dram_bytes_per_cycle, machine.sram_write_bytes_per_cycle)
    most_0 = min(whole, machine.weight_stream_rate) if active_0 else 0.0
    most_1 = min(whole, machine.input_stream_rate) if active_1 else 0.0
    rate_0 = min(most_0, max(whole / 2, whole - most_1))
    return rate_0, min(most_1, whole - rate_0)


@compiled
def _begin(machine: Machine, clock: Clock, stream: int, time: float, reason: int) -> None:
    """Note why the first load of a queue moves only now, if it is new or has been blocked."""
    if time > clock.flow[MOVED_AT + stream] or clock.port[stream, DONE] == 0:
        set_moment(clock, began_of(stream), clock.time[reason], clock.who[reason])
        clock.port[stream, FRESH] = 1
    elif clock.flow[MOVED + stream] == 0:
        last = last_load_of(stream)
        set_moment(clock, began_of(stream), clock.time[last], clock.who[last])
        clock.port[stream, FRESH] = 0


@compiled
def _move(clock: Clock, stream: int, bytes_: float) -> bool:
    """Move bytes of the first load of a queue; True if it is done."""
    clock.flow[MOVED + stream] += bytes_
    clock.flow[MOVED_AT + stream] = clock.flow[PORT_TIME]
    load = clock.queue[stream, clock.port[stream, DONE] % RING]
    return bool(clock.flow[MOVED + stream] >= load["bus_bytes"] - _BYTE)


@compiled
def _arrive(machine: Machine, clock: Clock, stream: int, entry: np.void, number: int) -> None:
    """The first load of a queue is done: its tile is in SRAM after the latency of the memory."""
    load = clock.queue[stream, clock.port[stream, DONE] % RING]
    began = began_of(stream)
    end = cycles_at(clock.flow[PORT_TIME], 1.0) + machine.dram_latency
    through = served_at(clock, machine, WRITE_PORT, 0, load["port_cycles"], load["held"])
    end = max(end, through, clock.time[began])
    cause = WAIT_WEIGHTS if stream == WEIGHTS else WAIT_INPUTS
    if machine.link_is_memory:
        cause = HOST_LINK
    note(entry, clock.time[began], end, clock.who[began], cause)
    entry["job"] = load["job"]
    entry["step"] = load["step"]
    entry["held"] = max(clock.time[began], clock.time[last_load_of(stream)])
    entry["moved"] = load["moved"]
    entry["ready"] = clock.time[began]
    entry["ready_before"] = clock.who[began]
    if clock.port[stream, FRESH]:
        entry["setup"] = machine.dma_setup
        entry["latency"] = machine.dram_latency
    set_moment(clock, load["token"], end, number)
    set_moment(clock, last_load_of(stream), end, number)
    raise_moment(clock, end_of(load["step"]), end, number)
    raise_moment(clock, LATEST, end, number)
    clock.port[stream, DONE] += 1
    clock.flow[MOVED + stream] = 0.0
