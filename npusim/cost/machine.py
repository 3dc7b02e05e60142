"""The numbers of a Hardware that cost functions, search and engine read."""

from __future__ import annotations

from typing import NamedTuple

from npusim.cost.dram import DramRows, rows_of
from npusim.cost.types import ArrayParams
from npusim.hardware.schema import Hardware


class Machine(NamedTuple):
    """One NPU in cycles and bytes; see the fields of `Hardware` for their meaning.

    `array` is at one MAC per unit and cycle; `mac_units` are those of all cores. Steps have rates
    of their own, as their number formats have.
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
    sram_latency: int
    sram_bytes: int
    link_is_memory: bool
    core_sync: int


def machine_of(hardware: Hardware) -> Machine:
    """The machine that `hardware` describes."""
    mac = hardware.mac_array
    taps_y, taps_x = mac.max_kernel or (1 << 30, 1 << 30)
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
    )
    sram = hardware.memory.sram
    return Machine(
        array=array,
        mac_units=hardware.mac_units,
        dram_bytes_per_cycle=_stream_bytes_per_cycle(hardware),
        dram_latency=hardware.dram_latency_cycles,
        burst_bytes=hardware.dram_burst_bytes,
        dram_rows=rows_of(hardware),
        dma_setup=hardware.dma.setup_cycles,
        dma_channels=hardware.dma.channels,
        sram_read_bytes_per_cycle=float(sram.read_bytes_per_cycle),
        sram_write_bytes_per_cycle=float(sram.write_bytes_per_cycle),
        sram_latency=sram.latency_cycles,
        sram_bytes=sram.size_bytes,
        link_is_memory=hardware.memory.dram.technology == "host_link",
        core_sync=hardware.overheads.core_sync_cycles if hardware.cores > 1 else 0,
    )


def _stream_bytes_per_cycle(hardware: Hardware) -> float:
    """Bandwidth of a long stream: what the memory gives, or what its bursts in flight can ask for.

    Little's law: a channel with n bursts in flight moves at most n bursts per latency. A stream has
    one channel, however many there are.
    """
    given = float(hardware.dram_bytes_per_cycle)
    if hardware.dram_latency_cycles == 0:
        return given
    in_flight = hardware.dma.outstanding * hardware.dram_burst_bytes
    return min(given, in_flight / hardware.dram_latency_cycles)
