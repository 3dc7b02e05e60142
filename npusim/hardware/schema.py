"""The hardware description: every field with its unit, range and meaning.

`Hardware` is what the loader builds from a YAML file and what every other part of npusim reads.
It is frozen and knows nothing of files. The YAML key is the field's alias where one is given; the
Python name carries the unit.
"""

from __future__ import annotations

import hashlib
import json
import math
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from npusim.errors import Problem, UsageError, nearest_name
from npusim.hardware.convolution_buffer import buffer_problems
from npusim.hardware.document import FREE
from npusim.hardware.free import FreeParameter, FreeRange, mistakes, parameters
from npusim.hardware.mac_array import MacArray
from npusim.hardware.memory import Dma, Held, Memory
from npusim.hardware.output_stage import OutputStage
from npusim.hardware.quantities import (
    BytesPerSecond,
    Count,
    Cycles,
    FlopsPerSecond,
    FrequencyHz,
    Listed,
    PositiveNumber,
    Seconds,
    Section,
    as_tuple,
    refuse,
)
from npusim.hardware.technology import Technology
from npusim.numerics.profiles import PROFILES

LoopOrder = Literal["weights_outer", "inputs_outer"]
LOOP_ORDERS: tuple[LoopOrder, ...] = ("weights_outer", "inputs_outer")


def _loop_orders(value: object) -> object:
    if value == "any" or value == ["any"]:
        return "any"
    orders = as_tuple(value)
    if not isinstance(orders, tuple) or not orders or not set(orders) <= set(LOOP_ORDERS):
        raise ValueError(f"{value!r} is not 'any' or a list of {', '.join(LOOP_ORDERS)}")
    return orders


LoopOrders = Annotated[
    tuple[LoopOrder, ...] | Literal["any"],
    BeforeValidator(_loop_orders, json_schema_input_type=list[LoopOrder] | Literal["any"]),
]
NonEmpty = Annotated[str, Field(min_length=1)]
TileDim = Literal["K", "C", "OY", "OX"]
CoreSplit = Literal["K", "OY", "B"]
VectorOp = Literal[
    "add", "mul", "div", "max", "pool", "mean", "softmax", "norm",
    "lut", "exp", "copy", "resize", "requantize", "relu",
]  # fmt: skip
"""Elementary operations of a vector unit. `add` is sums and differences, `max` the larger or
smaller of two; `pool` is pooling, maxima and minima along axes and argmax; `mean` is sums and means
along axes; `norm` is layer, instance, group and L2 normalization; `lut` any function of one element
by a table; `copy` every movement; `resize` bilinear."""


class VectorUnit(Section):
    """What does element-wise work, per core."""

    lanes: Count
    """Elements side by side, >= 1."""
    rates: dict[VectorOp, PositiveNumber]
    """Elements per lane and cycle, > 0. `pool` and `mean` count elements read, the rest elements
    written. An operation that is not listed cannot run here."""


class MappingRules(Section):
    """What the hardware or its compiler fixes of a schedule."""

    loop_orders: LoopOrders = "any"
    """`any`, or the allowed ones: `weights_outer` keeps weights, `inputs_outer` keeps inputs."""
    core_splits: Annotated[tuple[CoreSplit, ...], Listed, Field(min_length=1)] = ("K", "OY", "B")
    """How several cores may share an operator: by output channels, output rows or images."""
    pipeline: bool = False
    """Several cores: each may have a run of layers of its own, with successive inferences in
    flight; throughput is then that of the slowest run. Latency is that of one inference alone."""
    fusion: Annotated[tuple[Literal["activation", "add", "pool", "cascade"], ...], Listed] = ()
    """`activation`, `add`, `pool`: what may ride on the drain of the operator before it. `cascade`:
    several operators may run in stripes of rows, with rolling buffers in SRAM between them."""
    buffers: Literal[1, 2] = 2
    """Copies of a tile's buffers: 2 lets loads run ahead of the array."""
    single_buffers: Annotated[tuple[Held, ...], Listed] = ()
    """Streams with one buffer whatever `buffers` says: their transfers and the array take turns."""
    mapper: Literal["movement_energy"] | None = None
    """How the hardware's own tools choose tiles. `movement_energy`: least energy of DRAM, SRAM and
    leakage, from layer shapes alone, of the passes that a row-stationary array makes with one
    pass's channels in SRAM; null: the search for the objective of the run."""
    tile_max: dict[TileDim, Count] = Field(default_factory=dict)
    """Largest tile per loop dimension (K output channels, C input channels, OY, OX)."""
    tile_multiple: dict[TileDim, Count] = Field(default_factory=dict)
    """Tiles are multiples of this per loop dimension, except the last one."""
    data_banks: Count | Literal["auto"] | None = None
    """Banks of SRAM that hold the input tile of a layer on the array; others hold weights, which
    are loaded as far ahead as they have room. `auto`: as many as the input tile needs; null: SRAM
    is not split."""
    weight_banks: Count | None = None
    """Banks that hold weights; null: all that hold no inputs."""

    @model_validator(mode="after")
    def _consistent(self) -> MappingRules:
        problems = [
            (
                f"tile_max.{dim}",
                f"tile_max {dim} = {limit} is less than tile_multiple {dim} = {step}: "
                "raise the one or lower the other",
            )
            for dim, limit in self.tile_max.items()
            if limit < (step := self.tile_multiple.get(dim, 1))
        ]
        if problems:
            raise refuse(*problems)
        return self


