"""The explanation in sentences: what is done at least, what limits it, what the cycles went to.

Two bounds hold whatever the schedule: MACs / peak rate, and bytes / bandwidth of the second memory.
Whichever is larger is the limit that a perfect schedule would meet.
"""

from __future__ import annotations

from collections.abc import Mapping

from npusim.cost.machine import Machine
from npusim.explain.mechanisms import CAUSE_WORDS as OF_DATAFLOW
from npusim.explain.mechanisms import dataflow_words, stripes_words
from npusim.hardware.schema import Hardware
from npusim.report.layers import bound_by
from npusim.report.quantities import BYTES, COUNT, percent, shown, significant
from npusim.report.report import Report
from npusim.report.types import Layer

CAUSE_WORDS: dict[str, str] = {
    "compute": "The array is doing useful work: more MAC units or a higher clock would help.",
    "array_edges": "Tiles do not fill the array: channels or pixels are no multiple of its sides.",
    "array_fill": "The array fills and drains: its tiles are short for its size.",
    "weight_load": "Weights go into the array, and nothing hides it: they are reused too little.",
    "wait_weights": "The array waits for weights from the second memory.",
    "wait_inputs": "The next unit waits for feature maps from the second memory.",
    "wait_output_buffer": "Results leave for the second memory more slowly than they are made.",
    "vector": "The vector unit is at work: element-wise operators, pooling, tables, copies.",
    "postprocess": "The output stage (bias, requantization) is slower than the array feeds it.",
    "memory_latency": "Transfers are short: the latency of the second memory shows.",
    "dma_setup": "Transfers are short: the set-up of the DMA shows.",
    "core_sync": "Cores wait for each other.",
    "dispatch": "Starting an operator, or the inference, takes its fixed time.",
    "conversion": "Data are converted between formats.",
    "host_link": "Data travel to and from the host.",
    "host": "The host computes what the NPU cannot.",
}


def network_words(report: Report, machine: Machine) -> tuple[str, ...]:
    """Sentences about the whole network."""
    total = report.total
    moved = total.dram_read_bytes + total.dram_write_bytes
    peak = report.hardware.peak_macs_per_cycle[total.dominant_format]
    least = _least(report.model.macs, total.utilization * total.cycles, moved, peak, machine)
    costly = sorted(report.layers, key=lambda layer: -layer.cycles)[:3]
    share = sum(layer.cycles for layer in costly) / (total.cycles or 1)
    names = ", ".join(f"{layer.name.split(';')[0]} ({layer.bound_by})" for layer in costly)
    return (
        *least,
        f"It takes {total.cycles:,} cycles, {percent(total.utilization)} of the array's peak; "
        f"most of them are bound by {bound_by(total.cycles_by_cause)}.",
        _cause(total.cycles_by_cause),
        f"The three costliest layers have {percent(share)} of the cycles: {names}.",
    )


def layer_words(
    report: Report, layer: Layer, hardware: Hardware, machine: Machine
) -> tuple[str, ...]:
    """Sentences about one layer."""
    moved = layer.dram_read_bytes + layer.dram_write_bytes
    share = layer.cycles / (report.total.cycles or 1)
    own = (
        f"{layer.name.split(';')[0]} ({layer.op}) owns {layer.cycles:,.0f} of "
        f"{report.total.cycles:,} cycles, {percent(share)}."
    )
    if layer.on == "host":
        rate = significant((hardware.host.flops_per_s or 0.0) / 1e9)
        return own, f"It runs on the host, at {rate} GFLOP/s: the NPU has no unit for it."
    busy = layer.utilization * max(layer.cycles, layer.array_busy_cycles)
    peak = report.hardware.peak_macs_per_cycle[layer.format or report.total.dominant_format]
    least = _least(layer.macs, busy, moved, peak, machine)
    hidden = layer.array_busy_cycles - layer.cycles
    overlap = (
        f"Its array work ({layer.array_busy_cycles:,} cycles) is partly hidden behind neighbours."
        if layer.array_busy_cycles and hidden > 0
        else ""
    )
    reasons = "It is hidden completely."
    if layer.cycles > 0:
        reasons = _cause(layer.cycles_by_cause, layer.dataflow or "")
    fits = _fit(layer, hardware) if layer.cycles_by_cause.get("array_edges", 0.0) > 0 else ""
    how = stripes_words(layer), dataflow_words(layer, hardware)
    return tuple(text for text in (own, *how, *least, overlap, reasons, fits) if text)


def _fit(layer: Layer, hardware: Hardware) -> str:
    """How the channels of a tile sit on the array."""
    array = hardware.mac_array
    return (
        f"A tile has {layer.tile['C']} input and {layer.tile['K']} output channels in each of "
        f"{layer.tile['G']} groups; the array is {array.rows} by {array.cols}."
    )


def _least(
    macs: int, array_cycles: float, moved: int, peak_macs: float, machine: Machine
) -> tuple[str, ...]:
    """The two bounds and the balance; `array_cycles` are issued MACs / peak rate.

    `peak_macs` are MACs a cycle in the formats of the layer, or in those of most of the network.
    """
    memory_cycles = moved / machine.dram_bytes_per_cycle
    if not macs and not moved:
        return ()
    if not macs:
        traffic = f"It moves {shown(moved, BYTES)} to and from the second memory"
        return (f"{traffic}, at least {memory_cycles:,.0f} cycles.",)
    first = (
        f"{shown(macs, COUNT)} MACs take at least {array_cycles:,.0f} cycles at "
        f"{significant(peak_macs)} MACs a cycle; "
        f"{shown(moved, BYTES)} to and from the second memory at least {memory_cycles:,.0f} at "
        f"{significant(machine.dram_bytes_per_cycle)} bytes a cycle."
    )
    if not moved:
        return (first,)
    intensity, balance = macs / moved, peak_macs / machine.dram_bytes_per_cycle
    side = "array" if intensity >= balance else "second memory"
    second = (
        f"That is {significant(intensity)} MACs a byte. This hardware balances at "
        f"{significant(balance)}, so with a full array the {side} would be the limit."
    )
    return first, second


def _cause(cycles_by_cause: Mapping[str, float], dataflow: str = "") -> str:
    whole = sum(cycles_by_cause.values()) or 1.0
    cause = max(cycles_by_cause, key=lambda name: cycles_by_cause[name])
    share = percent(cycles_by_cause[cause] / whole)
    words = OF_DATAFLOW.get((cause, dataflow), CAUSE_WORDS[cause])
    return f"Largest cause, {share}: {cause.replace('_', ' ')}. {words}"
