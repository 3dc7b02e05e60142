"""What a report does not know: listed with it, so that nobody has to read the code to find out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from npusim.energy.model import NOT_MODELLED as ENERGY_NOT_MODELLED
from npusim.energy.model import Energy
from npusim.hardware.loader import load_hardware
from npusim.hardware.schema import free_parameters
from npusim.report.types import Confidence
from npusim.schedule.compression import coded_bytes_of
from npusim.schedule.tables import ARRAY, HOST

if TYPE_CHECKING:
    from npusim.hardware.schema import Hardware
    from npusim.timing.counts import Counts

TIMING_NOT_MODELLED = (
    "conflicts of single accesses in a bank of SRAM (banks limit all streams together, where their "
    "width is stated) and its latency after the first access of a layer",
    "SRAMs of their own for inputs, weights and outputs: they share one, its ports and its banks",
    "DMA bursts one by one: how many are in flight only caps the bandwidth of a stream",
    "partial sums spilled to SRAM: no schedule that does so is considered",
    "sparsity that follows no pattern, and zero gating",
    "voltage and frequency scaling, heat",
)
"""What timing leaves out on every hardware."""


UNVALIDATED = "unvalidated"
PRESET_ERRORS: Mapping[str, Mapping[str, float]] = {
    "nvdla-nv-small": {"error_percent": 0.35, "rows": 143},
    "eyeriss-v1": {"error_percent": 3.9, "rows": 5},
    "axelera-metis": {"error_percent": 1.7, "rows": 5},
}
"""Preset to the mean error of times against measurements, and how many these were: cycles of single
layers in RTL (NVDLA), processing time of AlexNet's layers (Eyeriss), time of matrix products on one
card (Metis). The comparisons in `tests/benchmarks/` print them, and their tests hold these to them.
"""


def preset_trust(hardware: Hardware) -> str | Mapping[str, float]:
    """`UNVALIDATED`, or the errors that were found for the preset that `hardware` is, unchanged."""
    errors = PRESET_ERRORS.get(hardware.name)
    if errors is None or load_hardware(hardware.name).sha256 != hardware.sha256:
        return UNVALIDATED
    return errors


def confidence_of(counts: Counts, energy: Energy) -> Confidence:
    """The confidence in a report: the preset's trust, and everything that was left out."""
    hardware = counts.program.hardware
    listed = (
        *left_out_of(hardware), *_missing(counts), *ENERGY_NOT_MODELLED, *energy.missing,
        *_unpublished(hardware),
    )  # fmt: skip
    return Confidence(preset_trust(hardware), listed)


def left_out_of(hardware: Hardware) -> tuple[str, ...]:
    """What timing leaves out on `hardware`, whatever the model."""
    return (
        *hardware.not_modelled, *TIMING_NOT_MODELLED, _flow(hardware),
        *_missing_of_array(hardware), *_missing_of_memory(hardware),
    )  # fmt: skip


def _flow(hardware: Hardware) -> str:
    """How inferences follow each other, and what that leaves out."""
    if hardware.mapping.pipeline:
        return (
            "pipeline of the cores: stages share SRAM ports and second memory by their sums alone; "
            "energy is that of one inference on all cores"
        )
    return "overlap of one inference with the next: throughput is the inverse of the latency"


def _unpublished(hardware: Hardware) -> list[str]:
    """One remark on the free parameters, if there are any."""
    free = [f"{one.path} ({one.range_text})" for one in free_parameters(hardware)]
    plural = "s" if len(free) > 1 else ""
    return [f"{len(free)} free parameter{plural}, not published: {', '.join(free)}"] * bool(free)


def _missing(counts: Counts) -> list[str]:
    """What timing leaves out for this model."""
    missing = _uncoded(counts)
    link = counts.program.hardware.host.link
    if any(step.step.unit == HOST for step in counts.steps):
        what = "transfers and change of layout" if link is None else "change of layout"
        missing.append(f"{what} between NPU and host")
    if link is not None and counts.program.graph.weightless:
        missing.append("host link: the layers of a table are taken to find their inputs on the NPU")
    return missing + _unknown_zeros(counts) + _widened(counts) + _block_scales(counts)


