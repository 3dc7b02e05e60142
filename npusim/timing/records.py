"""What the engine writes down: a log entry per job, counts per step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npusim.jit import allocating, inlined
from npusim.timing.causes import CAUSES

NOBODY = -1
"""No job. References below it name settled rows."""

LOG = np.dtype(
    [
        ("begin", np.int64),
        ("end", np.int64),
        ("held", np.int64),
        ("before", np.int64),
        ("ready", np.int64),
        ("ready_before", np.int64),
        ("job", np.int64),
        ("step", np.int64),
        ("cause", np.int64),
        ("setup", np.int64),
        ("latency", np.int64),
        ("sync", np.int64),
        ("fill", np.int64),
        ("stall", np.int64),
        ("blocked", np.int64),
        ("weight_load", np.int64),
        ("moved", np.int64),
        ("compute", np.float64),
    ]
)
"""What is kept of a job, the `job`-th that was emitted: the interval that only it can explain, and
the job that let it begin.

A transfer that waits for the bus begins when the bus is free; its set-up ran before that, from
`ready` on, and freed the channel for the next transfer: `ready_before` is the job that let it.
`setup`, `latency`, `sync`, `fill`, `stall` (for the SRAM port), `blocked` (by an output stage that
falls behind), `weight_load` and `compute` are parts of begin..end. The job holds its resource from
`held` to `end`; a transfer moves `moved` bytes then."""

SETTLED = np.dtype([("step", np.int64), ("next", np.int64), ("shares", np.float64, (len(CAUSES),))])
"""A stretch of a chain whose jobs have left the log: cycles of one step by cause, and the reference
to the stretch before it (NOBODY: the start)."""

COUNTS = np.dtype(
    [
        *((name, np.int64) for name in ("dram_read", "dram_write", "sram_read", "sram_write")),
        *((name, np.int64) for name in ("array_busy", "macs", "vector_ops", "outputs")),
        *((name, np.int64) for name in ("tiles", "jobs", "weights_bytes", "inputs_bytes")),
        *((name, np.int64) for name in ("hops", "filled")),
    ]
)
"""What one step did: bytes by memory, cycles that hold the array, work; words from element to
element of the array, words written to scratchpads."""

NO_LOG = 0
WHOLE_LOG = -1
WINDOW = 4096
"""How many jobs the log holds at a time (a positive number), or all or none of them.

A window costs 0.4 MB and is settled when it is full. It grows where more jobs than half of it are
still needed; their number depends on the steps of a Program, not on its jobs."""


class Run(NamedTuple):
    """A finished simulation: its length, the counts of its steps, cycles by step and cause.

    `shares` is float64 [steps, causes], all zeros without a log. `log` has all jobs if the whole
    log was asked for, else none. `followed` jobs were gone through one by one; the others are turns
    of loops that repeat. A Run that is not `complete` was left when it could not end before a limit
    any more: `cycles` is the least that it would take, and the rest is of no use.
    """

    log: np.ndarray
    shares: np.ndarray
    counts: np.ndarray
    cycles: int
    followed: int
    complete: bool


@allocating
def doubled(records: np.ndarray) -> np.ndarray:
    """The same records in an array of twice the size."""
    larger = np.zeros(2 * records.size, records.dtype)
    larger[: records.size] = records
    return larger


@inlined
def clear(entry: np.void) -> None:
    """Make `entry` one of a job of which nothing is known yet."""
    entry["begin"] = entry["end"] = entry["held"] = 0
    entry["before"] = entry["ready_before"] = NOBODY
    entry["ready"] = entry["job"] = entry["step"] = entry["cause"] = entry["moved"] = 0
    entry["setup"] = entry["latency"] = entry["sync"] = entry["fill"] = 0
    entry["stall"] = entry["blocked"] = entry["weight_load"] = 0
    entry["compute"] = 0.0
