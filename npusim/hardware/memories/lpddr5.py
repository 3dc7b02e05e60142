"""LPDDR5-6400, JESD209-5: one x16 channel with bank groups.

Timing from gem5's public `LPDDR5_6400_1x16_BG_BL16` (initial JEDEC specification).
"""

from __future__ import annotations

from npusim.hardware.memories.lpddr4 import REFRESH_W, STANDBY_W
from npusim.hardware.memories.technology import DramTechnology, Figure, RowTiming

_TIMING = "gem5 LPDDR5_6400_1x16_BG_BL16, in ns"
_NS = 1e-9

LPDDR5_6400 = DramTechnology(
    name="lpddr5-6400",
    transfers_per_s=Figure(6400e6, "speed grade in the name", "H"),
    bus_bits=Figure(16, "JESD209-5: one channel is 16 bits wide", "H"),
    burst_transfers=Figure(16, "JESD209-5: BL16", "H"),
    rows=RowTiming(
        source=_TIMING,
        confidence="M",
        clock_s=_NS,
        precharge=18,
        activate=18,
        read=21.25,
        row_cycle=42 + 18,
        row_to_row=5,
        four_rows=20,
        write_to_read=12,
        read_to_write=1.25,
        refresh=210,
        refresh_interval=3900,
        page_bytes=1024 * 2,
        banks=16,
    ),
    energy_pj_per_bit=Figure(5.0, "middle of 4 to 6: vendors say about -20 % from LPDDR4X", "L"),
    background_w=Figure(
        STANDBY_W + REFRESH_W, "assumed equal to LPDDR4-3200: no currents were found", "L"
    ),
)