def _block_scales(counts: Counts) -> list[str]:
    """Scales of blocks of weights: they travel beside the weights, and nothing counts them."""
    scaled = [one.quantization for one in counts.program.graph.constants()]
    size = sum(4 * one.scale.size for one in scaled if one is not None and one.block is not None)
    return [f"{size:,} bytes of scales of blocks, beside their weights"] * bool(size)


def _unknown_zeros(counts: Counts) -> list[str]:
    """Feature maps that hardware would code, if their zeros were known."""
    graph = counts.program.graph
    moving = {*graph.inputs, *graph.outputs, *(s.step.node.outputs[0] for s in counts.steps)}
    unknown = sum(graph.tensors[name].zeros is None for name in moving)
    if counts.program.hardware.dma.run_length is None or not unknown:
        return []
    return [f"run-length coding of {unknown} feature maps whose share of zeros is not known"]


def _widened(counts: Counts) -> list[str]:
    """Weights that the array has no rate for, and ran in a wider format."""
    graph = counts.program.graph
    found = set()
    for step in counts.steps:
        if step.issued_macs:
            weight = graph.tensors[step.step.nest.operands[1].tensor].format.name
            run_as = step.step.pair.split("*")[1]
            if weight.replace("uint", "int") != run_as and not weight.startswith(run_as):
                found.add(f"rates of {weight} weights: the array ran them as {step.step.pair}")
    return sorted(found)


def _uncoded(counts: Counts) -> list[str]:
    """Weights that the hardware stores coded, and whose code cannot be counted."""
    program = counts.program
    rule = program.hardware.memory.weight_compression
    if rule is None or rule.coding is None:
        return []
    layers = sum(
        coded_bytes_of(program.graph, step.node, operand, program.hardware) is None
        for step in program.steps
        for operand in step.nest.operands[1:2]
        if step.unit == ARRAY and operand.role == "weight"
        if program.graph.weightless or program.graph.tensors[operand.tensor].is_constant
    )
    what = f"compression of weights that are not known or not of 8 bits: {layers} of the layers"
    return [what] if layers else []


def _missing_of_array(hardware: Hardware) -> list[str]:
    """Fields of cores and mapping that say something which no cycle follows."""
    fusion = hardware.mapping.fusion
    missing = []
    if hardware.cores > 1 and not hardware.overheads.core_sync_cycles:
        missing.append("time in which cores meet: overheads.core_sync is 0")
    if hardware.cores > 1:
        missing.append("SRAM of each core's own: all cores share one")
    if {"add", "pool"} & set(fusion):
        missing.append("additions and pooling on the drain: they run as layers of their own")
    if "activation" not in fusion:
        missing.append("activations as layers of their own: they ride on the drain")
    return missing


def _missing_of_rows(hardware: Hardware) -> list[str]:
    """What is left out of the second memory's rows, refresh and turn-around."""
    dram, what = hardware.memory.dram, "rows, refresh and turn-around of the second memory"
    if dram.row_timing is None and dram.efficiency is not None:
        return [f"{what} beyond its stated efficiency"]
    if dram.row_timing is None:
        return [f"{what}: its bandwidth is stated as it is"]
    missing = [
        "reordering of DRAM requests and refresh of single banks: jumps between rows cost their "
        "expected value, and refresh stops all banks"
    ]
    if hardware.dma.arbitration == "round_robin":
        missing.append(
            "turn-around of the DRAM: with round-robin arbitration writes have a bus of their own"
        )
    return missing


def _missing_of_memory(hardware: Hardware) -> list[str]:
    """Fields of memories and DMA that say something which no cycle follows."""
    dram, holds = hardware.memory.dram, hardware.memory.sram.holds
    missing = _missing_of_rows(hardware)
    if hardware.dma.channels > 2:
        missing.append("DMA channels beyond two: one loads, one stores, the others do not run")
    if dram.read_only:
        missing.append(
            "how inputs of the network come into SRAM and outputs leave it: the second memory is "
            "read-only, so they are taken to lie there"
        )
    elif ("inputs" in holds) != ("outputs" in holds):
        missing.append("SRAM that holds inputs without outputs, or outputs without: both stream")
    return missing
