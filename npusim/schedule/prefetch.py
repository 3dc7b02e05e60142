"""Which steps may load weights during the step before: those for which both steps have room."""

from __future__ import annotations

import numpy as np

from npusim.jit import compiled
from npusim.schedule.estimate import grid_of, largest_part
from npusim.schedule.tables import WEIGHTS
from npusim.schedule.tiles import stream_bytes


@compiled
def allow_prefetch(
    table: np.ndarray, operands: np.ndarray, top: np.ndarray, used: np.ndarray, capacity: int,
    early: np.ndarray,
) -> int:  # fmt: skip
    """Set `prefetch` in `table` where both steps' buffers fit in `capacity`; the peak in bytes.

    `top` int64 [steps] is the end of the highest tensor that stays in each step, `used` int64
    [steps] the bytes of its buffers. `early` int64 [steps] gets the bytes of the next step's
    weights that come during each step.
    """
    peak = 0
    for at in range(table.size):
        row = table[at]
        peak = max(peak, top[at] + used[at])
        row["prefetch"] = 0
        early[at] = 0
        if at == 0:
            continue
        tile = largest_part(row, grid_of(row))
        weights = stream_bytes(row, operands, WEIGHTS, tile) * row["buffers_weights"]
        both = max(top[at - 1], top[at]) + used[at - 1] + weights
        if weights > 0 and both <= capacity:
            row["prefetch"] = 1
            early[at - 1] = weights
            peak = max(peak, both)
    return peak
