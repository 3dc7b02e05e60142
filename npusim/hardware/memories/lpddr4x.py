"""LPDDR4X-4266, JESD209-4-1: LPDDR4 with the output supply at 0.6 V; one x16 channel.

Timing in clock cycles of 0.469 ns from DRAMSys' public `JEDEC_512Mbx16_LPDDR4-4266`.
"""

from __future__ import annotations

from npusim.hardware.memories.lpddr4 import REFRESH_W, STANDBY_W
from npusim.hardware.memories.technology import DramTechnology, Figure, RowTiming

_TIMING = "DRAMSys JEDEC_512Mbx16_LPDDR4-4266"
_CLOCK_S = 0.469e-9

LPDDR4X_4266 = DramTechnology(
    name="lpddr4x-4266",
    transfers_per_s=Figure(4266e6, "speed grade in the name", "H"),
    bus_bits=Figure(16, "JESD209-4-1: one channel is 16 bits wide", "H"),
    burst_transfers=Figure(16, "JESD209-4-1: BL16", "H"),
    rows=RowTiming(
        source=_TIMING,
        confidence="M",
        clock_s=_CLOCK_S,
        precharge=39,
        activate=39,
        read=36 + 4,
        row_cycle=129,
        row_to_row=22,
        four_rows=86,
        write_to_read=22,
        read_to_write=2,
        refresh=599,
        refresh_interval=8341,
        page_bytes=1024 * 2,
        banks=8,
    ),
    energy_pj_per_bit=Figure(
        6.0, "middle of 5 to 7: LPDDR4's 8 with the lower output supply; vendor statements", "L"
    ),
    background_w=Figure(
        STANDBY_W + REFRESH_W, "assumed equal to LPDDR4-3200: the core supplies are the same", "L"
    ),
)
