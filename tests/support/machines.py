"""Random and tiny hardware for tests of cost, schedule and timing."""

from __future__ import annotations

import functools
from typing import Any

from hypothesis import strategies as st

from npusim.hardware.loader import load_hardware
from npusim.hardware.schema import Hardware

_PLAIN: dict[str, Any] = {
    "mac_array.rows": 4,
    "mac_array.cols": 4,
    "mac_array.dataflows": ["weight_stationary"],
    "mac_array.accumulator.entries": None,
    "output_stage.rate": "4 elements/cycle",
    "vector_unit.lanes": 4,
    "vector_unit.rates.softmax": 0.5,
    "memory.sram.banks": 1,
    "memory.sram.size": "64 KiB",
    "memory.sram.holds": ("inputs", "outputs"),
    "memory.sram.read": "1000 B/cycle",
    "memory.sram.write": "1000 B/cycle",
    "memory.dram.bandwidth": "4 GB/s",
    "memory.dram.latency": "20 cycles",
    "memory.dram.burst": "1 B",
    "memory.dram.efficiency": 1.0,
    "dma.setup": "3 cycles",
    "dma.outstanding": 100000,
    "overheads.per_layer": "0 cycles",
    "overheads.per_inference": "0 s",
}


@functools.lru_cache(maxsize=4096)
def _load(preset: str, overrides: tuple[tuple[str, Any], ...]) -> Hardware:
    return load_hardware(preset, {key: _thawed(value) for key, value in overrides})


def _thawed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def machine_with(preset: str = "edge-npu-1", **changes: Any) -> Hardware:
    """A preset with changes; a field's dots are written as two underscores."""
    return with_overrides(preset, {key.replace("__", "."): value for key, value in changes.items()})


def with_overrides(preset: str, overrides: dict[str, Any]) -> Hardware:
    """`load_hardware`, remembered."""
    frozen = {
        key: tuple(value) if isinstance(value, list) else value for key, value in overrides.items()
    }
    return _load(preset, tuple(sorted(frozen.items())))


def tiny(**changes: Any) -> Hardware:
    """A 4 x 4 weight-stationary array; 8 bytes a cycle of DRAM, 20 cycles of latency, 3 of set-up.

    SRAM ports are wide enough not to matter, weights always stream; nothing has overheads.
    """
    given = {key.replace("__", "."): value for key, value in changes.items()}
    return with_overrides("edge-npu-1", _PLAIN | given)


DATAFLOWS = {
    "systolic": (
        ("weight_stationary",),
        ("output_stationary",),
        ("input_stationary",),
        ("weight_stationary", "output_stationary"),
        ("weight_stationary", "output_stationary", "input_stationary"),
    ),
    "dot_product": (("depth_first",), ("part_kernel",), ("depth_first", "part_kernel")),
    "in_memory": (("in_memory",),),
}
RATES = (None, "4 weights/cycle", "64 weights/cycle")
DRAMS = ("lpddr4x-4266", "ddr4-3200", "hbm2e-3200")
ORDERS = ("any", ("weights_outer",), ("inputs_outer",))


@st.composite
def _array(draw: st.DrawFn, style: str) -> dict[str, Any]:
    rows = draw(st.sampled_from([2, 4, 8, 16, 32]))
    fields: dict[str, Any] = {
        "mac_array.style": style,
        "mac_array.rows": rows,
        "mac_array.cols": draw(st.sampled_from([2, 4, 8, 16, 32])),
        "mac_array.overlap.weight_load": draw(st.booleans()),
        "mac_array.overlap.drain": draw(st.booleans()),
        "mac_array.accumulator.entries": draw(st.sampled_from([None, 64, 512, 4096])),
        "mac_array.dataflows": draw(st.sampled_from(DATAFLOWS[style])),
        "mac_array.weight_rate": draw(st.sampled_from(RATES)),
    }
    if style == "dot_product":
        fields["mac_array.channel_block"] = rows * draw(st.sampled_from([1, 2, 4]))
        fields["mac_array.tap_block"] = draw(st.sampled_from([1, 2, 4]))
        fields["mac_array.pixels"] = draw(st.sampled_from([(1, 1), (1, 2), (2, 2)]))
        fields["mac_array.pipeline_delay"] = draw(st.sampled_from(["0 cycles", "2 cycles"]))
    if style == "in_memory":
        fields["mac_array.weight_sets"] = draw(st.sampled_from([1, 2, 4]))
        fields["mac_array.port_rate"] = draw(st.sampled_from([None, "4 elements/cycle"]))
    return fields


