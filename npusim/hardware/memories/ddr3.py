"""DDR3-1600, JESD79-3: one 64-bit channel of four x16 devices at 1.35 V.

Timing in clock cycles of 1.25 ns and currents from DRAMsim3's public `DDR3_4Gb_x16_1600`.
"""

from __future__ import annotations

from npusim.hardware.memories.technology import DramTechnology, Figure, RowTiming

_SOURCE = "DRAMsim3 DDR3_4Gb_x16_1600"
_DEVICES, _VDD_V = 4, 1.35
_CLOCK_S = 1.25e-9

# Precharged standby IDD2N 32 mA; refresh IDD5AB 235 mA for 208 of every 6240 cycles.
_STANDBY_W = _DEVICES * _VDD_V * 32e-3
_REFRESH_W = _DEVICES * _VDD_V * (235e-3 - 32e-3) * 208 / 6240

DDR3_1600 = DramTechnology(
    name="ddr3-1600",
    transfers_per_s=Figure(1600e6, "speed grade in the name", "H"),
    bus_bits=Figure(64, "JESD79-3 modules: a channel is 64 bits wide", "H"),
    burst_transfers=Figure(8, "JESD79-3: BL8", "H"),
    rows=RowTiming(
        source=_SOURCE,
        confidence="M",
        clock_s=_CLOCK_S,
        precharge=11,
        activate=11,
        read=11,
        row_cycle=28 + 11,
        row_to_row=5,
        four_rows=32,
        write_to_read=6,
        read_to_write=2,
        refresh=208,
        refresh_interval=6240,
        page_bytes=_DEVICES * 1024 * 2,
        banks=8,
    ),
    energy_pj_per_bit=Figure(
        20.3, "Jouppi et al., ISCA 2021, Table 2: 1300 pJ per 64 bits of DDR3/DDR4", "M"
    ),
    background_w=Figure(
        _STANDBY_W + _REFRESH_W,
        f"IDD2N standby + refresh share of IDD5AB, 4 devices; {_SOURCE}",
        "M",
    ),
    notes="Other tables say 70 pJ/bit (Accelergy CACTI plug-in); override dram_per_byte to use it.",
)
