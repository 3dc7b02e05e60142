"""DDR4-3200, JESD79-4: one 64-bit channel of four x16 devices.

Timing in clock cycles of 0.625 ns and currents from DRAMsim3's public `DDR4_8Gb_x16_3200`.
"""

from __future__ import annotations

from npusim.hardware.memories.technology import DramTechnology, Figure, RowTiming

_SOURCE = "DRAMsim3 DDR4_8Gb_x16_3200"
_DEVICES, _VDD_V = 4, 1.2
_CLOCK_S = 0.625e-9

# Precharged standby IDD2N 37 mA; refresh IDD5AB 280 mA for 560 of every 12480 cycles.
_STANDBY_W = _DEVICES * _VDD_V * 37e-3
_REFRESH_W = _DEVICES * _VDD_V * (280e-3 - 37e-3) * 560 / 12480

DDR4_3200 = DramTechnology(
    name="ddr4-3200",
    transfers_per_s=Figure(3200e6, "speed grade in the name", "H"),
    bus_bits=Figure(64, "JESD79-4 modules: a channel is 64 bits wide", "H"),
    burst_transfers=Figure(8, "JESD79-4: BL8", "H"),
    rows=RowTiming(
        source=_SOURCE,
        confidence="M",
        clock_s=_CLOCK_S,
        precharge=22,
        activate=22,
        read=22,
        row_cycle=52 + 22,
        row_to_row=9,
        four_rows=48,
        write_to_read=12,
        read_to_write=2,
        refresh=560,
        refresh_interval=12480,
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
)
