"""Second memories that no standard describes: the description states bandwidth, latency, burst.

`flash` is a serial or parallel flash that weights are read from; `sram_port` is another on-chip
memory behind a port; `host_link` is the memory of a host behind PCIe or USB. Their energy per byte
has no table: a description states `dram_per_byte` or the report says that it is not modelled.
"""

from __future__ import annotations

from npusim.hardware.memories.technology import DramTechnology

FLASH = DramTechnology(
    name="flash", notes="No table: state bandwidth, latency and burst; energy if it is known."
)
SRAM_PORT = DramTechnology(
    name="sram_port", notes="No table: state bandwidth, latency and burst; energy if it is known."
)
HOST_LINK = DramTechnology(
    name="host_link", notes="No table: state bandwidth, latency and burst; energy if it is known."
)
