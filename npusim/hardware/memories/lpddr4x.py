"""LPDDR4X-4266, JESD209-4-1: LPDDR4 with the output supply at 0.6 V; one x16 channel.

Timing in clock cycles of 0.469 ns from DRAMSys' public `JEDEC_512Mbx16_LPDDR4-4266`.
"""

from __future__ import annotations

from npusim.hardware.memories.lpddr4 import REFRESH_W, STANDBY_W
from npusim.hardware.memories.technology import DramTechnology, Figure, after_refresh

_TIMING = "DRAMSys JEDEC_512Mbx16_LPDDR4-4266"
_CLOCK_S = 0.469e-9

LPDDR4X_4266 = DramTechnology(
    name="lpddr4x-4266",
    transfers_per_s=Figure(4266e6, "speed grade in the name", "H"),
    bus_bits=Figure(16, "JESD209-4-1: one channel is 16 bits wide", "H"),
    burst_transfers=Figure(16, "JESD209-4-1: BL16", "H"),
    row_miss_s=Figure((39 + 39 + 36 + 4) * _CLOCK_S, f"tRPpb + tRCD + RL + tDQSCK; {_TIMING}", "M"),
    efficiency=after_refresh(599, 8341, _TIMING),
    energy_pj_per_bit=Figure(
        6.0, "middle of 5 to 7: LPDDR4's 8 with the lower output supply; vendor statements", "L"
    ),
    background_w=Figure(
        STANDBY_W + REFRESH_W, "assumed equal to LPDDR4-3200: the core supplies are the same", "L"
    ),
)
