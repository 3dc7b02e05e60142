"""Counts and Energy of each step as a Layer; what holds a layer back, in a word."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from npusim.report.types import Layer
from npusim.schedule.tables import ARRAY, LOOP_ORDERS, VECTOR
from npusim.timing.causes import CAUSES

if TYPE_CHECKING:
    from npusim.energy.model import Energy
    from npusim.schedule.program import Program
    from npusim.timing.counts import Counts, StepCounts

INFERENCE = "(inference)"
"""Name of the layer that holds the fixed cost of an inference."""

BOUND_BY = {
    "compute": "compute",
    "array_edges": "array",
    "array_fill": "array",
    "weight_load": "weights",
    "wait_weights": "weights",
    "wait_inputs": "inputs",
    "wait_output_buffer": "outputs",
    "vector": "vector",
    "postprocess": "postprocess",
    "memory_latency": "memory latency",
    "dma_setup": "memory latency",
    "core_sync": "dispatch",
    "dispatch": "dispatch",
    "conversion": "host",
    "host_link": "host",
    "host": "host",
}
"""Cause to the word for its group."""

_TILE_DIMS = {"B": "b", "G": "g", "K": "k", "C": "c", "OY": "oy", "OX": "ox"}


def bound_by(cycles_by_cause: Mapping[str, float]) -> str:
    """The word of the group of causes with the most cycles; `none` if there are none."""
    groups = dict.fromkeys(BOUND_BY.values(), 0.0)
    for cause, cycles in cycles_by_cause.items():
        groups[BOUND_BY[cause]] += cycles
    word = max(groups, key=lambda name: groups[name])
    return word if groups[word] > 0 else "none"


def layers_of(counts: Counts, energy: Energy) -> tuple[Layer, ...]:
    """The fixed cost of an inference, if there is one, then every step that costs something."""
    steps = [
        _layer(counts, at, step, parts)
        for at, (step, parts) in enumerate(zip(counts.steps, energy.steps, strict=True))
        if _costs(step)
    ]
    return (*_inference(counts, energy), *steps)


def least_array_cycles(program: Program, step: StepCounts) -> float:
    """Cycles that the issued MACs of a step take at the peak rate of its number formats."""
    if not step.issued_macs:
        return 0.0
    return step.issued_macs / program.hardware.peak_macs_per_cycle(step.step.pair)


def format_name(pair: str) -> str:
    """`int8` where both factors have it, else `activation*weight`; uint8 runs as int8."""
    activation, weight = pair.replace("uint", "int").split("*")
    return activation if activation == weight else pair.replace("uint", "int")


def _costs(step: StepCounts) -> bool:
    """False for the views of a tensor, which do nothing."""
    moved = step.dram_read_bytes + step.dram_write_bytes
    moved += step.sram_read_bytes + step.sram_write_bytes
    return bool(step.cycles > 0 or moved or step.issued_macs or step.vector_ops)


def _inference(counts: Counts, energy: Energy) -> tuple[Layer, ...]:
    if not counts.overhead_cycles:
        return ()
    causes = dict.fromkeys(CAUSES, 0.0) | {"dispatch": float(counts.overhead_cycles)}
    overhead = Layer(
        name=INFERENCE, op="overhead", on="npu", macs=0, cycles=float(counts.overhead_cycles),
        array_busy_cycles=0, format=None, utilization=0.0, bound_by="dispatch", dram_read_bytes=0,
        dram_write_bytes=0, sram_read_bytes=0, sram_write_bytes=0,
        energy_j=math.fsum(energy.overhead.values()), cycles_by_cause=causes, tile={},
        dataflow=None, loop_order=None, energy_j_by_part=dict(energy.overhead),
    )  # fmt: skip
    return (overhead,)


def _layer(counts: Counts, at: int, step: StepCounts, parts: Mapping[str, float]) -> Layer:
    from npusim.cost.array import DATAFLOWS  # late: it loads Numba, which reading a report need not

    program = counts.program
    row = program.table[at]
    tiled = step.step.unit in (ARRAY, VECTOR)
    busy = max(step.cycles, step.array_busy_cycles)
    return Layer(
        name=step.step.name,
        op=step.step.node.op.kind,
        on=step.step.on,
        macs=step.step.nest.macs,
        cycles=step.cycles,
        array_busy_cycles=step.array_busy_cycles,
        format=format_name(step.step.pair) if step.issued_macs else None,
        utilization=least_array_cycles(program, step) / busy if busy else 0.0,
        bound_by=bound_by(step.cycles_by_cause),
        dram_read_bytes=step.dram_read_bytes,
        dram_write_bytes=step.dram_write_bytes,
        sram_read_bytes=step.sram_read_bytes,
        sram_write_bytes=step.sram_write_bytes,
        energy_j=math.fsum(parts.values()),
        cycles_by_cause=dict(step.cycles_by_cause),
        tile={dim: int(row[f"tile_{key}"]) for dim, key in _TILE_DIMS.items()} if tiled else {},
        dataflow=DATAFLOWS[int(row["dataflow"])] if step.step.unit == ARRAY else None,
        loop_order=LOOP_ORDERS[int(row["order"])] if tiled else None,
        energy_j_by_part=dict(parts),
    )
