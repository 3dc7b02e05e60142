"""Octal pseudo-static RAM at 200 MHz (HyperRAM, xSPI): 8 bits, two transfers a clock of 5 ns.

A transaction is a command and address of 3 clocks, the initial latency of 7, then data in one
sequence for at most tCSM = 4 us, after which the chip is deselected so that it can refresh itself.
There is one bank: whoever jumps starts a transaction. Rows that follow each other are opened within
it. Refresh that collides with a transaction, which doubles its latency, is not modelled.
"""

from __future__ import annotations

from npusim.hardware.memories.technology import DramTechnology, Figure, RowTiming

_CLOCK_S = 5e-9
_COMMAND, _LATENCY, _RECOVERY = 3, 7, 7
"""Clocks: command and address; initial latency above 166 MHz; tRWR of 35 ns between two."""

PSRAM_OCTAL_200 = DramTechnology(
    name="psram-octal-200",
    transfers_per_s=Figure(400e6, "HyperBus: two transfers a clock, 200 MHz", "H"),
    bus_bits=Figure(8, "HyperBus and xSPI: 8 bits", "H"),
    burst_transfers=Figure(32, "assumed: a controller asks for lines of 32 B", "L"),
    rows=RowTiming(
        source="HyperRAM latency counts (LiteX hyperbus module: 7 clocks above 166 MHz), tRWR "
        "35 ns, tCSM 4 us, rows of 512 words",
        confidence="M",
        clock_s=_CLOCK_S,
        precharge=_RECOVERY,
        activate=_COMMAND,
        read=_LATENCY,
        row_cycle=0,
        row_to_row=0,
        four_rows=0,
        write_to_read=_RECOVERY + _COMMAND,
        read_to_write=_RECOVERY + _COMMAND + _LATENCY,
        refresh=_RECOVERY + _COMMAND + _LATENCY,
        refresh_interval=4e-6 / _CLOCK_S,
        page_bytes=512 * 2,
        banks=1,
    ),
    notes="Energy and background power: no figure was found; state dram_per_byte if it is known.",
)
