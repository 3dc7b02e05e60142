"""The events of jobs: where each is shown, when, and what is told about it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from npusim.report.trace import events, tracks
from npusim.schedule.program import Program
from npusim.schedule.tables import LOAD, STORE
from npusim.timing.causes import CAUSES

_AT_ONCE = 4096
"""Jobs whose text is made at once."""
_TILE = '"B %d:%d G %d:%d K %d:%d C %d:%d OY %d:%d OX %d:%d"'


@dataclass(frozen=True, eq=False)
class Jobs:
    """All jobs of a Program with their log: records, entries, tracks, words, idle cycles before."""

    program: Program
    names: tuple[str, ...]
    records: np.ndarray
    log: np.ndarray
    track: np.ndarray
    word: np.ndarray
    idle: np.ndarray


def jobs_of(program: Program, log: np.ndarray) -> Jobs:
    """The jobs behind the whole `log` of `program`, in the order in which they were served."""
    records = np.concatenate([block.copy() for block in program.jobs()])[log["job"]]
    track = tracks.tracks_of(records, program)
    idle = np.zeros(records.size, np.int64)
    for number in range(len(tracks.NAMES)):
        own = np.flatnonzero(track == number)
        idle[own] = log["held"][own] - np.concatenate([[0], log["end"][own]])[:-1]
    names = tuple(json.dumps(step.name) for step in program.steps)
    return Jobs(
        program, names, records, log, track, tracks.words_of(records, program.table["unit"]), idle
    )


def job_events(jobs: Jobs) -> Iterator[str]:
    """The events of all jobs, a part of them at a time; what takes no time is not shown."""
    shown = (jobs.log["end"] > jobs.log["held"]) & (jobs.track != tracks.NOWHERE)
    for first in range(0, jobs.records.size, _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        for track in np.unique(jobs.track[part][shown[part]]):
            own = first + np.flatnonzero(shown[part] & (jobs.track[part] == track))
            log = jobs.log[own]
            yield _events(jobs, int(track), own, log["held"], log["end"], _about(jobs, own))
        yield from _setups(jobs, first + np.flatnonzero(_set_up(jobs, part)))


def _set_up(jobs: Jobs, part: slice) -> np.ndarray:
    """True for the transfers that a channel sets up: all but loads that share the bus in turn and
    outputs that leave as they are made."""
    records, program = jobs.records[part], jobs.program
    stores: np.ndarray = records["kind"] == STORE
    stores &= program.table["direct_store"][records["step"]] == 0
    if program.machine.round_robin:
        return stores
    found: np.ndarray = stores | (records["kind"] == LOAD)
    return found


def _setups(jobs: Jobs, transfers: np.ndarray) -> Iterator[str]:
    """What the channels do for these transfers before their data can move."""
    machine = jobs.program.machine
    if machine.dma_setup == 0:
        return
    loads = jobs.records["kind"][transfers] == LOAD
    if machine.dma_channels == 1:
        loads[:] = True
    for track, own in ((tracks.LOAD_CHANNEL, loads), (tracks.STORE_CHANNEL, ~loads)):
        numbers = transfers[own]
        begin = jobs.log["ready"][numbers]
        about = {"job": numbers.tolist(), "what": _words(jobs.word[numbers])}
        yield _events(jobs, track, numbers, begin, begin + machine.dma_setup, about)


def _events(
    jobs: Jobs, track: int, own: np.ndarray, begin: np.ndarray, end: np.ndarray,
    about: dict[str, Iterable[Any]],
) -> str:  # fmt: skip
    clock_hz = jobs.program.hardware.clock_hz
    names = [jobs.names[step] for step in jobs.records["step"][own].tolist()]
    times = events.nanoseconds(begin, clock_hz), events.nanoseconds(end, clock_hz)
    return events.complete(track, *times, names, about)


def _about(jobs: Jobs, own: np.ndarray) -> dict[str, Iterable[Any]]:
    """The arguments of the events of jobs of one track."""
    log, records = jobs.log[own], jobs.records[own]
    before = log["before"]
    told: dict[str, Iterable[Any]] = {
        "job": own.tolist(),
        "what": _words(jobs.word[own]),
        "step": records["step"].tolist(),
        "tile": [_TILE % tuple(bounds) for bounds in records["bounds"].tolist()],
        "cause": [f'"{CAUSES[cause]}"' for cause in log["cause"].tolist()],
        "cycles": (log["end"] - log["held"]).tolist(),
        "idle_before": jobs.idle[own].tolist(),
        "waited_for": _words(np.where(before < 0, tracks.START, jobs.word[before])),
        "waited_for_job": before.tolist(),
    }
    if log["moved"].any():
        told |= {"bytes": records["bytes"].tolist(), "bus_bytes": log["moved"].tolist()}
    parts = "compute", "fill", "weight_load", "stall", "sync", "blocked"
    return told | {f"{name}_cycles": _short(log[name]) for name in parts if log[name].any()}


def _short(values: np.ndarray) -> list[str]:
    return [f"{value:.6g}" if value % 1 else f"{value:.0f}" for value in values.tolist()]


def _words(numbers: np.ndarray) -> list[str]:
    return [f'"{tracks.WORDS[number]}"' for number in numbers.tolist()]
