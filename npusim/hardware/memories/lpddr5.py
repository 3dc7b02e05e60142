"""LPDDR5-6400, JESD209-5: one x16 channel with bank groups.

Timing from gem5's public `LPDDR5_6400_1x16_BG_BL16` (initial JEDEC specification).
"""

from __future__ import annotations

from npusim.hardware.memories.lpddr4 import REFRESH_W, STANDBY_W
from npusim.hardware.memories.technology import DramTechnology, Figure, after_refresh

_TIMING = "gem5 LPDDR5_6400_1x16_BG_BL16"

LPDDR5_6400 = DramTechnology(
    name="lpddr5-6400",
    transfers_per_s=Figure(6400e6, "speed grade in the name", "H"),
    bus_bits=Figure(16, "JESD209-5: one channel is 16 bits wide", "H"),
    burst_transfers=Figure(16, "JESD209-5: BL16", "H"),
    row_miss_s=Figure(18e-9 + 18e-9 + 21.25e-9, f"tRP + tRCD + tCL; {_TIMING}", "M"),
    efficiency=after_refresh(210, 3900, f"in ns; {_TIMING}"),
    energy_pj_per_bit=Figure(5.0, "middle of 4 to 6: vendors say about -20 % from LPDDR4X", "L"),
    background_w=Figure(
        STANDBY_W + REFRESH_W, "assumed equal to LPDDR4-3200: no currents were found", "L"
    ),
)
