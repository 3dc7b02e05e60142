"""Cycles of data on the move: the data phase of a DMA transfer, and the SRAM ports.

A transfer costs set-up on its channel, then the latency of the memory, then its data phase:
bus bytes / bandwidth, where every contiguous run fills whole bursts.
"""

from __future__ import annotations

from npusim.jit import compiled


@compiled
def cycles_at(amount: float, per_cycle: float) -> int:
    """Whole cycles for `amount` bytes or elements at `per_cycle` a cycle, rounded up.

    A cycle that would be needed for less than a millionth of its work is rounding noise, not work.
    """
    whole = int(amount / per_cycle)
    return whole if amount - whole * per_cycle <= 1e-6 * per_cycle else whole + 1
