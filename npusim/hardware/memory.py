"""Memories and DMA: the shared SRAM, the second memory, and what moves data between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from npusim.errors import nearest_name
from npusim.hardware.memories import DramTechnology, RowTiming, technology, technology_names
from npusim.hardware.quantities import (
    LIMITS,
    BytesPerCycle,
    BytesPerSecond,
    Count,
    Cycles,
    Listed,
    PositiveNumber,
    Section,
    SizeBytes,
    refuse,
)
from npusim.units import QuantityError, format_quantity, parse_quantity

Held = Literal["weights", "inputs", "outputs"]


@dataclass(frozen=True)
class Latency:
    """A latency in seconds or in cycles of the NPU clock: exactly one of the two is set."""

    seconds: float | None = None
    cycles: int | None = None


def _latency(text: object) -> Latency | None:
    if text is None or isinstance(text, Latency):
        return text
    for dimension in ("time", "cycles"):
        try:
            value = parse_quantity(text, dimension)
        except QuantityError:
            continue
        if not 0 <= value <= LIMITS[dimension][1]:
            most = format_quantity(LIMITS[dimension][1], dimension)
            raise ValueError(f"{text!r} is out of range: it must be from 0 to {most}")
        return Latency(cycles=int(value)) if dimension == "cycles" else Latency(seconds=value)
    raise ValueError(f"{text!r} is not a latency: expected for example '100 ns' or '500 cycles'")


LatencyField = Annotated[
    Latency | None,
    BeforeValidator(_latency),
    WithJsonSchema({"type": ["string", "null"], "examples": ["100 ns", "500 cycles"]}),
]


class Sram(Section):
    """On-chip memory shared by all cores."""

    size_bytes: SizeBytes = Field(alias="size")
    """Capacity in bytes, > 0."""
    holds: Annotated[tuple[Held, ...], Listed, Field(min_length=1)] = (
        "weights", "inputs", "outputs",
    )  # fmt: skip
    """What may live here; the rest streams past it."""
    banks: Count
    """Number of banks, >= 1; divides the size."""
    read_bytes_per_cycle: BytesPerCycle = Field(alias="read")
    """Read bandwidth, bytes per cycle, > 0."""
    write_bytes_per_cycle: BytesPerCycle = Field(alias="write")
    """Write bandwidth, bytes per cycle, > 0."""
    latency_cycles: Cycles = Field(default=0, alias="latency")
    """Cycles from a request to its first byte, >= 0; 0 where the array's own pipeline hides it."""
    ports: Literal["1r1w", "1rw"] = "1r1w"
    """`1r1w`: reads and writes have a port each; `1rw`: they take turns on one."""
    bank_width_bytes: SizeBytes | None = Field(default=None, alias="bank_width")
    """Bytes that a bank reads or writes per cycle, > 0: all ports together get no more than
    banks x bank_width. null: banks limit nothing."""
    multicast: bool = True
    """Several cores: what all of them need at once (inputs where they share output channels,
    weights where they share rows or images) is read once for all; false: once by each core."""
    weight_part_bytes: SizeBytes | None = Field(default=None, alias="weight_part")
    """Part that weights stream through, bytes, > 0: a tile's weights never take more, however many
    they are. null: the weights of a tile lie here whole."""
    burst_bytes: SizeBytes = Field(default=1, alias="burst")
    """Bytes that a read takes of the port at least, > 0; `plain_piece` reads alone are shorter."""

    @model_validator(mode="after")
    def _consistent(self) -> Sram:
        problems = []
        if self.size_bytes % self.banks:
            problems.append(
                ("banks", f"{self.banks} banks do not divide the size of {self.size_bytes} bytes: "
                 "change banks or size")
            )  # fmt: skip
        if self.bank_width_bytes is not None:
            most = self.banks * self.bank_width_bytes
            problems += [
                (key, f"{rate:g} B/cycle is more than {self.banks} banks of "
                 f"{self.bank_width_bytes} B give: lower {key}, or raise banks or bank_width")
                for key, rate in (("read", self.read_bytes_per_cycle),
                                  ("write", self.write_bytes_per_cycle))
                if rate > most
            ]  # fmt: skip
        if (self.weight_part_bytes or 0) >= self.size_bytes:
            what = f"leaves nothing of {self.size_bytes} bytes to feature maps: make it smaller"
            problems.append(("weight_part", what))
        if len(set(self.holds)) != len(self.holds):
            problems.append(("holds", "names the same kind of data twice"))
        if problems:
            raise refuse(*problems)
        return self


