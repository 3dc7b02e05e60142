"""Serial flash that weights are read from: quad at 133 MHz and octal at 200 MHz.

A read is a command, an address and dummy clocks, then data in one sequence of any length. There
are no rows: whoever jumps starts a new read. Nothing is written while the NPU runs.
"""

from __future__ import annotations

from npusim.hardware.memories.technology import DramTechnology, Figure, RowTiming

_NO_ROWS = 1 << 30
"""Bytes that one read can run through: the whole device."""


def _read(source: str, clock_hz: float, deselect: int, command: int, dummy: int) -> RowTiming:
    return RowTiming(
        source=source, confidence="M", clock_s=1 / clock_hz, precharge=deselect, activate=command,
        read=dummy, row_cycle=0, row_to_row=0, four_rows=0, write_to_read=0, read_to_write=0,
        refresh=0, refresh_interval=1, page_bytes=_NO_ROWS, banks=1,
    )  # fmt: skip


_NOTES = "Energy and background power: no figure was found; state dram_per_byte if it is known."

QSPI_FLASH_133 = DramTechnology(
    name="qspi-flash-133",
    transfers_per_s=Figure(133e6, "clock in the name, one transfer a clock", "H"),
    bus_bits=Figure(4, "quad SPI: 4 bits", "H"),
    burst_transfers=Figure(64, "assumed: a controller asks for lines of 32 B", "L"),
    rows=_read(
        "Fast Read Quad I/O (EBh): 8 clocks of command, 6 of address, 2 of mode, 4 dummy; 10 ns "
        "deselected (W25Q class)", 133e6, 2, 8 + 6 + 2, 4,
    ),
    read_only=True,
    notes=_NOTES,
)  # fmt: skip

OCTAL_FLASH_200 = DramTechnology(
    name="octal-flash-200",
    transfers_per_s=Figure(400e6, "octal DTR: two transfers a clock, 200 MHz", "H"),
    bus_bits=Figure(8, "octal SPI: 8 bits", "H"),
    burst_transfers=Figure(32, "assumed: a controller asks for lines of 32 B", "L"),
    rows=_read(
        "8D-8D-8D read: 1 clock of command, 2 of address, 20 dummy (Linux and U-Boot for Macronix "
        "MX25LM51245G); 10 ns deselected", 200e6, 2, 1 + 2, 20,
    ),
    read_only=True,
    notes=_NOTES,
)  # fmt: skip