class Overheads(Section):
    """Fixed costs that no data movement explains."""

    per_layer_cycles: Cycles = Field(alias="per_layer")
    """Cycles to start one operator, >= 0."""
    per_inference_s: Seconds = Field(alias="per_inference")
    """Seconds to start one inference, >= 0."""
    core_sync_cycles: Cycles = Field(default=0, alias="core_sync")
    """Cycles, >= 0, in which several cores meet before each operator: one may read what any other
    wrote."""


class HostLink(Section):
    """The link to a host that shares no memory with the NPU: PCIe, USB."""

    bandwidth_bytes_per_s: BytesPerSecond = Field(alias="bandwidth")
    """Bytes per second in one direction, > 0."""
    latency_s: Seconds = Field(alias="latency")
    """Seconds from the call of a transfer to its first byte, >= 0."""
    reaches: Literal["dram", "sram"] = "dram"
    """Where inputs of a network arrive and outputs are fetched: the second memory, or on-chip
    memory as far as it has room for them."""


class Host(Section):
    """The processor that runs what the NPU cannot."""

    flops_per_s: FlopsPerSecond | None = Field(default=None, alias="rate")
    """Operations per second, > 0; null: no host, and such models are refused."""
    link: HostLink | None = None
    """How tensors come from and go to the host; null: it shares the second memory, or that is the
    link (technology `host_link`)."""


_WORDS = ("description", "sources", "free", "not_modelled")  # they change no result


def _absent(value: object) -> object:
    return {} if value is None else value