class Dram(Section):
    """The second memory: a technology from the tables, with what this system changes of it."""

    technology: str
    """A table of `npusim/hardware/memories/`: `lpddr4x-4266`, ..., `flash`, `sram_port`,
    `host_link`."""
    channels: Count = 1
    """Channels of that technology, >= 1."""
    bandwidth_bytes_per_s: BytesPerSecond | None = Field(default=None, alias="bandwidth")
    """Bytes per second of all channels, > 0; null: the technology's data rate x bus x channels."""
    latency: LatencyField = None
    """First access, in ns or in cycles of the NPU clock; null: the technology's."""
    burst_bytes: SizeBytes | None = Field(default=None, alias="burst")
    """Bytes of the shortest transfer; null: the technology's."""
    efficiency: Annotated[float, Field(ge=0.001, le=1)] | None = None
    """Measured part of the bandwidth that streams reach, 0 to 1; null: rows, refresh and
    turn-around follow from the technology, or 1 where the bandwidth is stated here."""

    duplex: bool = False
    """Reads and writes have a bus of that bandwidth each (an AXI port to an SRAM); otherwise they
    share one."""
    read_only: bool = False
    """It cannot be written while the NPU runs (flash): what a layer writes must fit in SRAM."""

    @property
    def latency_s(self) -> float | None:
        """The stated latency in seconds, if it was stated so."""
        return self.latency.seconds if self.latency else None

    @property
    def latency_cycles(self) -> int | None:
        """The stated latency in cycles of the NPU clock, if it was stated so."""
        return self.latency.cycles if self.latency else None

    @property
    def table(self) -> DramTechnology:
        """The technology's table."""
        return technology(self.technology)

    @property
    def row_timing(self) -> RowTiming | None:
        """Rows, refresh and turn-around where they follow from the technology's table.

        A stated bandwidth is a port's or a measured one, a stated efficiency has them in it.
        """
        stated = self.bandwidth_bytes_per_s is not None or self.efficiency is not None
        return None if stated else self.table.rows

    @field_validator("technology")
    @classmethod
    def _known_technology(cls, value: str) -> str:
        known = technology_names()
        if value not in known:
            hint = nearest_name(value, known)
            what = f"unknown memory technology {value!r}{hint}"
            raise ValueError(f"{what}: one of {', '.join(known)}")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Dram:
        table, missing = self.table, []
        if self.bandwidth_bytes_per_s is None and table.peak_bytes_per_s is None:
            missing.append(("bandwidth", "512 MB/s"))
        if self.latency is None and table.latency_s is None:
            missing.append(("latency", "64 cycles"))
        if self.burst_bytes is None and table.burst_bytes is None:
            missing.append(("burst", "128 B"))
        if missing:
            raise refuse(
                *(("technology", f"{self.technology} says no {key}: state it here, for example "
                   f"{key}: {example}") for key, example in missing)
            )  # fmt: skip
        self._check_table()
        return self

    def _check_table(self) -> None:
        """What is stated must agree with the technology's table."""
        problems, rows = [], self.row_timing
        if self.table.read_only and not self.read_only:
            what = f"{self.technology} cannot be written while the NPU runs: set read_only: true"
            problems.append(("read_only", what))
        if rows is not None and self.burst_bytes is not None and self.burst_bytes > rows.page_bytes:
            what = (
                f"a burst of {self.burst_bytes} bytes is longer than a row of {self.technology} "
                f"({rows.page_bytes} bytes): make it shorter, or state bandwidth or efficiency, "
                "which stand for rows"
            )
            problems.append(("burst", what))
        if problems:
            raise refuse(*problems)


