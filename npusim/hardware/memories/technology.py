"""What a memory technology's table holds, and the arithmetic that all of them share.

    peak bandwidth of a channel = data rate x bus width / 8
    first access                = precharge + activate + read latency + the controller's pipeline
    share left by refresh       = 1 - tRFC / tREFI
    least time between rows     = max(tRRD, tFAW / 4, tRC / banks)
    bus idle, write to read     = tWTR + read latency

`npusim/cost/dram.py` turns these into the time of a transfer. A number comes with its source and
how far to trust it (H read in a vendor's or standard's own text, M agreed by others, L assumed or
derived here). `energy_pj_per_bit` is an average over streams, so it has their activations in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Confidence = Literal["H", "M", "L"]


@dataclass(frozen=True)
class Figure:
    """One number of a table: its value, where it comes from, and the confidence in it."""

    value: float
    source: str
    confidence: Confidence


CONTROLLER_S = Figure(
    20e-9,
    "gem5 memory controller: static front-end 10 ns + back-end 10 ns; assumed for all controllers",
    "L",
)
"""Time in the memory controller, seconds, on top of the device's own latency."""


@dataclass(frozen=True)
class RowTiming:
    """Rows, refresh and turn-around of one channel, from one `source`; times in `clock_s`.

    JEDEC's names: `precharge` tRP, `activate` tRCD, `read` RL or CL, `row_cycle` tRC,
    `row_to_row` tRRD between bank groups, `four_rows` tFAW, `write_to_read` tWTR within a bank
    group, `refresh` tRFC of all banks, `refresh_interval` tREFI. `read_to_write` is the time that
    the data bus is idle between a read's data and a write's. `page_bytes` is a row of all devices
    of the channel. `refresh` 0: none that stops the bus.
    """

    source: str
    confidence: Confidence
    clock_s: float
    precharge: float
    activate: float
    read: float
    row_cycle: float
    row_to_row: float
    four_rows: float
    write_to_read: float
    read_to_write: float
    refresh: float
    refresh_interval: float
    page_bytes: int
    banks: int

    @property
    def row_miss_s(self) -> float:
        """From a request in a bank with another row open to its first data, seconds."""
        return (self.precharge + self.activate + self.read) * self.clock_s

    @property
    def row_interval_s(self) -> float:
        """Least time between rows of a stream that goes over the banks in turn, seconds."""
        clocks = max(self.row_to_row, self.four_rows / 4, self.row_cycle / self.banks)
        return clocks * self.clock_s

    @property
    def conflict_s(self) -> float:
        """Expected time that a jump to another row costs a stream, seconds: one in `banks` jumps
        stays in the bank, and waits for precharge and activate."""
        return (self.precharge + self.activate) * self.clock_s / self.banks

    @property
    def turn_to_read_s(self) -> float:
        """The data bus is idle between a write's data and a read's, seconds."""
        return (self.write_to_read + self.read) * self.clock_s

    @property
    def turn_to_write_s(self) -> float:
        """The data bus is idle between a read's data and a write's, seconds."""
        return self.read_to_write * self.clock_s

    @property
    def refresh_share(self) -> float:
        """Part of the time in which refresh stops the channel, 0 to 1."""
        return self.refresh / self.refresh_interval if self.refresh else 0.0

    def figures(self) -> dict[str, Figure]:
        """What is derived of it, by name."""
        values = {
            "row_miss_s": self.row_miss_s,
            "row_interval_s": self.row_interval_s,
            "conflict_s": self.conflict_s,
            "turn_to_read_s": self.turn_to_read_s,
            "turn_to_write_s": self.turn_to_write_s,
            "refresh_share": self.refresh_share,
            "page_bytes": float(self.page_bytes),
        }
        return {key: Figure(value, self.source, self.confidence) for key, value in values.items()}


@dataclass(frozen=True)
class DramTechnology:
    """A memory technology, per channel. What is None must be stated by the description.

    `energy_pj_per_bit` is per bit moved, device and interface. `background_w` is standby and
    refresh of the devices of one channel. A `read_only` one can only be read while the NPU runs.
    """

    name: str
    transfers_per_s: Figure | None = None
    bus_bits: Figure | None = None
    burst_transfers: Figure | None = None
    rows: RowTiming | None = None
    energy_pj_per_bit: Figure | None = None
    background_w: Figure | None = None
    read_only: bool = False
    notes: str = ""

    @property
    def peak_bytes_per_s(self) -> float | None:
        """Bandwidth on the pins of one channel, bytes per second."""
        if self.transfers_per_s is None or self.bus_bits is None:
            return None
        return self.transfers_per_s.value * self.bus_bits.value / 8

    @property
    def burst_bytes(self) -> int | None:
        """Bytes of the shortest transfer."""
        if self.burst_transfers is None or self.bus_bits is None:
            return None
        return int(self.burst_transfers.value * self.bus_bits.value) // 8

    @property
    def latency_s(self) -> float | None:
        """First access of a stream in a closed row, seconds, with the controller."""
        return None if self.rows is None else self.rows.row_miss_s + CONTROLLER_S.value

    def figures(self) -> dict[str, Figure]:
        """Every number of the table that exists, by name."""
        named = {key: value for key, value in vars(self).items() if isinstance(value, Figure)}
        if self.rows is None:
            return named
        return {**named, **self.rows.figures(), "controller_s": CONTROLLER_S}

    def numbers(self) -> dict[str, float]:
        """The values of `figures()`, for hashing: sources do not change a result."""
        return {key: figure.value for key, figure in self.figures().items()}
