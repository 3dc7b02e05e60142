"""The figures of energy, power and area that apply to one hardware: stated ones before tables."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property

from npusim.energy import arithmetic, dram, scratchpads, silicon, sram, vector
from npusim.energy.figures import Figure, weighted_sum
from npusim.hardware.schema import Hardware
from npusim.schedule.kept import text_of


class Figures:
    """The figures of one hardware, found at their first use and kept in that order."""

    def __init__(self, hardware: Hardware) -> None:
        self.hardware = hardware
        self.used: dict[str, Figure] = {}
        self._node_nm = silicon.node_nm(hardware)

    @cached_property
    def _stated_pj(self) -> dict[str, float]:
        return self.hardware.technology.energy_pj

    def read_by_prices(self) -> tuple[Hashable, ...]:
        """All that energies of single actions look at in a hardware, as values."""
        memory, mac = self.hardware.memory, self.hardware.mac_array
        return (
            text_of(self.hardware.technology),
            text_of(mac, "precisions", "accumulator", "row_stationary"),
            memory.sram.size_bytes,
            memory.dram.technology,
        )

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
        value = self._stated_pj.get(field)
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
