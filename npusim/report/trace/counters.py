"""Counters over time: what SRAM holds, and how fast DRAM moves data.

A buffer holds its tile from the start of the transfer (or of the computation that fills it) until
the job that frees it ends. Tensors that stay hold their place while a step needs them: from the
first job that may write there, until the step after the last reader starts.
"""

from __future__ import annotations

import numpy as np

from npusim.schedule.program import Program
from npusim.schedule.tables import ARRAY, COMPUTE, HOST_JOB, LOAD, OUTPUTS, POST, STORE

POINTS = 4000
"""Most points of a counter: more than a screen is wide."""


def reduced(times: np.ndarray, values: np.ndarray, end: int) -> tuple[np.ndarray, np.ndarray]:
    """At most `POINTS` of a step function: the highest value of each stretch of time."""
    if times.size <= POINTS:
        return times, values
    stretch = np.minimum(times * (POINTS - 1) // max(1, end), POINTS - 1)
    first = np.flatnonzero(np.diff(stretch, prepend=-1))
    highest = np.maximum.reduceat(values, first)
    highest[1:] = np.maximum(highest[1:], values[first[1:] - 1])  # what it begins with counts too
    return times[first], highest


def _steps_of(times: np.ndarray, changes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A step function: sorted times, each once, and the sum of all changes until then."""
    order = np.argsort(times, kind="stable")
    total = np.cumsum(changes[order])
    last = np.flatnonzero(np.diff(times[order], append=-1))
    return times[order][last], total[last]


def bandwidth(log: np.ndarray, end: int, most: float) -> tuple[np.ndarray, np.ndarray]:
    """Bytes a cycle on the DRAM bus: start of each of at most `POINTS` equal stretches, averages.

    A transfer moves its bytes evenly over its time on the track. Where transfers overlap, because
    streams take turns or have buffers of their own, they would exceed the bus, which moves `most`
    bytes a cycle: what is too much moves later, or before if its transfer has ended by then.
    """
    edges = np.unique(np.linspace(0, max(1, end), POINTS + 1).astype(np.int64))
    moving = log[(log["moved"] > 0) & (log["end"] > log["held"])]
    rate = moving["moved"] / (moving["end"] - moving["held"])
    times, slopes = _steps_of(
        np.concatenate([[0], moving["held"], moving["end"]]), np.concatenate([[0.0], rate, -rate])
    )
    moved = np.concatenate([[0.0], np.cumsum(slopes[:-1] * np.diff(times))])
    line = most * edges
    due = _latest(moving, edges) - line
    due = line + np.maximum.accumulate(due[::-1])[::-1]
    moved = np.maximum(np.interp(edges, times, moved), due)
    moved[0] = 0.0
    moved = line + np.minimum.accumulate(moved - line)
    return edges[:-1], np.maximum(np.diff(moved), 0.0) / np.diff(edges)


def most_of(program: Program) -> float:
    """Bytes a cycle that the DRAM bus moves at most: both directions where each has its own."""
    ways = 2 if program.machine.duplex else 1
    return ways * program.machine.dram_bytes_per_cycle


def _latest(moving: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Bytes of the transfers that have ended by each of `edges`."""
    order = np.argsort(moving["end"], kind="stable")
    total = np.concatenate([[0], np.cumsum(moving["moved"][order])])
    ended = np.searchsorted(moving["end"][order], edges, side="right")
    return np.asarray(total[ended])


def tile_bytes(
    program: Program, jobs: np.ndarray, log: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(times, bytes): what tile buffers of SRAM hold; outputs that leave as they are made: nothing.

    Where streams share the bus in turn, a load takes its room piece by piece: it is counted when
    all of it is there.
    """
    times, changes = [np.zeros(1, np.int64)], [np.zeros(1, np.int64)]
    in_sram = program.table["direct_store"][jobs["step"]] == 0
    arrival = "end" if program.machine.round_robin else "ready"
    for stream in range(OUTPUTS + 1):
        if stream == OUTPUTS:
            filled = log["held"][(jobs["signals"][:, OUTPUTS] >= 0) & in_sram]
            stores = (jobs["kind"] == STORE) & in_sram
            size, freed = jobs["bytes"][stores], log["end"][stores]
        else:
            loads = (jobs["kind"] == LOAD) & (jobs["stream"] == stream)
            filled, size = log[arrival][loads], jobs["bytes"][loads]
            freed = log["end"][(jobs["kind"] == COMPUTE) & (jobs["signals"][:, stream] >= 0)]
        times += [filled, freed]
        changes += [size, -size]
    return _steps_of(np.concatenate(times), np.concatenate(changes))


def tensor_bytes(
    program: Program, jobs: np.ndarray, log: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(times, bytes): what tensors and weights that stay hold; `starts` has the start of each step.

    At the start, what is there from the inference before.
    """
    on_array = program.table["unit"][jobs["step"]] == ARRAY
    writes = np.isin(jobs["kind"], (POST, HOST_JOB)) | ((jobs["kind"] == COMPUTE) & ~on_array)
    written = starts.copy()
    written[jobs["step"][writes][::-1]] = log["held"][writes][::-1]
    times, changes = [0], [program.pinned_bytes]
    for placement in program.placements.values():
        times.append(int(written[placement.first]) if placement.first else 0)
        changes.append(placement.size_bytes)
        if placement.last + 1 < len(program.steps):
            times.append(max(int(starts[placement.last + 1]), times[-1]))
            changes.append(-placement.size_bytes)
    return _steps_of(np.array(times), np.array(changes))


def sum_of(
    one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The sum of two step functions that begin at 0."""
    times = np.union1d(one[0], other[0])
    first, second = (f[1][np.searchsorted(f[0], times, side="right") - 1] for f in (one, other))
    return times, first + second