class Layout(Section):
    """How tensors lie in memory, and the bytes that pad them there and on every bus."""

    order: Literal["hwc", "chw", "hcw"] = "hwc"
    """Order of a feature map, outer to inner, of height, width and blocks of channels; a block
    lies inside it. `hwc` is channels last, `chw` is NVDLA's feature format (with blocks of one
    channel: planes), `hcw` NHCWB16."""
    channel_block: Count = 1
    """Channels of a feature map are padded to a multiple of this, >= 1."""
    network_ends: Literal["blocked", "plain"] = "blocked"
    """Inputs and outputs of the network: like all feature maps, or `plain` (channels last, without
    padding), where the first and the last layer convert."""
    plain_piece_bytes: SizeBytes | None = Field(default=None, alias="plain_piece")
    """Bytes that one read of the array takes of a `plain` input of the network at least, > 0, and
    the channels of a block at most; each takes a burst of its memory. null: whole runs."""
    plain_write_bytes: SizeBytes | None = Field(default=None, alias="plain_write")
    """Bytes of one write of a `plain` output of the network, > 0, if it has more channels than
    that and lies in the second memory; each takes a burst. null: whole runs."""
    weight_granule_bytes: SizeBytes = Field(default=1, alias="weight_granule")
    """The weights of a layer are padded to a multiple of this, bytes, > 0."""
    channel_parameters_bytes: SizeBytes | None = Field(default=None, alias="channel_parameters")
    """Bytes of bias, multiplier and shift of an output channel, > 0, for layers on the array that
    have a bias; null: the bias as the model stores it."""

    @model_validator(mode="after")
    def _consistent(self) -> Layout:
        if self.order == "hcw" and self.channel_block == 1:
            raise refuse(
                ("order", f"{self.order} is an order of blocks of channels, and channel_block is "
                 "1: set channel_block, for example 16, or order: hwc")
            )  # fmt: skip
        return self


class WeightCompression(Section):
    """How weights are coded in memory, without loss: one of the two fields."""

    ratio: PositiveNumber | None = None
    """Bytes of the coded weights / bytes of the weights, > 0; more than 1 where coding expands."""
    coding: Literal["golomb_rice"] | None = None
    """The coding whose length is counted on the weights of the model, padded as the array takes
    them: `golomb_rice` is that of Arm Ethos-U."""

    @model_validator(mode="after")
    def _one_of_two(self) -> WeightCompression:
        if (self.ratio is None) == (self.coding is None):
            raise refuse(
                ("ratio", "state ratio, such as 0.7, or coding: golomb_rice, and not both")
            )
        return self


class Memory(Section):
    """The memory levels."""

    sram: Sram
    """On-chip memory."""
    dram: Dram
    """The memory behind it: DRAM, flash, or another SRAM."""
    layout: Layout = Layout()
    """How tensors lie in both."""
    weight_compression: WeightCompression | None = None
    """How weights of the array are coded in both, up to its decoder; null: they are not."""


class RunLength(Section):
    """Run-length coding of feature maps: words of pairs, a run of zeros and the value behind it."""

    run_bits: Annotated[int, Field(ge=1, le=16)]
    """Bits that say how many zeros come before a value, 1 to 16."""
    word_bits: Annotated[int, Field(ge=8, le=4096)]
    """Bits of a word, 8 to 4096; it holds as many whole pairs as fit."""


class InFlight(Section):
    """Bytes of a stream that can be on their way from the second memory at once: its buffer.

    By Little's law a stream moves at most this much in the latency of the memory.
    """

    weights_bytes: SizeBytes | None = Field(default=None, alias="weights")
    """Weights, > 0; null: only `outstanding` limits them."""
    parameters_bytes: SizeBytes | None = Field(default=None, alias="parameters")
    """Bias and scale of output channels, > 0, fetched by the output stage with each block of
    pixels; null: they come with the weights."""
    inputs_bytes: SizeBytes | None = Field(default=None, alias="inputs")
    """Inputs, > 0; null: only `outstanding` limits them."""
    outputs_bytes: SizeBytes | None = Field(default=None, alias="outputs")
    """Outputs, > 0; null: only `outstanding` limits them."""


class Dma(Section):
    """The engine that moves tiles between the second memory and SRAM."""

    channels: Count
    """Transfers that can be in flight from different queues, >= 1."""
    setup_cycles: Cycles = Field(alias="setup")
    """Cycles to start one transfer, >= 0."""
    outstanding: Count
    """Bursts in flight per channel, >= 1."""
    arbitration: Literal["in_order", "round_robin"] = "in_order"
    """How loads share the bus: one after the other `in_order`, or weights and feature maps burst
    by burst in turn (`round_robin`) until one of the two streams has nothing to ask for."""
    outstanding_weights: Count | None = None
    """round_robin: bursts in flight of the weight stream; null: `outstanding`, which then is that
    of each stream."""
    run_length: RunLength | None = None
    """Feature maps whose share of zeros is known move coded where that makes them smaller; null:
    they never do."""
    in_flight: InFlight = InFlight()
    """What the buffers of each stream hold."""
