"""Which steps may load weights during the step before: those for which both steps have room."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from npusim.schedule.estimate import grid_of, largest_part
from npusim.schedule.tables import WEIGHTS
from npusim.schedule.tiles import stream_bytes


def allow_prefetch(
    table: np.ndarray, operands: np.ndarray, top: Sequence[int], used: np.ndarray, capacity: int
) -> int:
    """Set `prefetch` in `table` where both steps' buffers fit in `capacity`; the peak in bytes.

    `top` is the end of the highest tensor that stays in each step, `used` the bytes of its buffers.
    """
    peak = max((top[at] + int(used[at]) for at in range(len(table))), default=0)
    for at in range(1, len(table)):
        row = table[at]
        tile = largest_part(row, grid_of(row))
        weights = stream_bytes(row, operands, WEIGHTS, tile) * row["buffers_weights"]
        both = max(top[at - 1], top[at]) + used[at - 1] + weights
        if weights and both <= capacity:
            row["prefetch"] = 1
            peak = max(peak, int(both))
    return peak
