"""GDDR6-14000, JESD250: one 16-bit channel of a device of 8 Gb; a device has two.

Timing in clock cycles of 0.571 ns (eight transfers each) from Ramulator 2's public preset
`GDDR6_2000_1350mV_quad`.
"""

from __future__ import annotations

from npusim.hardware.memories.technology import DramTechnology, Figure, RowTiming

_SOURCE = "Ramulator 2 GDDR6_2000_1350mV_quad, GDDR6_8Gb_x16"

GDDR6_14000 = DramTechnology(
    name="gddr6-14000",
    transfers_per_s=Figure(14e9, "speed grade in the name", "H"),
    bus_bits=Figure(16, "JESD250: a channel is 16 bits wide", "H"),
    burst_transfers=Figure(16, "JESD250: BL16", "H"),
    rows=RowTiming(
        source=_SOURCE,
        confidence="M",
        clock_s=8 / 14e9,
        precharge=26,
        activate=26,
        read=24,
        row_cycle=79,
        row_to_row=7,
        four_rows=28,
        write_to_read=11,
        read_to_write=4,
        refresh=210,
        refresh_interval=3333,
        page_bytes=1024 * 2,
        banks=16,
    ),
    energy_pj_per_bit=Figure(
        6.5, "middle of 5.5 to 7.5: Jouppi et al., ISCA 2021, Table 2 (350-480 pJ / 64 b)", "M"
    ),
)
