"""The trace of a Program, written piece by piece.

The file is an object with `traceEvents`, as Google's Trace Event Format describes it: complete
events (`ph` X), counters (C), metadata (M). Times begin with the inference; weights and states
that stay in SRAM are there already. Perfetto's viewer takes it, gzipped or not.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, BinaryIO, cast

import numpy as np

from npusim.report.files import whole_file
from npusim.report.trace import counters, events, tracks
from npusim.report.trace.jobs import Jobs, job_events, jobs_of
from npusim.schedule.program import Program
from npusim.schedule.tables import ALIAS_JOB, DISPATCH, HOST_JOB
from npusim.timing.counts import Counts, count, timed
from npusim.timing.records import WHOLE_LOG

_QUICK = 2
"""Level of gzip: the usual one takes several times as long for a file a quarter smaller."""


def write_trace(program: Program, path: str | os.PathLike[str]) -> None:
    """Write every job of `program` to `path`; gzipped if its name ends in .gz.

    The file appears whole or not at all; UsageError if it can't be written.
    """
    run = timed(program, WHOLE_LOG)
    counts = count(program, run)
    with ExitStack() as stack:
        file = stack.enter_context(whole_file(path))
        if os.fspath(path).lower().endswith(".gz"):
            packed = gzip.GzipFile("", "wb", _QUICK, file, mtime=0)
            file = cast(BinaryIO, stack.enter_context(packed))
        for text in _texts(counts, jobs_of(program, run.log)):
            file.write(text.encode())


def _texts(counts: Counts, jobs: Jobs) -> Iterator[str]:
    """The whole file; the last event is one that no comma follows."""
    yield f'{{"displayTimeUnit":"ns","otherData":{json.dumps(_about(counts))},\n"traceEvents":[\n'
    yield from _names(counts, jobs)
    yield from job_events(jobs)
    starts = starts_of(jobs, counts.cycles)
    yield _layers(counts, jobs, starts)
    yield from _counters(counts, jobs, starts)
    yield events.metadata("process_sort_index", 0, sort_index=0).removesuffix(",\n") + "\n]}\n"


def _about(counts: Counts) -> dict[str, Any]:
    from npusim import __version__

    program = counts.program
    return {
        "npusim": __version__,
        "model": program.graph.name,
        "hardware": program.hardware.name,
        "clock_hz": program.hardware.clock_hz,
        "cycles": counts.cycles,
        "sram_bytes": program.hardware.memory.sram.size_bytes,
    }


def _names(counts: Counts, jobs: Jobs) -> Iterator[str]:
    program = counts.program
    cores = program.hardware.cores
    about = f"{program.hardware.name}: {program.graph.name}"
    yield events.metadata("process_name", 0, name=about)
    used = {tracks.LAYERS, *np.unique(jobs.track), tracks.LOAD_CHANNEL, tracks.STORE_CHANNEL}
    for track, name in enumerate(tracks.NAMES):
        if track not in used:
            continue
        together = f" ({cores} cores in step)" if track == tracks.MAC_ARRAY and cores > 1 else ""
        yield events.metadata("thread_name", track, name=name + together)
        yield events.metadata("thread_sort_index", track, sort_index=track)


def starts_of(jobs: Jobs, end: int) -> np.ndarray:
    """When each step starts, int64 [steps + 1], never before the one before it; the last is `end`.

    A view starts with the step after it.
    """
    steps = len(jobs.program.steps)
    found = np.full(steps + 1, end, np.int64)
    openings = np.isin(jobs.records["kind"], (DISPATCH, HOST_JOB, ALIAS_JOB))
    found[jobs.records["step"][openings]] = jobs.log["begin"][openings]
    return np.minimum.accumulate(found[::-1])[::-1]


def _layers(counts: Counts, jobs: Jobs, starts: np.ndarray) -> str:
    """A track of the steps, with what they cost; what belongs to no step comes last."""
    clock_hz = jobs.program.hardware.clock_hz
    names = [*jobs.names, '"(inference)"']
    ends = np.append(starts[1:], counts.cycles)
    ends[-2] = counts.cycles - counts.overhead_cycles
    costs = [_cost(step.cycles_by_cause) for step in counts.steps]
    costs.append(_cost(counts.overhead_by_cause))
    begins = starts.copy()
    begins[-1] = ends[-2]
    shown = np.flatnonzero(ends > begins)
    return events.complete(
        tracks.LAYERS,
        events.nanoseconds(begins[shown], clock_hz),
        events.nanoseconds(ends[shown], clock_hz),
        [names[at] for at in shown],
        {"cycles_of_the_latency": [costs[at] for at in shown]},
    )


def _cost(cycles_by_cause: Any) -> str:
    found = {cause: round(cycles, 3) for cause, cycles in cycles_by_cause.items() if cycles}
    return json.dumps(found)


def _counters(counts: Counts, jobs: Jobs, starts: np.ndarray) -> Iterator[str]:
    program, clock_hz = counts.program, counts.program.hardware.clock_hz
    end = counts.cycles
    tensors = counters.tensor_bytes(program, jobs.records, jobs.log, starts)
    tiles = counters.tile_bytes(program, jobs.records, jobs.log)
    for name, held in (
        ("SRAM in use", counters.sum_of(tensors, tiles)),
        ("SRAM, tensors and weights that stay", tensors),
        ("SRAM, tiles", tiles),
    ):
        times, values = counters.reduced(*held, end)
        yield events.counter(name, events.nanoseconds(times, clock_hz), {"bytes": values})
    times, rates = counters.bandwidth(jobs.log, end, counters.most_of(program))
    at = events.nanoseconds(times, clock_hz)
    yield events.counter("DRAM bandwidth", at, {"GB/s": rates * clock_hz / 1e9})
