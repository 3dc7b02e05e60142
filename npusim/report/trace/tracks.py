"""The tracks of a trace, and which of them shows a job.

A resource serves one job at a time, so the events of a track never overlap. Set-ups have tracks of
their own: a channel sets up a transfer while the bus still moves the one before. So have inputs
where they share the bus with weights in turn, and writes where they have a bus of their own. Where
streams have buffers of their own, a slow one leaves the bus to the others: each has its track.
"""

from __future__ import annotations

import numpy as np

from npusim.schedule.program import Program
from npusim.schedule.tables import (
    ARRAY,
    COMPUTE,
    DISPATCH,
    HOST_JOB,
    INPUTS,
    LOAD,
    POST,
    STORE,
    WEIGHTS,
)

NAMES = (
    "layers", "controller", "DMA set-up, loads", "DMA set-up, stores", "DRAM bus",
    "DRAM bus, inputs", "DRAM bus, writes", "MAC array", "output stage", "vector unit",
    "host",
)  # fmt: skip
"""By track number. A layer lasts until the next one starts, whatever it overlaps with."""
(
    LAYERS, CONTROLLER, LOAD_CHANNEL, STORE_CHANNEL, BUS, BUS_INPUTS, BUS_WRITES, MAC_ARRAY, STAGE,
    VECTOR_UNIT, HOST,
) = range(len(NAMES))  # fmt: skip
NOWHERE = -1
_TRACK_OF_KIND = {
    LOAD: BUS, COMPUTE: MAC_ARRAY, POST: STAGE, STORE: BUS, DISPATCH: CONTROLLER, HOST_JOB: HOST,
}  # fmt: skip
"""A view has none: it takes no time."""

WORDS = (
    "load", "tile on the MAC array", "output stage", "store", "dispatch", "host", "view",
    "load of weights", "load of inputs", "tile on the vector unit", "start",
)  # fmt: skip
"""What a job is called: by its kind, or more precisely; START: what waits for no job waits for."""
LOAD_OF_WEIGHTS, LOAD_OF_INPUTS, VECTOR_TILE, START = range(7, len(WORDS))


def tracks_of(jobs: np.ndarray, program: Program) -> np.ndarray:
    """The track that shows each of `jobs` on its resource."""
    machine, steps = program.machine, program.table[jobs["step"]]
    found = np.full(jobs.size, NOWHERE)
    for kind, track in _TRACK_OF_KIND.items():
        found[jobs["kind"] == kind] = track
    found[(jobs["kind"] == COMPUTE) & (steps["unit"] != ARRAY)] = VECTOR_UNIT
    buffered = max(machine.weight_flight, machine.input_flight, machine.output_flight) > 0
    if machine.round_robin or buffered:
        found[(jobs["kind"] == LOAD) & (jobs["stream"] == INPUTS)] = BUS_INPUTS
    aside = machine.duplex or machine.round_robin or buffered
    found[(jobs["kind"] == STORE) & (aside | (steps["direct_store"] == 1))] = BUS_WRITES
    return found


def words_of(jobs: np.ndarray, units: np.ndarray) -> np.ndarray:
    """The number of the word for each job."""
    found = jobs["kind"].copy()
    found[(jobs["kind"] == LOAD) & (jobs["stream"] == WEIGHTS)] = LOAD_OF_WEIGHTS
    found[(jobs["kind"] == LOAD) & (jobs["stream"] == INPUTS)] = LOAD_OF_INPUTS
    found[(jobs["kind"] == COMPUTE) & (units[jobs["step"]] != ARRAY)] = VECTOR_TILE
    return found
