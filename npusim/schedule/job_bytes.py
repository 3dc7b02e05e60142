"""Bytes that loads and stores move, for readers of job records; timing keeps works of tiles."""

from __future__ import annotations

import numpy as np

from npusim.jit import compiled
from npusim.schedule.tables import LOAD, STORE
from npusim.schedule.tiles import part_of, stream_bytes


@compiled
def fill_bytes(steps: np.ndarray, operands: np.ndarray, block: np.ndarray) -> None:
    """Write the bytes of loads and stores into their records."""
    for job in block:
        if job["kind"] in (LOAD, STORE):
            step = steps[job["step"]]
            part = part_of(step, job["bounds"])
            job["bytes"] = stream_bytes(step, operands, job["stream"], part)
