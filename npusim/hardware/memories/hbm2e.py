"""HBM2E-3200, JESD235D: one pseudo channel of 64 bits; a stack has 16 (409.6 GB/s).

The array is HBM2's: timing in nanoseconds from Ramulator 2's public preset `HBM2_2400Mbps`
(0.833 ns a clock) and its tables of tRRD, tFAW, tRFC (8 Gb a channel) and tREFI.
"""

from __future__ import annotations

from npusim.hardware.memories.technology import DramTechnology, Figure, RowTiming

_SOURCE = "Ramulator 2 HBM2_2400Mbps, assumed equal in ns at 3200 Mb/s"
_CLOCK_S = 0.833e-9

HBM2E_3200 = DramTechnology(
    name="hbm2e-3200",
    transfers_per_s=Figure(3200e6, "speed grade in the name", "H"),
    bus_bits=Figure(64, "JESD235: a pseudo channel is 64 bits wide", "H"),
    burst_transfers=Figure(4, "JESD235: BL4 in pseudo channel mode", "H"),
    rows=RowTiming(
        source=_SOURCE,
        confidence="L",
        clock_s=_CLOCK_S,
        precharge=17,
        activate=17,
        read=17,
        row_cycle=57,
        row_to_row=4e-9 / _CLOCK_S,
        four_rows=15e-9 / _CLOCK_S,
        write_to_read=10,
        read_to_write=2,
        refresh=350e-9 / _CLOCK_S,
        refresh_interval=3900e-9 / _CLOCK_S,
        page_bytes=1024,
        banks=16,
    ),
    energy_pj_per_bit=Figure(
        5.5, "middle of HBM2's 3.9 to 7.0: Jouppi et al., ISCA 2021, Table 2 (250-450 pJ/64 b)", "L"
    ),
)
