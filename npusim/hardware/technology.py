"""The silicon of a description: node, published energies, leakage, area."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from npusim.hardware.quantities import AreaMm2, EnergyPj, EnergyPjPerByte, LengthM, PowerW, Section


class EnergyPerAction(Section):
    """Energies that are published for this chip and replace the interpolated ones."""

    mac_int8: EnergyPj | None = None
    """One int8 MAC with its accumulation, pJ."""
    sram_read_per_byte: EnergyPjPerByte | None = None
    """One byte read from SRAM, pJ."""
    sram_write_per_byte: EnergyPjPerByte | None = None
    """One byte written to SRAM, pJ."""
    dram_per_byte: EnergyPjPerByte | None = None
    """One byte to or from the second memory, pJ."""
    vector_op: EnergyPj | None = None
    """One element-wise operation, pJ."""
    scratchpad_access: EnergyPj | None = None
    """One word read from or written to a scratchpad of the array, pJ."""
    array_hop: EnergyPj | None = None
    """One word from an element of the array to its neighbour, pJ."""


class Technology(Section):
    """The silicon: node and what is published of energy, leakage and area."""

    node_m: LengthM = Field(alias="node")
    """Process node, metres."""
    energy: Literal["interpolated"] = "interpolated"
    """Where energies per action come from that are not stated here."""
    energy_per_action: EnergyPerAction = EnergyPerAction()
    """Published energies of this chip."""
    static_w: PowerW | None = Field(default=None, alias="static")
    """Static power in watts, >= 0; null: derived from SRAM size and MAC units."""
    clock_w: PowerW | None = Field(default=None, alias="clock")
    """Power of clock network and registers while the clock runs, watts, >= 0; null: not known."""
    area_mm2: AreaMm2 | None = Field(default=None, alias="area")
    """Area in mm2, > 0; null: derived from SRAM size, MAC units and node."""

    @property
    def energy_pj(self) -> dict[str, float]:
        """The stated energies: action to pJ (per byte where the action says so)."""
        stated = self.energy_per_action.model_dump()
        return {action: value for action, value in stated.items() if value is not None}
