"""The numbers of a Hardware that cost functions, search and engine read."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple, cast, get_type_hints

import numpy as np

from npusim.cost.dram import DramRows, rows_of
from npusim.cost.types import ArrayParams
from npusim.hardware.mac_array import MacArray
from npusim.hardware.schema import Hardware


class Machine(NamedTuple):
    """One NPU in cycles and bytes; see the fields of `Hardware` for their meaning.

    `array` is at one MAC per unit and cycle; `mac_units` are those of all cores. Steps have rates
    of their own, as their number formats have.

    With `round_robin`, inputs and weights share the bus in turn, each at most at its own rate in
    bytes per cycle (`input_stream_rate`, `weight_stream_rate`). SRAM is split in `banks` of
    `bank_bytes`, `data_banks` of them (0: as many as needed) for inputs and `weight_banks` (0: the
    rest) for weights; no split where `banks` is 0. `channel_block` is that of feature maps.
    `writes_memory`: outputs of the array go straight to the second memory.
    `sram_banks_bytes_per_cycle` is what all banks give and take together (0: no limit).

    The `flight` of a stream is what its buffer lets it move, bytes per cycle; 0: it has no buffer
    of its own.
    """

    array: ArrayParams
    mac_units: int
    dram_bytes_per_cycle: float
    dram_latency: int
    burst_bytes: int
    dram_rows: DramRows
    dma_setup: int
    dma_channels: int
    sram_read_bytes_per_cycle: float
    sram_write_bytes_per_cycle: float
    sram_one_port: bool
    sram_banks_bytes_per_cycle: float
    sram_latency: int
    sram_bytes: int
    link_is_memory: bool
    core_sync: int
    round_robin: bool
    duplex: bool
    input_stream_rate: float
    weight_stream_rate: float
    writes_memory: bool
    overlap_layers: bool
    banks: int
    bank_bytes: int
    data_banks: int
    weight_banks: int
    channel_block: int
    sram_burst_bytes: int
    weight_flight: float
    parameter_flight: float
    input_flight: float
    output_flight: float


def machine_of(hardware: Hardware) -> Machine:
    """The machine that `hardware` describes."""
    mac = hardware.mac_array
    taps_y, taps_x = mac.max_kernel or (1 << 30, 1 << 30)
    stage = hardware.output_stage
    burst_rate = float(stage.burst_rate_per_cycle or stage.elements_per_cycle)
    array = ArrayParams(
        rows=mac.rows,
        cols=mac.cols,
        pixels_y=mac.pixels[0],
        pixels_x=mac.pixels[1],
        cores=hardware.cores,
        hide_weight_load=mac.overlap.weight_load,
        hide_drain=mac.overlap.drain,
        weight_rate=float(mac.weight_rate_per_cycle or mac.cols),
        channel_block=mac.channel_block or mac.rows,
        tap_block=mac.tap_block,
        pipeline_delay=mac.pipeline_delay_cycles,
        max_taps_y=taps_y,
        max_taps_x=taps_x,
        accumulators=mac.accumulator.entries or 1 << 40,
        drain_beats={"row": mac.rows, "column": mac.cols, "all": 0}[mac.drain.beat],
        drain_whole=mac.drain.starts == "whole",
        load_idle_rows=mac.load_idle_rows,
        weight_sets=mac.weight_sets,
        port_rate=float(mac.port_rate_per_cycle or 1 << 40),
        multicast=hardware.memory.sram.multicast,
        start_delay=mac.start_delay_cycles,
        output_delay=stage.delay_cycles,
        output_rate=burst_rate,
        output_gap=2 * mac.cols * (mac.cols / stage.elements_per_cycle - mac.cols / burst_rate),
        **_rows_of(mac),
        clip_channel_block=mac.clip_channel_block,
    )
    sram, dma, split = hardware.memory.sram, hardware.dma, hardware.mapping.data_banks
    weight_banks = hardware.mapping.weight_banks
    second = _second_memory(hardware)
    rate = second.in_flight_rate(dma.outstanding)
    in_turn = dma.arbitration == "round_robin"
    return Machine(
        array=array,
        mac_units=hardware.mac_units,
        dram_bytes_per_cycle=second.bytes_per_cycle if in_turn else rate,
        dram_latency=second.latency_cycles,
        burst_bytes=second.burst_bytes,
        dram_rows=rows_of(hardware),
        dma_setup=dma.setup_cycles,
        dma_channels=dma.channels,
        sram_read_bytes_per_cycle=float(sram.read_bytes_per_cycle),
        sram_write_bytes_per_cycle=float(sram.write_bytes_per_cycle),
        sram_one_port=sram.ports == "1rw",
        sram_banks_bytes_per_cycle=float(sram.banks * (sram.bank_width_bytes or 0)),
        sram_latency=sram.latency_cycles,
        sram_bytes=sram.size_bytes,
        link_is_memory=hardware.memory.dram.technology == "host_link",
        core_sync=hardware.overheads.core_sync_cycles if hardware.cores > 1 else 0,
        round_robin=in_turn,
        duplex=hardware.memory.dram.duplex,
        input_stream_rate=rate,
        weight_stream_rate=second.in_flight_rate(dma.outstanding_weights or dma.outstanding),
        writes_memory=hardware.output_stage.writes == "memory",
        overlap_layers=mac.overlap.layers,
        banks=sram.banks if split is not None else 0,
        bank_bytes=sram.size_bytes // sram.banks,
        data_banks=0 if split is None or split == "auto" else split,
        weight_banks=weight_banks or 0,
        channel_block=hardware.memory.layout.channel_block,
        sram_burst_bytes=sram.burst_bytes,
        weight_flight=second.flight(dma.in_flight.weights_bytes),
        parameter_flight=second.flight(dma.in_flight.parameters_bytes),
        input_flight=second.flight(dma.in_flight.inputs_bytes),
        output_flight=second.flight(dma.in_flight.outputs_bytes),
    )


@functools.lru_cache(maxsize=64)
def packed(machine: Machine) -> Machine:
    """`machine` as one record in memory, with the same names; nobody changes it.

    Compiled functions pass a record by its address, a named tuple field by field: with some sixty
    fields that is most of what a call costs, and of what compiling it costs.
    """
    record = np.zeros(1, _record_of(Machine))
    record[0] = tuple(tuple(value) if isinstance(value, tuple) else value for value in machine)
    return cast(Machine, record[0])


@functools.cache
def _record_of(kind: type[tuple[Any, ...]]) -> np.dtype[Any]:
    """The record type of a kind of named tuple, of numbers, truth values and such tuples."""
    kinds = {bool: np.bool_, int: np.int64, float: np.float64}
    fields = [
        (name, _record_of(field) if issubclass(field, tuple) else kinds[field])
        for name, field in get_type_hints(kind).items()
    ]
    return np.dtype((_Record, np.dtype(fields, align=True)))


def _field(record: Any, name: str) -> Any:
    if name in record.dtype.names:
        return record[name]
    raise AttributeError(name)


_Record: Any = type("_Record", (np.void,), {"__getattr__": _field})
"""A record whose fields are attributes too: `np.record` without its detour for every attribute, of
which compiled functions ask for one at each call."""


def _rows_of(mac: MacArray) -> dict[str, Any]:
    """The numbers of a row-stationary array; harmless ones for any other."""
    rows = mac.row_stationary
    if rows is None:
        return {
            "filter_entries": 1, "input_entries": 1, "sum_entries": 1, "input_rate": 1.0,
            "sum_rate": 1.0, "sum_bits": 0,
        }  # fmt: skip
    return {
        "filter_entries": rows.filter_entries,
        "input_entries": rows.input_entries,
        "sum_entries": rows.sum_entries,
        "input_rate": float(rows.inputs_per_cycle),
        "sum_rate": float(rows.sums_per_cycle),
        "sum_bits": rows.sum_bits,
    }


class _SecondMemory(NamedTuple):
    """What streams get of the second memory; a long one `bytes_per_cycle` at most.

    Streams that share the bus in turn are each limited by their own bursts in flight, not the bus;
    else the bus is. Little's law: what is on its way divided by the latency is what moves.
    """

    bytes_per_cycle: float
    latency_cycles: int
    burst_bytes: int

    def flight(self, buffer_bytes: int | None) -> float:
        """Bytes per cycle of a stream with `buffer_bytes` on their way, 0 without a limit."""
        if buffer_bytes is None or self.latency_cycles == 0:
            return 0.0
        return buffer_bytes / self.latency_cycles

    def in_flight_rate(self, outstanding: int) -> float:
        """Bytes per cycle of a stream with `outstanding` bursts in flight, at most what memory
        gives. A stream has one channel, however many there are."""
        if self.latency_cycles == 0:
            return self.bytes_per_cycle
        return min(self.bytes_per_cycle, outstanding * self.burst_bytes / self.latency_cycles)


def _second_memory(hardware: Hardware) -> _SecondMemory:
    return _SecondMemory(
        float(hardware.dram_bytes_per_cycle), hardware.dram_latency_cycles,
        hardware.dram_burst_bytes,
    )  # fmt: skip
