"""From Counts and Energy to a Report: derived figures, per layer and in total.

TOPS = 2 x nominal MACs / latency / 1e12  (1 MAC = 2 operations)
TOPS/W = 2 x nominal MACs / energy / 1e12
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from npusim.ir.graph import Graph
from npusim.ir.tensor import Tensor
from npusim.report.confidence import confidence_of
from npusim.report.layers import format_name, layers_of
from npusim.report.memory import sram_use_of
from npusim.report.report import Report
from npusim.report.sparsity import sparsity_notes
from npusim.report.states import state_notes
from npusim.report.totals import OPS_PER_MAC, ratio, totals_from
from npusim.report.types import (
    FigureInfo,
    HardwareInfo,
    MemoryLevel,
    ModelInfo,
    TensorInfo,
    Total,
)

if TYPE_CHECKING:
    from npusim.energy.model import Energy
    from npusim.hardware.schema import Hardware
    from npusim.timing.counts import Counts


def build_report(
    counts: Counts,
    energy: Energy,
    batch: int = 1,
    objective: str = "latency",
    accuracy: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
    compared_to: Mapping[str, Any] | None = None,
) -> Report:
    """The Report of `counts` and the `energy` of the same Counts.

    `batch` is the number of inferences that one run of the Program does.
    """
    from npusim import __version__

    program = counts.program
    graph = program.graph
    return Report(
        npusim=__version__,
        model=_model(graph, sum(step.nest.macs for step in program.steps)),
        hardware=_hardware(program.hardware),
        batch=batch,
        objective=objective,
        total=_total(counts, energy, batch),
        layers=layers_of(counts, energy),
        memory=_memory(counts),
        confidence=confidence_of(counts, energy),
        accuracy=None if accuracy is None else dict(accuracy),
        notes=(*graph.notes, *state_notes(program), *sparsity_notes(program), *notes),
        compared_to=compared_to,
        figures=tuple(FigureInfo(**vars(figure)) for figure in energy.figures),
        sram_use=sram_use_of(counts),
    )


def _model(graph: Graph, macs: int) -> ModelInfo:
    inputs = tuple(tensor_info(graph.tensors[name]) for name in graph.inputs)
    outputs = tuple(tensor_info(graph.tensors[name]) for name in graph.outputs)
    return ModelInfo(graph.name, graph.sha256, macs, graph.parameters, inputs, outputs)


def tensor_info(tensor: Tensor) -> TensorInfo:
    """Name, shape, dtype and per-tensor quantization of an input or output."""
    scale = zero_point = None
    if tensor.quantization is not None and tensor.quantization.is_per_tensor:
        scale = float(tensor.quantization.scalar_scale)
        zero_point = tensor.quantization.scalar_zero_point
    fmt = tensor.format
    other = fmt.name if fmt.holds_codes or fmt.bits < 8 else None
    return TensorInfo(tensor.name, tuple(tensor.shape), fmt.dtype, scale, zero_point, other)


def _hardware(hardware: Hardware) -> HardwareInfo:
    return HardwareInfo(
        name=hardware.name,
        sha256=hardware.sha256,
        clock_hz=hardware.clock_hz,
        peak_macs_per_cycle=_peaks(hardware),
        sram_bytes=hardware.memory.sram.size_bytes,
        dram_bytes_per_s=hardware.dram_bytes_per_s,
    )


def _peaks(hardware: Hardware) -> dict[str, float]:
    """MACs per cycle by number format."""
    pairs = hardware.mac_array.precisions
    return {format_name(pair): hardware.peak_macs_per_cycle(pair) for pair in pairs}


def _total(counts: Counts, energy: Energy, batch: int) -> Total:
    from npusim.timing.pipeline import steady_interval_cycles

    program, clock_hz = counts.program, counts.program.hardware.clock_hz
    found = totals_from(program, counts.times, counts.done, energy.by_part, energy.area_mm2)
    peaks = _peaks(program.hardware)
    return Total(
        **vars(found),
        throughput_ips=ratio(batch * clock_hz, steady_interval_cycles(counts)),
        tops_peak={name: OPS_PER_MAC * rate * clock_hz / 1e12 for name, rate in peaks.items()},
        dominant_format=_dominant_format(counts, peaks),
        cycles_by_cause=counts.cycles_by_cause,
        energy_j_by_part=dict(energy.by_part),
    )


def _dominant_format(counts: Counts, peaks: Mapping[str, float]) -> str:
    """The format with most issued MACs; the hardware's first one if there are none."""
    issued: dict[str, int] = {}
    for step in counts.steps:
        if step.issued_macs:
            name = format_name(step.step.pair)
            issued[name] = issued.get(name, 0) + step.issued_macs
    return max(issued, key=lambda name: issued[name]) if issued else next(iter(peaks))


def _memory(counts: Counts) -> dict[str, MemoryLevel]:
    program, steps = counts.program, counts.steps
    return {
        "sram": MemoryLevel(
            sum(step.sram_read_bytes for step in steps),
            sum(step.sram_write_bytes for step in steps),
            int(program.sram_peak_bytes),
            program.hardware.memory.sram.size_bytes,
        ),
        "dram": MemoryLevel(
            sum(step.dram_read_bytes for step in steps),
            sum(step.dram_write_bytes for step in steps),
            None,
            None,
        ),
    }
