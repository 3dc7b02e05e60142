"""What a memory technology's table holds, and the arithmetic that all of them share.

Peak bandwidth of a channel = data rate x bus width / 8. First access = row miss of the device
(precharge + activate + read latency) + the controller's own pipeline. A long stream reaches
`efficiency` of the peak. A number comes with its source and how far to trust it (H read in a
vendor's or standard's own text, M agreed by others, L assumed or derived here).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """One number of a table: its value, where it comes from, and the confidence in it."""

    value: float
    source: str
    confidence: Literal["H", "M", "L"]


CONTROLLER_S = Figure(
    20e-9,
    "gem5 memory controller: static front-end 10 ns + back-end 10 ns; assumed for all controllers",
    "L",
)
"""Time in the memory controller, seconds, on top of the device's own latency."""

STREAM_FACTOR = 0.9
"""Assumed: what bus turn-arounds and row misses leave of a long stream. Refresh comes on top."""


@dataclass(frozen=True)
class DramTechnology:
    """A memory technology, per channel. What is None must be stated by the description.

    `energy_pj_per_bit` is per bit moved, device and interface. `background_w` is standby and
    refresh of the devices of one channel.
    """

    name: str
    transfers_per_s: Figure | None = None
    bus_bits: Figure | None = None
    burst_transfers: Figure | None = None
    row_miss_s: Figure | None = None
    efficiency: Figure | None = None
    energy_pj_per_bit: Figure | None = None
    background_w: Figure | None = None
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
        return None if self.row_miss_s is None else self.row_miss_s.value + CONTROLLER_S.value

    def figures(self) -> dict[str, Figure]:
        """Every number of the table that exists, by name."""
        named = {key: value for key, value in vars(self).items() if isinstance(value, Figure)}
        return named if self.row_miss_s is None else {**named, "controller_s": CONTROLLER_S}

    def numbers(self) -> dict[str, float]:
        """The values of `figures()`, for hashing: sources do not change a result."""
        return {key: figure.value for key, figure in self.figures().items()}


def after_refresh(refresh_cycles: int, interval_cycles: int, source: str) -> Figure:
    """Streaming efficiency: (1 - all-bank refresh / refresh interval) x the assumed rest."""
    value = (1 - refresh_cycles / interval_cycles) * STREAM_FACTOR
    return Figure(
        value,
        f"1 - {refresh_cycles}/{interval_cycles} (refresh; {source}) x {STREAM_FACTOR} assumed "
        "for bus turn-around and row misses",
        "L",
    )