class Hardware(Section):
    """One NPU with its memories and host: what a simulation needs to know of the hardware."""

    npusim: Literal["hardware/1"]
    """Version of this description format."""
    name: str = Field(min_length=1, max_length=100)
    """Name of the hardware."""
    description: str = ""
    """What it is, in a sentence or two."""
    sources: dict[str, NonEmpty] = Field(default_factory=dict)
    """Where numbers come from: key to text. A comment `# [key]` at a line's end cites one."""
    free: dict[str, FreeRange] = Field(default_factory=dict)
    """Numbers that nobody published: dotted path to range and reason. Their lines cite `[free]`."""
    not_modelled: Annotated[tuple[NonEmpty, ...], Listed] = ()
    """What this hardware has and a simulation of it leaves out, beside what is left out of all."""
    clock_hz: FrequencyHz = Field(alias="clock")
    """Clock of array, vector unit, SRAM and DMA, Hz, > 0."""
    cores: Count = 1
    """Equal cores, each with an array, an output stage and a vector unit, >= 1."""
    mac_array: MacArray
    """The MAC array of each core."""
    output_stage: OutputStage
    """What follows the array."""
    vector_unit: VectorUnit
    """Element-wise work."""
    memory: Memory
    """SRAM and the memory behind it."""
    dma: Dma
    """Data movement between the two."""
    mapping: MappingRules = MappingRules()
    """Limits on schedules."""
    overheads: Overheads
    """Fixed costs."""
    host: Annotated[
        Host, BeforeValidator(_absent, json_schema_input_type=Host | None)
    ] = Host()  # fmt: skip
    """What runs the rest; null: nothing does."""
    requantize: str | None = None
    """The chip's own requantization profile; null: the model's is used."""
    technology: Technology
    """Node, energy, leakage, area."""

    @field_validator("requantize")
    @classmethod
    def _known_profile(cls, value: str | None) -> str | None:
        if value is not None and value not in PROFILES:
            hint = nearest_name(value, tuple(PROFILES))
            known = ", ".join(PROFILES)
            raise ValueError(f"unknown requantization profile {value!r}{hint}: null or {known}")
        return value

    @field_validator("sources")
    @classmethod
    def _no_reserved_key(cls, value: dict[str, str]) -> dict[str, str]:
        if FREE in value:
            what = f"[{FREE}] cites the section '{FREE}': give this source another key"
            raise refuse((f"{FREE}.[key]", what))
        return value

    @model_validator(mode="after")
    def _one_link(self) -> Hardware:
        if self.host.link is not None and self.memory.dram.technology == "host_link":
            what = "the second memory is the host's behind a link already: state one of the two"
            raise refuse(("host.link", what))
        return self

    @model_validator(mode="after")
    def _pipeline_has_cores(self) -> Hardware:
        if self.mapping.pipeline and self.cores == 1:
            what = "a pipeline of one core: raise cores, or set pipeline: false"
            raise refuse(("mapping.pipeline", what))
        return self

    @model_validator(mode="after")
    def _convolution_buffer(self) -> Hardware:
        problems = tuple(buffer_problems(self))
        if problems:
            raise refuse(*problems)
        return self

    @model_validator(mode="after")
    def _free_parameters_exist(self) -> Hardware:
        problems = tuple(mistakes(self, self.free))
        if problems:
            raise refuse(*problems)
        return self

    @model_validator(mode="after")
    def _countable(self) -> Hardware:
        least = 1e-6
        if self.dram_bytes_per_cycle < least:
            what = (
                f"the second memory moves {self.dram_bytes_per_cycle:.3g} bytes per cycle of the "
                f"clock, less than {least:g}: raise memory.dram.bandwidth or lower clock"
            )
            raise refuse(("memory.dram.bandwidth", what))
        return self

    @model_validator(mode="after")
    def _mapper_has_its_figures(self) -> Hardware:
        if self.mapping.mapper is None:
            return self
        if self.mac_array.style != "row_stationary":
            what = "movement_energy maps row_stationary arrays: remove it, or set that style"
            raise refuse(("mapping.mapper", what))
        stated = self.technology.energy_per_action
        needed = {
            "technology.energy_per_action.dram_per_byte": stated.dram_per_byte,
            "technology.energy_per_action.sram_read_per_byte": stated.sram_read_per_byte,
            "technology.static": self.technology.static_w,
        }
        missing = [path for path, value in needed.items() if value is None]
        if missing:
            what = f"movement_energy needs figures of this chip: state {', '.join(missing)}"
            raise refuse(("mapping.mapper", what))
        return self

    @model_validator(mode="after")
    def _rows_on_one_core(self) -> Hardware:
        if self.mac_array.style == "row_stationary" and self.cores > 1:
            what = f"a row_stationary array is modelled on one core, not on {self.cores}: set 1"
            raise refuse(("cores", what))
        return self

    def peak_macs_per_cycle(self, pair: str = "int8*int8") -> float:
        """MACs that all cores issue per cycle at most, for the pair `activation*weight`."""
        precision = self.mac_array.precision(pair)
        if precision is None:
            have = ", ".join(self.mac_array.precisions)
            raise UsageError(Problem(self.name, f"no precision {pair}: this hardware has {have}"))
        return self.mac_units * precision.rate

    @property
    def mac_units(self) -> int:
        """MAC units of all cores."""
        height, width = self.mac_array.pixels
        return self.cores * self.mac_array.rows * self.mac_array.cols * height * width

    @property
    def dram_peak_bytes_per_s(self) -> float:
        """Bandwidth of all channels of the second memory on its pins, bytes per second."""
        dram = self.memory.dram
        if dram.bandwidth_bytes_per_s is not None:
            return dram.bandwidth_bytes_per_s
        peak = dram.table.peak_bytes_per_s
        assert peak is not None  # Dram refuses a description without it
        return dram.channels * peak

    @property
    def dram_efficiency(self) -> float:
        """Part of the peak bandwidth that a stream along rows reaches: stated, or what refresh
        leaves."""
        dram = self.memory.dram
        if dram.efficiency is not None:
            return dram.efficiency
        return 1.0 if dram.row_timing is None else 1.0 - dram.row_timing.refresh_share

    @property
    def dram_bytes_per_s(self) -> float:
        """Bandwidth of a long stream, bytes per second: peak x efficiency."""
        return self.dram_peak_bytes_per_s * self.dram_efficiency

    @property
    def dram_bytes_per_cycle(self) -> float:
        """Bandwidth of a long stream, bytes per cycle of the NPU clock."""
        return self.dram_bytes_per_s / self.clock_hz

    @property
    def dram_latency_cycles(self) -> int:
        """First access of the second memory in cycles of the NPU clock, rounded up."""
        dram = self.memory.dram
        if dram.latency_cycles is not None:
            return dram.latency_cycles
        seconds = dram.latency_s
        if seconds is None:
            assert dram.table.latency_s is not None  # Dram refuses a description without it
            seconds = dram.table.latency_s
        return math.ceil(round(seconds * self.clock_hz, 6))

    @property
    def dram_burst_bytes(self) -> int:
        """Bytes of the shortest transfer of the second memory."""
        dram = self.memory.dram
        if dram.burst_bytes is not None:
            return dram.burst_bytes
        assert dram.table.burst_bytes is not None  # Dram refuses a description without it
        return dram.table.burst_bytes

    @property
    def dram_energy_pj_per_byte(self) -> float | None:
        """Energy of a byte to or from the second memory: stated, else the table's, else unknown."""
        stated = self.technology.energy_per_action.dram_per_byte
        table = self.memory.dram.table.energy_pj_per_bit
        if stated is not None or table is None:
            return stated
        return 8 * table.value

    @cached_property
    def sha256(self) -> str:
        """Hash of everything that can change a result: the resolved values, and the DRAM table."""
        values = self.model_dump(mode="json", exclude=set(_WORDS))
        values["dram_table"] = self.memory.dram.table.numbers()
        text = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def free_parameters(hardware: Hardware) -> tuple[FreeParameter, ...]:
    """The numbers of `hardware` that nobody published, each with its range and the reason."""
    return tuple(parameters(hardware, hardware.free))
