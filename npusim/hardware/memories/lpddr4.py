"""LPDDR4-3200, JESD209-4: one x16 channel.

Timing in clock cycles of 0.625 ns and currents from DRAMSys' public memory specifications
(`JEDEC_512Mbx16_LPDDR4-3200`, `MICRON_6Gb_LPDDR4-3200_32bit_A`).
"""

from __future__ import annotations

from npusim.hardware.memories.technology import DramTechnology, Figure, RowTiming

_TIMING = "DRAMSys JEDEC_512Mbx16_LPDDR4-3200"
_CURRENTS = "DRAMSys MICRON_6Gb_LPDDR4-3200_32bit_A"
_CLOCK_S = 0.625e-9
_VDD1_V, _VDD2_V, _VDDQ_V = 1.8, 1.1, 1.1  # JESD209-4 supplies

# Precharged standby on the three supplies (IDD2N: 2 mA, 27 mA, 0.75 mA), and what an all-bank
# refresh adds (IDD5 - IDD3N: 7.75 mA, 60 mA) for 448 of every 6246 cycles.
STANDBY_W = 2e-3 * _VDD1_V + 27e-3 * _VDD2_V + 0.75e-3 * _VDDQ_V
REFRESH_W = (7.75e-3 * _VDD1_V + 60e-3 * _VDD2_V) * 448 / 6246

LPDDR4_3200 = DramTechnology(
    name="lpddr4-3200",
    transfers_per_s=Figure(3200e6, "speed grade in the name", "H"),
    bus_bits=Figure(16, "JESD209-4: one channel is 16 bits wide", "H"),
    burst_transfers=Figure(16, "JESD209-4: BL16", "H"),
    rows=RowTiming(
        source=_TIMING,
        confidence="M",
        clock_s=_CLOCK_S,
        precharge=29,
        activate=29,
        read=28 + 3,
        row_cycle=97,
        row_to_row=16,
        four_rows=64,
        write_to_read=16,
        read_to_write=2,
        refresh=448,
        refresh_interval=6246,
        page_bytes=1024 * 2,
        banks=8,
    ),
    energy_pj_per_bit=Figure(8.0, "Accelergy CACTI plug-in, LPDDR4 ('public data')", "M"),
    background_w=Figure(
        STANDBY_W + REFRESH_W, f"IDD2N standby + IDD5 refresh share; {_CURRENTS}", "M"
    ),
)
