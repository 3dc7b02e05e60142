"""What rows, bank conflicts and turn-around of a DRAM add to the data phase of a transfer.

A part of a tensor lies in runs of contiguous bytes, `pitch` bytes from start to start. Rows lie
side by side over the banks, so a stream that goes up through memory opens the next row in the next
bank while it reads this one: rows cost nothing unless they come faster than the device opens them
(tRRD, tFAW, tRC), which short runs in many rows do. A jump further than a row may stay in the same
bank (one in `banks`, taken as an expected value); then precharge and activate show.

    rows   = runs x (1 + (run - burst) / page)         where pitch >= page, burst-aligned starts
           = 1 + (runs x pitch - burst) / page         else
    extra  = max(0, rows x row interval - data) + (runs - 1) x conflict      (second term: jumps)

Channels are interleaved by bursts: a run of fewer bursts than channels keeps only some of them
busy. Sources: JEDEC's timing parameters as in `npusim/hardware/memories/technology.py`; mapping of
addresses row : bank : column with an open page, the default of DRAMSys and Ramulator.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from npusim.hardware.schema import Hardware
from npusim.jit import compiled


class DramRows(NamedTuple):
    """Rows and turn-around in cycles of the NPU clock.

    `page_bytes` is a row of all channels, 0 where rows are not modelled; `interval_cycles` the
    least time between two rows, `jump_cycles` the expected time of a jump to another row;
    `turn_to_read` and `turn_to_write` are cycles in which the data bus is idle between the data of
    a write and that of a read, and the other way round.
    """

    page_bytes: int
    channels: int
    interval_cycles: float
    jump_cycles: float
    turn_to_read: int
    turn_to_write: int


NO_ROWS = DramRows(0, 1, 0.0, 0.0, 0, 0)
"""A memory with one efficiency for all streams."""


def rows_of(hardware: Hardware) -> DramRows:
    """Rows and turn-around of the second memory of `hardware`."""
    dram, clock_hz = hardware.memory.dram, hardware.clock_hz
    rows = dram.row_timing
    if rows is None:
        return NO_ROWS
    return DramRows(
        page_bytes=rows.page_bytes * dram.channels,
        channels=dram.channels,
        interval_cycles=rows.row_interval_s * clock_hz,
        jump_cycles=rows.conflict_s * clock_hz,
        turn_to_read=math.ceil(round(rows.turn_to_read_s * clock_hz, 6)),
        turn_to_write=math.ceil(round(rows.turn_to_write_s * clock_hz, 6)),
    )


@compiled
def row_cycles(
    bus_bytes: int, runs: int, pitch: int, burst: int, data_cycles: float, rows: DramRows
) -> float:
    """Cycles that rows add to the `data_cycles` of `bus_bytes` in `runs` runs."""
    if rows.page_bytes == 0 or bus_bytes == 0:
        return 0.0
    run = bus_bytes / runs
    busy = min(1.0, run / (burst * rows.channels))
    jumps = 0
    if pitch >= rows.page_bytes or runs == 1:
        opened = runs * (1.0 + max(0.0, run - burst) / rows.page_bytes)
        jumps = runs - 1
    else:
        opened = 1.0 + max(0.0, float(runs * pitch - burst)) / rows.page_bytes
    waiting = opened * rows.interval_cycles * busy - data_cycles
    return max(0.0, waiting) + jumps * rows.jump_cycles * busy
