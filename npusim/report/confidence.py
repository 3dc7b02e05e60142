"""What a report does not know: listed with it, so that nobody has to read the code to find out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from npusim.energy.model import NOT_MODELLED as ENERGY_NOT_MODELLED
from npusim.energy.model import Energy, pair_of
from npusim.report.types import Confidence
from npusim.schedule.tables import HOST

if TYPE_CHECKING:
    from npusim.timing.counts import Counts

TIMING_NOT_MODELLED = (
    "bank conflicts and access latency of SRAM: its two ports are shared, its banks are not seen",
    "DRAM row misses, refresh and turn-around beyond one efficiency figure for all streams",
    "the limit on outstanding DMA bursts",
    "overlap of one inference with the next: throughput is the inverse of the latency",
    "partial sums spilled to SRAM: no schedule that does so is considered",
    "weight compression, sparsity and zero gating",
    "voltage and frequency scaling, heat",
)
"""What timing leaves out on every hardware."""


def confidence_of(counts: Counts, energy: Energy) -> Confidence:
    """The confidence in a report; presets have not been compared to measurements yet."""
    listed = (
        *TIMING_NOT_MODELLED, *_missing(counts), *ENERGY_NOT_MODELLED, *energy.missing,
    )  # fmt: skip
    return Confidence("unvalidated", listed)


def _missing(counts: Counts) -> list[str]:
    """What timing leaves out for this hardware and this model."""
    hardware = counts.program.hardware
    missing = []
    if hardware.cores > 1:
        missing.append("synchronization of the cores: they run in step")
    if {"add", "pool"} & set(hardware.mapping.fusion):
        missing.append("additions and pooling on the drain: they run as layers of their own")
    if hardware.memory.dram.read_only:
        missing.append(
            "where inputs and outputs of the network lie: they are counted as traffic of the "
            "second memory, though it is read-only"
        )
    if any(step.step.unit == HOST for step in counts.steps):
        missing.append("transfers and change of layout between NPU and host")
    pairs = {"*".join(pair_of(counts, step)) for step in counts.steps if step.issued_macs}
    others = {pair for pair in pairs if pair.replace("uint8", "int8") != "int8*int8"}
    if others:
        missing.append(f"rates of {', '.join(sorted(others))}: the array ran them as int8*int8")
    return missing
