"""The figures of a whole Program without its steps' shares: what a point of a design space needs.

They equal those of a Report's `total`. A simulation for them keeps no log, and no object is made
for a step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from npusim.schedule.program import Program
    from npusim.timing.counts import Times

OPS_PER_MAC = 2


@dataclass(frozen=True)
class Totals:
    """One batch in the steady state; the names and units are those of `report.types.Total`."""

    cycles: int
    latency_s: float
    first_inference_s: float
    energy_j: float
    average_power_w: float
    tops_effective: float
    tops_per_watt: float
    area_mm2: float
    dram_read_bytes: int
    dram_write_bytes: int
    sram_read_bytes: int
    sram_write_bytes: int
    sram_peak_bytes: int
    utilization: float


def totals_of(program: Program) -> Totals:
    """The figures of `program`, from a simulation without a log."""
    from npusim.energy.hardware_figures import Figures
    from npusim.energy.parts import joules_by_part
    from npusim.timing.counts import latency_run, times_of

    figures, run = Figures(program.hardware), latency_run(program)
    times = times_of(program, run)
    by_part = joules_by_part(program, run.counts, times.cycles, figures)
    return totals_from(program, times, run.counts, by_part, figures.area_mm2())


def totals_from(
    program: Program, times: Times, done: np.ndarray, by_part: Mapping[str, float], area_mm2: float
) -> Totals:
    """The figures of `program` from what it did (`timing.records.COUNTS` [steps]) and spent."""
    from npusim.energy.model import average_power_w

    clock_hz = program.hardware.clock_hz
    operations = OPS_PER_MAC * program.kinds.macs
    latency_s, energy_j = times.cycles / clock_hz, math.fsum(by_part.values())
    names = done.dtype.names or ()
    columns = list(zip(*program.kinds.sums(done), strict=True)) or [()] * len(names)
    sums = dict(zip(names, columns, strict=True))
    moved = {name: sum(column) for name, column in sums.items()}
    return Totals(
        cycles=times.cycles,
        latency_s=latency_s,
        first_inference_s=times.first_inference_cycles / clock_hz,
        energy_j=energy_j,
        average_power_w=average_power_w(by_part, times.cycles, clock_hz),
        tops_effective=ratio(operations, latency_s) / 1e12,
        tops_per_watt=ratio(operations, energy_j) / 1e12,
        area_mm2=area_mm2,
        dram_read_bytes=moved["dram_read"],
        dram_write_bytes=moved["dram_write"],
        sram_read_bytes=moved["sram_read"],
        sram_write_bytes=moved["sram_write"],
        sram_peak_bytes=int(program.sram_peak_bytes),
        utilization=ratio(_least_array_cycles(program, sums["macs"]), times.cycles),
    )


def ratio(part: float, whole: float) -> float:
    """`part` / `whole`; 0 where there is no whole."""
    return part / whole if whole else 0.0


def _least_array_cycles(program: Program, issued_macs: Sequence[int]) -> float:
    """Cycles that all issued MACs take at the peak rates of their number formats; `issued_macs` are
    those of each kind of step."""
    peak = program.hardware.peak_macs_per_cycle
    kinds = zip(program.kinds.models, issued_macs, strict=True)
    return math.fsum(macs / peak(step.pair) for step, macs in kinds if macs)
