"""NVDLA: cycles of the preset against cycles of its RTL, for each row of a measurements file.

A row is one convolution, or several back to back (its workload names them), on a memory of fixed
latency that takes one 8-byte read every few cycles, and writes likewise. The row's memory and its
split of the convolution buffer go into the preset as overrides; nothing else is changed.
"""

from __future__ import annotations

import re
from pathlib import Path

from npusim.hardware.loader import load_hardware
from npusim.hardware.schema import Hardware
from npusim.ir.graph import Graph
from npusim.schedule.scheduler import build_program
from npusim.timing.counts import count, latency_cycles
from tests.support.graphs import Build
from tests.support.rtl_rows import Compared, Row, read_rows

PRESETS = {
    "nv_small": "nvdla-nv-small",
    "nv_small_256": "nvdla-nv-small-256",
    "nv_large": "nvdla-nv-large",
}
_BEAT_BYTES = 8
_CONV = re.compile(r"conv in=(\d+)x(\d+)x(\d+) out_c=(\d+) k=(\d+)x(\d+)((?: \w+=\d+)*)")


def compare_nvdla(path: Path) -> list[Compared]:
    """Every NVDLA row of `path`."""
    return [compare_row(row) for row in read_rows(path, "NVDLA")]


def compare_row(row: Row) -> Compared:
    """One row: total cycles; the details have the cycles in which the array issues."""
    counts = count(build_program(graph_of(row), hardware_of(row), latency_cycles))
    latency, interval = row["mem_latency_cycles"], _interval(row)
    name = f"{row['variant']} {row['workload']} [{latency},{interval}]"
    return Compared(name, int(row["measured_cycles"]), counts.cycles)


def hardware_of(row: Row) -> Hardware:
    """The preset of the row's variant with its memory and its banks."""
    overrides = [
        "memory.dram.technology=sram_port",
        f"memory.dram.latency={row['mem_latency_cycles']} cycles",
        f"memory.dram.bandwidth={_BEAT_BYTES / _interval(row)} GB/s",
        f"memory.dram.burst={_BEAT_BYTES} B",
        "memory.dram.duplex=true",
        "overheads.per_inference=0 us",
        "clock=1 GHz",
    ]
    banks = re.search(r"data=(\d+) weight=(\d+)", row["notes"])
    if banks:
        overrides.append(f"mapping.data_banks={banks[1]}")
        overrides.append(f"mapping.weight_banks={banks[2]}")
    return load_hardware(PRESETS[row["variant"]], overrides)


def graph_of(row: Row) -> Graph:
    """The convolutions of a row: each reads what the one before wrote if their shapes allow it,
    unless the row says that they are independent."""
    parts = _CONV.findall(row["workload"])
    build = Build()
    if len(parts) < 2:
        build.conv(build.input(1, *_ints(row, "in_h", "in_w", "in_c")), *_layer(row))
        return build.graph()
    apart = "independent" in f"{row['workload']} {row['notes']}"
    last = ""
    for *sizes, options in parts:
        height, width, channels, kernels, taps_y, taps_x = map(int, sizes)
        if apart or not last or build.shape(last)[1:] != (height, width, channels):
            last = build.input(1, height, width, channels)
        given = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", options)}
        stride = (given.get("sy", 1), given.get("sx", 1))
        padding = tuple(given.get(key, 0) for key in ("pt", "pl", "pb", "pr"))
        last = build.conv(last, kernels, (taps_y, taps_x), stride, (1, 1), padding)
    return build.graph()


def _layer(row: Row) -> tuple[object, ...]:
    """Arguments of `Build.conv` after its input."""
    dilation = re.search(r"dilation=(\d+)x(\d+)", row["notes"])
    taps = _ints(row, "k_h", "k_w")
    steps = (int(dilation[1]), int(dilation[2])) if dilation else (1, 1)
    padding = _ints(row, "pad_t", "pad_l", "pad_b", "pad_r")
    return int(row["out_c"]), taps, _ints(row, "stride_h", "stride_w"), steps, padding


def _ints(row: Row, *names: str) -> tuple[int, ...]:
    return tuple(int(row[name]) for name in names)


def _interval(row: Row) -> int:
    return int(row["mem_read_interval_cycles_per_8B_beat"])
