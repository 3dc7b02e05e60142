"""What the engine writes down: a log entry per job, counts per step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

LOG = np.dtype(
    [
        ("begin", np.int64),
        ("end", np.int64),
        ("before", np.int64),
        ("ready", np.int64),
        ("ready_before", np.int64),
        ("step", np.int64),
        ("cause", np.int64),
        ("setup", np.int64),
        ("latency", np.int64),
        ("fill", np.int64),
        ("stall", np.int64),
        ("weight_load", np.int64),
        ("compute", np.float64),
    ]
)
"""What is kept of a job: the interval that only it can explain, and the job that let it begin.

A transfer that waits for the bus begins when the bus is free; its set-up ran before that, from
`ready` on, and freed the channel for the next transfer: `ready_before` is the job that let it.
`setup`, `latency`, `fill`, `stall` (for the SRAM port), `weight_load` and `compute` are parts of
begin..end."""

COUNTS = np.dtype(
    [
        *((name, np.int64) for name in ("dram_read", "dram_write", "sram_read", "sram_write")),
        *((name, np.int64) for name in ("array_busy", "macs", "vector_ops", "outputs")),
        *((name, np.int64) for name in ("tiles", "jobs", "weights_bytes", "inputs_bytes")),
    ]
)
"""What one step did: bytes by memory, cycles that hold the array, work."""


class Run(NamedTuple):
    """A finished simulation: the log of its jobs, the counts of its steps, its length."""

    log: np.ndarray
    counts: np.ndarray
    cycles: int
