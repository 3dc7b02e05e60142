"""Counts and Energy of each step as a Layer; what holds a layer back, in a word."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from npusim.report.types import Layer
from npusim.schedule.tables import ARRAY, LOOP_ORDERS, VECTOR

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
    layers = [
        _layer(counts, [(at, counts.steps[at], energy.steps[at]) for at in places])
        for places in _places(counts.program)
        if any(_costs(counts.steps[at]) for at in places)
    ]
    return (*_inference(counts, energy), *layers)


def _places(program: Program) -> list[list[int]]:
    """The steps of each operator, in the order of their first: several where it runs in stripes."""
    found: dict[str, list[int]] = {}
    for at, step in enumerate(program.steps):
        key = step.node.outputs[0] if step.whole else str(at)
        found.setdefault(key, []).append(at)
    return list(found.values())


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
    causes = counts.overhead_by_cause
    overhead = Layer(
        name=INFERENCE, op="overhead", on="npu", macs=0, cycles=float(counts.overhead_cycles),
        array_busy_cycles=0, format=None, utilization=0.0, bound_by=bound_by(causes),
        dram_read_bytes=0, dram_write_bytes=0, sram_read_bytes=0, sram_write_bytes=0,
        energy_j=math.fsum(energy.overhead.values()), cycles_by_cause=causes, tile={},
        dataflow=None, loop_order=None, energy_j_by_part=dict(energy.overhead),
    )  # fmt: skip
    return (overhead,)


def _layer(
    counts: Counts, parts: Sequence[tuple[int, StepCounts, Mapping[str, float]]]
) -> Layer:  # fmt: skip
    """One operator from its steps with their energies: a single one, or the stripes of a cascade,
    of which the first stands for all where tiles are told."""
    from npusim.cost.array import DATAFLOWS  # late: it loads Numba, which reading a report need not

    program = counts.program
    first, steps = parts[0][1].step, [step for _, step, _ in parts]
    row = program.table[parts[0][0]]
    tiled = first.unit in (ARRAY, VECTOR)
    cycles = math.fsum(step.cycles for step in steps)
    array_busy = sum(step.array_busy_cycles for step in steps)
    issued = sum(step.issued_macs for step in steps)
    busy = max(cycles, array_busy)
    causes = _sums([step.cycles_by_cause for step in steps])
    energies = _sums([own for _, _, own in parts])
    return Layer(
        name=first.node.name if first.whole else first.name,
        op=first.node.op.kind,
        on=first.on,
        macs=sum(step.step.nest.macs for step in steps),
        cycles=cycles,
        array_busy_cycles=array_busy,
        format=format_name(first.pair) if issued else None,
        utilization=sum(least_array_cycles(program, step) for step in steps) / busy
        if busy
        else 0.0,
        bound_by=bound_by(causes),
        dram_read_bytes=sum(step.dram_read_bytes for step in steps),
        dram_write_bytes=sum(step.dram_write_bytes for step in steps),
        sram_read_bytes=sum(step.sram_read_bytes for step in steps),
        sram_write_bytes=sum(step.sram_write_bytes for step in steps),
        energy_j=math.fsum(energies.values()),
        cycles_by_cause=causes,
        tile={dim: int(row[f"tile_{key}"]) for dim, key in _TILE_DIMS.items()} if tiled else {},
        dataflow=DATAFLOWS[int(row["dataflow"])] if first.unit == ARRAY else None,
        loop_order=LOOP_ORDERS[int(row["order"])] if tiled else None,
        energy_j_by_part=energies,
        stripes=len(parts),
    )


def _sums(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Key by key; each part has the same keys."""
    return {key: math.fsum(part[key] for part in parts) for key in parts[0]}
