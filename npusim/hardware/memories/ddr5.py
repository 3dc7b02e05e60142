"""DDR5-4800, JESD79-5: one 32-bit subchannel of four x8 devices of 16 Gb.

Timing in clock cycles of 0.416 ns from Ramulator 2's public preset `DDR5_4800B` and its tables of
tFAW, tRFC and tREFI.
"""

from __future__ import annotations

from npusim.hardware.memories.technology import DramTechnology, Figure, RowTiming

_SOURCE = "Ramulator 2 DDR5_4800B, DDR5_16Gb_x8"
_CLOCK_S = 0.416e-9
_DEVICES = 4

DDR5_4800 = DramTechnology(
    name="ddr5-4800",
    transfers_per_s=Figure(4800e6, "speed grade in the name", "H"),
    bus_bits=Figure(32, "JESD79-5 modules: a subchannel is 32 bits wide", "H"),
    burst_transfers=Figure(16, "JESD79-5: BL16", "H"),
    rows=RowTiming(
        source=_SOURCE,
        confidence="M",
        clock_s=_CLOCK_S,
        precharge=39,
        activate=39,
        read=40,
        row_cycle=116,
        row_to_row=8,
        four_rows=32,
        write_to_read=24,
        read_to_write=4,
        refresh=295e-9 / _CLOCK_S,
        refresh_interval=3900e-9 / _CLOCK_S,
        page_bytes=_DEVICES * 1024,
        banks=32,
    ),
    notes="Energy and background power: no figure was found; state dram_per_byte if it is known.",
)
