"""The parts of a Report. Names, units and meaning are those of `run --json` (npusim.run/1).

All are frozen and hold numbers, text, tuples and dicts only, so they can be pickled, compared and
written as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of the model; `scale` and `zero_point` are None if it is not quantized.

    `format` names what the elements are where their `dtype` does not: codes of FP8 and BF16, and
    integers of 4 bits.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int | None
    format: str | None = None


@dataclass(frozen=True)
class ModelInfo:
    """The model: `macs` are nominal multiply-accumulates of one batch."""

    name: str
    sha256: str
    macs: int
    parameters: int
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


@dataclass(frozen=True)
class HardwareInfo:
    """The hardware: peak rates by number format, in MACs per cycle of all cores."""

    name: str
    sha256: str
    clock_hz: float
    peak_macs_per_cycle: Mapping[str, float]
    sram_bytes: int
    dram_bytes_per_s: float


@dataclass(frozen=True)
class Total:
    """The whole network: one batch in the steady state, cycles of the NPU clock.

    `tops_peak` is by number format, `dominant_format` the one with most MACs; `tops_effective` is
    2 x nominal MACs / latency; `utilization` issued MACs / peak / cycles. `energy_j` is of a batch.
    """

    cycles: int
    latency_s: float
    first_inference_s: float
    throughput_ips: float
    tops_peak: Mapping[str, float]
    dominant_format: str
    tops_effective: float
    utilization: float
    energy_j: float
    average_power_w: float
    tops_per_watt: float
    area_mm2: float
    dram_read_bytes: int
    dram_write_bytes: int
    sram_read_bytes: int
    sram_write_bytes: int
    sram_peak_bytes: int
    cycles_by_cause: Mapping[str, float]
    energy_j_by_part: Mapping[str, float]


@dataclass(frozen=True)
class Layer:
    """One operator, or the fixed cost of an inference.

    `cycles` is what it owns of the latency. `utilization` is issued MACs / peak rate, divided by
    the larger of `cycles` and `array_busy_cycles`: work that is hidden behind a neighbour took its
    time all the same. `format` is that of both factors on the array, or activation*weight;
    `tile`, `dataflow` and `loop_order` are empty or None where nothing is tiled. `stripes` is the
    number of parts in which a cascade runs it, 1 outside of cascades; tiles are then the first's.
    """

    name: str
    op: str
    on: str
    macs: int
    cycles: float
    array_busy_cycles: int
    format: str | None
    utilization: float
    bound_by: str
    dram_read_bytes: int
    dram_write_bytes: int
    sram_read_bytes: int
    sram_write_bytes: int
    energy_j: float
    cycles_by_cause: Mapping[str, float]
    tile: Mapping[str, int]
    dataflow: str | None
    loop_order: str | None
    energy_j_by_part: Mapping[str, float]
    stripes: int = 1


@dataclass(frozen=True)
class MemoryLevel:
    """Traffic and use of one memory; None where it is not known."""

    read_bytes: int
    write_bytes: int
    peak_bytes: int | None
    capacity_bytes: int | None


@dataclass(frozen=True)
class MemoryUse:
    """What lies in SRAM during one step: `cycles` is what the step owns of the latency.

    `weights_bytes` stay across inferences; `tensors_bytes` are feature maps that stay, with
    `holes_bytes` lost between them; `buffers_bytes` hold the step's tiles, `early_weights_bytes`
    the first weights of the next step, where they come during this one; below them,
    `reserved_bytes` are kept free for the feature maps of the next step.
    """

    layer: str
    cycles: float
    weights_bytes: int
    tensors_bytes: int
    holes_bytes: int
    buffers_bytes: int
    early_weights_bytes: int
    reserved_bytes: int


@dataclass(frozen=True)
class Confidence:
    """How far to trust it: `preset` is "unvalidated" or the error found against measurements."""

    preset: str | Mapping[str, float]
    not_modelled: tuple[str, ...]


@dataclass(frozen=True)
class FigureInfo:
    """A figure of energy, power or area: see `npusim.energy.figures.Figure`."""

    name: str
    value: float
    unit: str
    source: str
    kind: str
    node_nm: float | None


@dataclass(frozen=True)
class Findings:
    """All that one simulation found: the data of a `Report`, without its writers."""

    npusim: str
    model: ModelInfo
    hardware: HardwareInfo
    batch: int
    objective: str
    total: Total
    layers: tuple[Layer, ...]
    memory: Mapping[str, MemoryLevel]
    confidence: Confidence
    accuracy: Mapping[str, Any] | None
    notes: tuple[str, ...]
    figures: tuple[FigureInfo, ...]
    sram_use: tuple[MemoryUse, ...] = ()
    compared_to: Mapping[str, Any] | None = None
