"""What every job leaves behind: its interval in the log, its outputs where readers look."""

from __future__ import annotations

import numpy as np

from npusim.jit import compiled, inlined
from npusim.schedule.tables import OUTPUTS
from npusim.timing.clock import Clock, arrival_of, raise_moment


@inlined
def note(entry: np.void, begin: int, end: int, before: int, cause: int) -> None:
    """Write down the interval of a job, the job that let it begin, and its cause.

    It holds its resource all the time, unless its caller corrects `held`.
    """
    entry["begin"] = begin
    entry["held"] = begin
    entry["end"] = end
    entry["before"] = before
    entry["cause"] = cause


@compiled
def arrive(
    step: np.void, operands: np.ndarray, stream: int, clock: Clock, time: int, number: int
) -> None:
    """The outputs of `step` in `stream` are where their readers look for them."""
    for row in range(step["operand_start"], step["operand_stop"]):
        if operands[row]["role"] == OUTPUTS and operands[row]["stream"] == stream:
            raise_moment(clock, arrival_of(clock, operands[row]), time, number)
