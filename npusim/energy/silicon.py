"""Static power and area: what a description states, else derived from its size and node.

    static = SRAM leakage + leakage of a MAC unit x units
    area   = SRAM area (CACTI) + logic area of a MAC unit x units

The logic area of a MAC unit is that of a whole NPU, its SRAM taken off and the rest divided by its
MAC units, so controller, vector unit and interconnect are in it at that chip's proportion.
"""

from __future__ import annotations

import math
from functools import lru_cache

from npusim.energy import sram
from npusim.energy.figures import Figure, log_log
from npusim.hardware.schema import Hardware

MAC_UNIT_LEAKAGE_W = (50e-6 * (8 / 32) ** 2) + 2.3e-6 + 48 * 0.07e-6
"""Aladdin's 40 nm tables (5 ns): a 32-bit multiplier of 50 uW, taken by the product of widths to
8 bits; a 32-bit adder of 2.3 uW; 48 register bits of 0.07 uW. Assumed to hold at every node."""

CACTI_MM2: dict[float, dict[float, float]] = {
    45.0: {32: 0.106, 1024: 3.57},
    32.0: {32: 0.054, 1024: 1.80},
    22.0: {32: 0.030, 1024: 0.91},
}
"""Node in nm, capacity in KiB, mm2: CACTI 7, ITRS-HP cells, one bank, 64-bit word."""

SIMBA_NODE_NM, SIMBA_TOPS, SIMBA_TOPS_PER_MM2 = 16.0, 4.01, 1.29
SIMBA_MACS, SIMBA_SRAM_BYTES = 1024, 752 * 1024
"""Zimmer et al., VLSI 2019: peak and density of a chiplet; Shao et al., MICRO 2019: 16 PEs of 64
MACs, 43 KiB each, and 64 KiB."""


def static_power(hardware: Hardware) -> Figure:
    """Power that flows whatever the NPU does, W, without the second memory's background."""
    technology = hardware.technology
    if technology.static_w is not None:
        source = f"technology.static of {hardware.name}"
        return Figure("static", technology.static_w, "W", source, "stated", node_nm(hardware))
    value = sram.leakage_w(hardware.memory.sram.size_bytes)
    value += MAC_UNIT_LEAKAGE_W * mac_units(hardware)
    source = (
        f"SRAM at {sram.LEAKAGE_W_PER_KIB * 1e6:g} uW/KiB (assumed; sources range over 0.24 to 300)"
        f" + {MAC_UNIT_LEAKAGE_W * 1e6:.1f} uW a MAC unit (from Aladdin's 40 nm tables)"
    )
    return Figure("static", value, "W", source, "assumed", node_nm(hardware))


def area(hardware: Hardware) -> Figure:
    """Area of the NPU with its SRAM, mm2."""
    technology = hardware.technology
    node = node_nm(hardware)
    if technology.area_mm2 is not None:
        source = f"technology.area of {hardware.name}"
        return Figure("area", technology.area_mm2, "mm2", source, "stated", node)
    memory = sram_area_mm2(hardware.memory.sram.size_bytes, node)
    logic = mac_unit_mm2(node) * mac_units(hardware)
    source = (
        "SRAM from CACTI 7 (22 to 45 nm, scaled on) + logic of a MAC unit from Simba "
        "(VLSI 2019, 16 nm: 4.01 TOPS at 1.29 TOPS/mm2, 1024 MACs), scaled as SRAM is"
    )
    return Figure("area", memory + logic, "mm2", source, "derived", node)


def node_nm(hardware: Hardware) -> float:
    """Process node in nanometres."""
    return round(hardware.technology.node_m * 1e9, 6)


def mac_units(hardware: Hardware) -> int:
    """MAC units of all cores."""
    array = hardware.mac_array
    return hardware.cores * array.rows * array.cols * math.prod(array.pixels)


@lru_cache(maxsize=256)
def sram_area_mm2(size_bytes: int, node: float) -> float:
    """Area of an SRAM, mm2, by CACTI's rows; beyond them in proportion to their trends."""
    size_kib = size_bytes / 1024
    return log_log(node, {known: log_log(size_kib, row) for known, row in CACTI_MM2.items()})


@lru_cache(maxsize=256)
def mac_unit_mm2(node: float) -> float:
    """Logic area of a MAC unit with its share of everything but SRAM, mm2."""
    logic = SIMBA_TOPS / SIMBA_TOPS_PER_MM2 - sram_area_mm2(SIMBA_SRAM_BYTES, SIMBA_NODE_NM)
    scale = sram_area_mm2(1 << 20, node) / sram_area_mm2(1 << 20, SIMBA_NODE_NM)
    return logic / SIMBA_MACS * scale
