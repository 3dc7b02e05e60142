"""Why the latency is what it is: every cycle gets one cause and one step.

From the last job back: the interval that only this job explains gets its causes, then the job that
let it begin is asked about the time before. A job may have been released before that one ended
(outputs leave the array while it computes): only the part up to the release is taken then, of a
transfer in the order set-up, latency, data, of an array job its causes in proportion. A transfer's
channel is free before its data phase begins; who waited for the channel is led to the set-up. The
intervals meet without gaps, so the causes add up to the latency, and so do the steps.
"""

from __future__ import annotations

import numpy as np

from npusim.jit import compiled
from npusim.timing.causes import (
    ARRAY_EDGES,
    ARRAY_FILL,
    CAUSES,
    COMPUTE_CAUSE,
    DMA_SETUP,
    MEMORY_LATENCY,
    WAIT_INPUTS,
    WEIGHT_LOAD,
)

CAUSE_COUNT = len(CAUSES)


@compiled
def attribute(log: np.ndarray, steps: int) -> np.ndarray:
    """Cycles by step and cause, float64 [steps, causes], from the engine's log."""
    shares = np.zeros((steps, CAUSE_COUNT))
    last = 0
    for number in range(log.size):
        if log[number]["end"] >= log[last]["end"]:
            last = number
    until = log[last]["end"]
    while last >= 0:
        entry = log[last]
        share = shares[entry["step"]]
        if until < entry["begin"]:
            share[DMA_SETUP] += until - entry["ready"]
            until = entry["ready"]
            last = entry["ready_before"]
        else:
            _charge(entry, until - entry["begin"], share)
            until = entry["begin"]
            last = entry["before"]
    return shares


@compiled
def _charge(entry: np.void, taken: int, shares: np.ndarray) -> None:
    """Add the first `taken` cycles of the interval of `entry`, split by its causes."""
    length = entry["end"] - entry["begin"]
    if length <= 0:
        return
    if entry["compute"] > 0:
        part = taken / length
        shares[COMPUTE_CAUSE] += part * entry["compute"]
        shares[ARRAY_FILL] += part * entry["fill"]
        shares[WEIGHT_LOAD] += part * entry["weight_load"]
        shares[WAIT_INPUTS] += part * entry["stall"]
        known = entry["compute"] + entry["fill"] + entry["weight_load"] + entry["stall"]
        shares[ARRAY_EDGES] += part * (length - known)
        return
    setup = min(taken, entry["setup"])
    latency = min(taken - setup, entry["latency"])
    fill = min(taken - setup - latency, entry["fill"])
    shares[DMA_SETUP] += setup
    shares[MEMORY_LATENCY] += latency
    shares[ARRAY_FILL] += fill
    shares[entry["cause"]] += taken - setup - latency - fill
