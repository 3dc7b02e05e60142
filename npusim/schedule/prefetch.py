"""Which steps may load during the step before: those for which both steps have room.

Weights may come early anywhere, inputs only where layers overlap on the array. Where SRAM is split
in banks, the tiles of a step follow those of the step before in the same banks, as room comes; so
both steps must split it alike. A change of the split waits until the array is done, as in NVDLA.
"""

from __future__ import annotations

import numpy as np

from npusim.jit import compiled
from npusim.schedule.grid import grid_of, largest_part
from npusim.schedule.tables import OUTPUTS, WEIGHTS
from npusim.schedule.tiles import stream_bytes


@compiled
def allow_prefetch(
    table: np.ndarray, operands: np.ndarray, top: np.ndarray, used: np.ndarray, capacity: int,
    early: np.ndarray, layers_overlap: bool,
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
        if row["banks"] > 0 and table[at - 1]["banks"] > 0:
            alike = row["room_inputs"] == table[at - 1]["room_inputs"]
            row["prefetch"] = alike
            row["prefetch_inputs"] = alike and layers_overlap and not _reads(table, operands, at)
            continue
        tile = largest_part(row, grid_of(row))
        weights = stream_bytes(row, operands, WEIGHTS, tile) * row["buffers_weights"]
        if row["weight_part"] > 0:
            weights = min(weights, row["weight_part"])
        both = max(top[at - 1], top[at]) + used[at - 1] + weights
        if weights > 0 and both <= capacity:
            row["prefetch"] = 1
            early[at - 1] = weights
            peak = max(peak, both)
    return peak


@compiled
def _reads(table: np.ndarray, operands: np.ndarray, at: int) -> bool:
    """True if step `at` reads what the step before writes."""
    row, before = table[at], table[at - 1]
    for own in range(row["operand_start"], row["operand_stop"]):
        for other in range(before["operand_start"], before["operand_stop"]):
            if (
                operands[own]["role"] != OUTPUTS
                and operands[other]["role"] == OUTPUTS
                and operands[own]["tensor"] == operands[other]["tensor"]
            ):
                return True
    return False
