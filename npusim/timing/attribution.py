"""Why the latency is what it is: every cycle gets one cause and one step.

From the last job back: the interval that only this job explains gets its causes, then the job that
let it begin is asked about the time before. A job may have been released before that one ended
(outputs leave the array while it computes): only the part up to the release is taken then, of a
transfer in the order set-up, latency, data, of an array job its causes in proportion. A transfer's
channel is free before its data phase begins; who waited for the channel is led to the set-up. The
intervals meet without gaps, so the causes add up to the latency, and so do the steps.

Jobs that have left the log are summed up in settled rows; see `settling.py`.
"""

from __future__ import annotations

import numpy as np

from npusim.jit import allocating, compiled
from npusim.timing.causes import (
    ARRAY_EDGES,
    ARRAY_FILL,
    CAUSES,
    COMPUTE_CAUSE,
    CORE_SYNC,
    DMA_SETUP,
    MEMORY_LATENCY,
    POSTPROCESS,
    WAIT_INPUTS,
    WEIGHT_LOAD,
)
from npusim.timing.records import NOBODY

CAUSE_COUNT = len(CAUSES)


@allocating
def attribute(log: np.ndarray, settled: np.ndarray, last: int, steps: int) -> np.ndarray:
    """Cycles by step and cause, float64 [steps, causes], of the chain that ends with job `last`."""
    shares = np.zeros((steps, CAUSE_COUNT))
    if last == NOBODY:
        return shares
    until = log[last]["end"]
    while last >= 0:
        entry = log[last]
        charge(entry, until, shares[entry["step"]])
        if until < entry["begin"]:
            until, last = entry["ready"], entry["ready_before"]
        else:
            until, last = entry["begin"], entry["before"]
    while last != NOBODY:
        row = settled[row_of(last)]
        shares[row["step"]] += row["shares"]
        last = row["next"]
    return shares


@compiled
def row_of(reference: int) -> int:
    """The settled row that a reference below NOBODY names; and the reference to a row."""
    return NOBODY - 1 - reference


@compiled
def charge(entry: np.void, until: int, shares: np.ndarray) -> None:
    """Add the causes of the interval of `entry` up to `until`, which may lie in its set-up."""
    if until < entry["begin"]:
        shares[DMA_SETUP] += until - entry["ready"]
        return
    taken = until - entry["begin"]
    length = entry["end"] - entry["begin"]
    if length <= 0:
        return
    if entry["compute"] > 0:
        part = taken / length
        shares[COMPUTE_CAUSE] += part * entry["compute"]
        shares[ARRAY_FILL] += part * entry["fill"]
        shares[WEIGHT_LOAD] += part * entry["weight_load"]
        shares[WAIT_INPUTS] += part * entry["stall"]
        shares[POSTPROCESS] += part * entry["blocked"]
        known = entry["compute"] + entry["fill"] + entry["weight_load"]
        known += entry["stall"] + entry["blocked"]
        shares[ARRAY_EDGES] += part * (length - known)
        return
    setup = min(taken, entry["setup"])
    latency = min(taken - setup, entry["latency"])
    sync = min(taken - setup - latency, entry["sync"])
    fill = min(taken - setup - latency - sync, entry["fill"])
    shares[DMA_SETUP] += setup
    shares[MEMORY_LATENCY] += latency
    shares[CORE_SYNC] += sync
    shares[ARRAY_FILL] += fill
    shares[entry["cause"]] += taken - setup - latency - sync - fill