@st.composite
def descriptions(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """(preset, overrides) of a random NPU, with an SRAM so small that most graphs must be tiled."""
    styles = ["systolic", "systolic", "dot_product", "in_memory"]
    fields = draw(_array(draw(st.sampled_from(styles))))
    if draw(st.booleans()):
        fields |= {"mapping.tile_multiple.K": 8, "mapping.tile_max.OX": 4}
    fields |= {
        "cores": draw(st.sampled_from([1, 1, 2, 3])),
        "memory.sram.multicast": draw(st.booleans()),
        "overheads.core_sync": draw(st.sampled_from(["0 cycles", "15 cycles"])),
        "memory.sram.banks": 1,
        "memory.sram.size": draw(st.sampled_from(["2 KiB", "6 KiB", "24 KiB", "512 KiB"])),
        "memory.sram.holds": draw(
            st.sampled_from([("weights", "inputs", "outputs"), ("inputs", "outputs")])
        ),
        "memory.sram.read": draw(st.sampled_from(["4 B/cycle", "16 B/cycle", "64 B/cycle"])),
        "memory.sram.write": draw(st.sampled_from(["4 B/cycle", "16 B/cycle", "64 B/cycle"])),
        "memory.sram.ports": draw(st.sampled_from(["1r1w", "1r1w", "1rw"])),
        "memory.sram.bank_width": draw(st.sampled_from([None, None, "64 B", "80 B"])),
        "memory.dram.technology": draw(
            st.sampled_from(["lpddr4x-4266", "ddr4-3200", "hbm2e-3200"])
        ),
        "memory.dram.channels": draw(st.sampled_from([1, 2])),
        "memory.dram.bandwidth": draw(st.sampled_from([None, "0.5 GB/s", "3.75 GB/s", "16 GB/s"])),
        "memory.dram.latency": draw(st.sampled_from(["0 cycles", "30 cycles", "200 cycles"])),
        "memory.dram.burst": draw(st.sampled_from(["1 B", "32 B", "128 B"])),
        "dma.setup": draw(st.sampled_from(["0 cycles", "32 cycles"])),
        "dma.channels": draw(st.sampled_from([1, 2])),
        "dma.outstanding": draw(st.sampled_from([1, 8, 64])),
        "mapping.loop_orders": draw(st.sampled_from(ORDERS)),
        "mapping.buffers": draw(st.sampled_from([1, 2])),
        "output_stage.rate": draw(st.sampled_from(["1 elements/cycle", "32 elements/cycle"])),
        "overheads.per_layer": draw(st.sampled_from(["0 cycles", "100 cycles"])),
    }
    return "edge-npu-1", fields


@st.composite
def machines(draw: st.DrawFn) -> Hardware:
    """A random NPU; see `descriptions`."""
    return with_overrides(*draw(descriptions()))


@st.composite
def padding_machines(draw: st.DrawFn) -> Hardware:
    """A random NPU whose feature maps lie in blocks of channels and whose weights are padded."""
    preset, fields = draw(descriptions())
    fields |= {
        "memory.layout.order": draw(st.sampled_from(["hwc", "chw", "hcw"])),
        "memory.layout.channel_block": draw(st.sampled_from([2, 4, 8])),
        "memory.layout.network_ends": draw(st.sampled_from(["blocked", "plain"])),
        "memory.layout.weight_granule": draw(st.sampled_from(["1 B", "16 B", "128 B"])),
        "dma.in_flight.weights": draw(st.sampled_from([None, "64 B", "2 KiB"])),
        "dma.in_flight.inputs": draw(st.sampled_from([None, "64 B", "2 KiB"])),
        "dma.in_flight.outputs": draw(st.sampled_from([None, "64 B", "2 KiB"])),
        "memory.sram.size": draw(st.sampled_from(["24 KiB", "512 KiB"])),
    }
    return with_overrides(preset, fields)
