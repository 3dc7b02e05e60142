"""Energy of a Program: count x energy per action, static power x time, DRAM background x time.

    E = actions (see `parts.py`) + (clock + static + background power) x cycles / clock

Power x time belongs to the steps by their share of the latency; the fixed cost of an inference has
its own share. What the description states of a chip replaces a table's figure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npusim.energy.figures import Figure
from npusim.energy.hardware_figures import Figures
from npusim.energy.parts import (
    ACTIONS,
    PARTS,
    action_joules,
    input_zeros,
    joules_by_part,
    power_joules,
)
from npusim.schedule.tables import HOST

if TYPE_CHECKING:
    from npusim.timing.counts import Counts

NOT_MODELLED = (
    "energy of accumulator storage, controller and DMA",
    "energy of SRAM by word width: tables are for 64-bit words, a wide word costs about half",
)
"""What the sum leaves out on every hardware."""


@dataclass(frozen=True)
class Energy:
    """Joules of one batch in the steady state, by part: per step (in order), fixed, and in total.

    `figures` are all that went into it; `missing` says what the sum leaves out for this hardware
    and this model, beyond `NOT_MODELLED`.
    """

    steps: tuple[Mapping[str, float], ...]
    overhead: Mapping[str, float]
    by_part: Mapping[str, float]
    average_power_w: float
    area_mm2: float
    figures: tuple[Figure, ...]
    missing: tuple[str, ...]

    @property
    def total_j(self) -> float:
        """Joules of one batch."""
        return math.fsum(self.by_part.values())


def energy_of(counts: Counts) -> Energy:
    """Energy of `counts`, with the figures that it comes from."""
    figures = Figures(counts.program.hardware)
    clock_hz = counts.program.hardware.clock_hz
    actions = action_joules(counts.program, counts.done, figures)
    steps = tuple(
        dict(zip(ACTIONS, own, strict=True)) | power_joules(step.cycles, clock_hz, figures)
        for step, own in zip(counts.steps, actions, strict=True)
    )
    fixed = power_joules(counts.overhead_cycles, clock_hz, figures)
    by_part = joules_by_part(counts.program, counts.done, counts.cycles, figures)
    area_mm2 = figures.area_mm2()
    return Energy(
        steps=steps,
        overhead=dict.fromkeys(PARTS, 0.0) | fixed,
        by_part=by_part,
        average_power_w=average_power_w(by_part, counts.cycles, clock_hz),
        area_mm2=area_mm2,
        figures=tuple(figures.used.values()),
        missing=_missing(counts, figures),
    )


def average_power_w(by_part: Mapping[str, float], cycles: int, clock_hz: float) -> float:
    """Joules of all parts over the time of `cycles`."""
    return math.fsum(by_part.values()) * clock_hz / cycles if cycles else 0.0


def _missing(counts: Counts, figures: Figures) -> tuple[str, ...]:
    technology = counts.program.hardware.memory.dram.technology
    hardware = counts.program.hardware
    missing = []
    if hardware.technology.clock_w is None:
        missing.append("energy of clock tree and array registers")
    if hardware.mac_array.row_stationary and None in (
        hardware.technology.static_w, hardware.technology.area_mm2,
    ):  # fmt: skip
        missing.append("leakage and area of the array's scratchpads")
    if hardware.mac_array.zero_gating:
        known = [
            input_zeros(counts.program, step.step) is not None
            for step in counts.steps
            if step.issued_macs
        ]
        if not all(known):
            missing.append(
                f"gating of zeros in {known.count(False)} of {len(known)} layers on the array: "
                "the share of zeros in their inputs is not known"
            )
    if figures.dram() is None:
        missing.append(f"energy per byte of the second memory: no figure for {technology}")
    if figures.background_w() is None:
        missing.append(f"background power of the second memory: no figure for {technology}")
    if any(step.step.unit == HOST for step in counts.steps):
        missing.append("energy of the host and of its memory traffic")
    return tuple(missing)
