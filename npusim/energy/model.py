"""Energy of a Program: count x energy per action, static power x time, DRAM background x time.

    E = MACs e_mac + SRAM bytes e_sram + DRAM bytes e_dram + vector ops e_vector
        + outputs e_requantize + scratchpads + (clock + static + background power) x cycles / clock

Power x time belongs to the steps by their share of the latency; the fixed cost of an inference has
its own share. What the description states of a chip replaces a table's figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npusim.energy import arithmetic, dram, scratchpads, silicon, sram, vector
from npusim.energy.figures import Figure, weighted_sum
from npusim.hardware.schema import Hardware
from npusim.schedule.tables import ARRAY, HOST, VECTOR

if TYPE_CHECKING:
    from npusim.timing.counts import Counts, StepCounts

PARTS = (
    "mac", "scratchpad", "sram", "dram", "vector", "postprocess", "clock", "static",
    "dram_background",
)  # fmt: skip
"""Where energy goes. The accumulation of a partial sum is within `mac`."""

PJ = 1e-12

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
    average_power_w: float
    area_mm2: float
    figures: tuple[Figure, ...]
    missing: tuple[str, ...]

    @property
    def by_part(self) -> dict[str, float]:
        """Joules of each part of `PARTS`."""
        every = (*self.steps, self.overhead)
        return {part: math.fsum(step[part] for step in every) for part in PARTS}

    @property
    def total_j(self) -> float:
        """Joules of one batch."""
        return math.fsum(self.by_part.values())


class Figures:
    """The figures of one hardware, found at their first use and kept in that order."""

    def __init__(self, hardware: Hardware) -> None:
        self.hardware = hardware
        self.used: dict[str, Figure] = {}
        self._node_nm = silicon.node_nm(hardware)

    def mac(self, pair: str) -> float:
        """Energy of one MAC of the format pair `activation*weight` of the hardware, pJ."""
        return self._value(f"mac {pair}", lambda: self._mac(pair))

    def sram(self, action: str) -> float:
        """Energy of one byte of SRAM, pJ/B; `action` is `read` or `write`."""
        return self._value(f"sram_{action}", lambda: self._sram(action))

    def dram(self) -> float | None:
        """Energy of one byte of the second memory, pJ/B; None if nobody says."""
        figure = self._stated("dram_per_byte", "dram", "pJ/B") or dram.transfer(self.hardware)
        return None if figure is None else self._value("dram", lambda: figure)

    def scratchpad(self) -> float:
        """Energy of one word read from or written to a scratchpad of the array, pJ."""
        name = "scratchpad"
        return self._value(
            name,
            lambda: (
                self._stated("scratchpad_access", name, "pJ")
                or scratchpads.scratchpad_access(self._node_nm)
            ),
        )

    def hop(self) -> float:
        """Energy of one word from an element of the array to the next, pJ."""
        return self._value(
            "hop", lambda: self._stated("array_hop", "hop", "pJ") or scratchpads.hop(self._node_nm)
        )

    def clock_w(self) -> float:
        """Power of clock network and registers, W; 0 if nobody says."""
        watts = self.hardware.technology.clock_w
        if watts is None:
            return 0.0
        source = f"technology.clock of {self.hardware.name}"
        return self._value(
            "clock", lambda: Figure("clock", watts, "W", source, "stated", self._node_nm)
        )

    def vector(self, rate: str) -> float:
        """Energy of one operation of the vector unit, pJ."""
        name = f"vector {rate}"
        return self._value(
            name,
            lambda: (
                self._stated("vector_op", name, "pJ")
                or vector.vector_operation(rate, self._node_nm)
            ),
        )

    def requantization(self) -> float:
        """Energy of one element through the output stage, pJ."""
        return self._value("requantization", lambda: vector.requantization(self._node_nm))

    def static_w(self) -> float:
        """Static power, W."""
        return self._value("static", lambda: silicon.static_power(self.hardware))

    def background_w(self) -> float | None:
        """Background power of the second memory, W; None if nobody says."""
        figure = dram.background(self.hardware)
        return None if figure is None else self._value("dram_background", lambda: figure)

    def area_mm2(self) -> float:
        """Area, mm2."""
        return self._value("area", lambda: silicon.area(self.hardware))

    def _value(self, name: str, find: Callable[[], Figure]) -> float:
        if name not in self.used:
            self.used[name] = find()
        return self.used[name].value

    def _stated(self, field: str, name: str, unit: str) -> Figure | None:
        value = self.hardware.technology.energy_pj.get(field)
        if value is None:
            return None
        source = f"technology.energy_per_action.{field} of {self.hardware.name}"
        node_nm = None if field == "dram_per_byte" else self._node_nm
        return Figure(name, value, unit, source, "stated", node_nm)

    def _mac(self, pair: str) -> Figure:
        """From the table, in proportion to the stated energy of an int8 MAC if there is one."""
        array = self.hardware.mac_array
        activation, weight = pair.split("*")
        precision = array.precision(pair)
        compute = precision.compute if precision else None
        total = array.accumulation(pair).format.name
        table = arithmetic.mac(activation, weight, total, self._node_nm, compute)
        stated = self._stated("mac_int8", table.name, "pJ")
        if stated is None:
            return table
        if {activation, weight} <= {"int8", "uint8"}:
            return stated
        int8 = arithmetic.mac("int8", "int8", total, self._node_nm)
        source = f"{stated.source}, in proportion to {table.source}"
        return weighted_sum(table.name, [(table.value / int8.value, stated)], source, "derived")

    def _sram(self, action: str) -> Figure:
        name = f"sram_{action}"
        stated = self._stated(f"{name}_per_byte", name, "pJ/B")
        size = self.hardware.memory.sram.size_bytes
        return stated or sram.access(size, self._node_nm).renamed(name)


def energy_of(counts: Counts) -> Energy:
    """Energy of `counts`, with the figures that it comes from."""
    figures = Figures(counts.program.hardware)
    clock_hz = counts.program.hardware.clock_hz
    steps = tuple(_step_energy(counts, step, figures) for step in counts.steps)
    overhead = dict.fromkeys(PARTS, 0.0) | _power_parts(counts.overhead_cycles, clock_hz, figures)
    area_mm2 = figures.area_mm2()
    total = math.fsum(value for step in (*steps, overhead) for value in step.values())
    return Energy(
        steps=steps,
        overhead=overhead,
        average_power_w=total * clock_hz / counts.cycles if counts.cycles else 0.0,
        area_mm2=area_mm2,
        figures=tuple(figures.used.values()),
        missing=_missing(counts, figures),
    )


def _step_energy(counts: Counts, step: StepCounts, figures: Figures) -> dict[str, float]:
    """Joules of one step by part."""
    parts = dict.fromkeys(PARTS, 0.0)
    unit = step.step.unit
    if step.issued_macs:
        gated = gated_zeros(counts, step)
        parts["mac"] = PJ * step.issued_macs * (1.0 - gated) * figures.mac(step.step.pair)
        parts["scratchpad"] = PJ * _scratchpad_pj(step, gated, figures)
    if unit == ARRAY:
        parts["postprocess"] = PJ * step.output_elements * figures.requantization()
    if unit == VECTOR:
        parts["vector"] = PJ * step.vector_ops * figures.vector(step.step.nest.rate)
    parts["sram"] = PJ * math.fsum(
        (
            step.sram_read_bytes * figures.sram("read"),
            step.sram_write_bytes * figures.sram("write"),
        )
    )
    per_byte = figures.dram() or 0.0
    parts["dram"] = PJ * (step.dram_read_bytes + step.dram_write_bytes) * per_byte
    return parts | _power_parts(step.cycles, counts.program.hardware.clock_hz, figures)


def _scratchpad_pj(step: StepCounts, gated: float, figures: Figures) -> float:
    """Energy of the array's scratchpads and of words between its elements, pJ."""
    if figures.hardware.mac_array.row_stationary is None:
        return 0.0
    fills = step.scratchpad_fills
    accesses = scratchpads.accesses(step.issued_macs, gated, fills)
    return accesses * figures.scratchpad() + (step.array_hops + fills) * figures.hop()


def gated_zeros(counts: Counts, step: StepCounts) -> float:
    """The share of a step's MACs that zeros in its input switch off; 0 where it is not known."""
    zeros = _input_zeros(counts, step)
    return zeros if zeros is not None and counts.program.hardware.mac_array.zero_gating else 0.0


def _input_zeros(counts: Counts, step: StepCounts) -> float | None:
    graph = counts.program.graph
    return graph.tensors[step.step.nest.operands[0].tensor].zeros


def _power_parts(cycles: float, clock_hz: float, figures: Figures) -> dict[str, float]:
    seconds = cycles / clock_hz
    background_w = figures.background_w() or 0.0
    return {
        "clock": figures.clock_w() * seconds,
        "static": figures.static_w() * seconds,
        "dram_background": background_w * seconds,
    }


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
            _input_zeros(counts, step) is not None for step in counts.steps if step.issued_macs
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
