"""Static power and area: stated first, then derived from rows that can be checked."""

from __future__ import annotations

import pytest

from npusim.energy import silicon
from tests.support.counted import hardware_of

KIB = 1024


def test_what_a_description_states_is_taken() -> None:
    hardware = hardware_of("technology.area=1.5 mm2", "technology.static=20 mW")
    area, static = silicon.area(hardware), silicon.static_power(hardware)
    assert (area.value, area.kind, static.value, static.kind) == (1.5, "stated", 0.02, "stated")


def test_derived_figures_say_so() -> None:
    hardware = hardware_of()
    assert silicon.area(hardware).kind == "derived"
    assert silicon.static_power(hardware).kind == "assumed"


def test_static_power_by_hand() -> None:
    """512 KiB at 16 uW and 1024 MAC units at 3.125 + 2.3 + 3.36 uW."""
    watts = silicon.static_power(hardware_of()).value
    assert watts == pytest.approx(512 * 16e-6 + 1024 * 8.785e-6)


def test_sram_area_is_cactis_at_its_rows() -> None:
    assert silicon.sram_area_mm2(32 * KIB, 22) == 0.030
    assert silicon.sram_area_mm2(1024 * KIB, 45) == 3.57
    assert 0.030 < silicon.sram_area_mm2(256 * KIB, 22) < 0.91


def test_the_chip_that_logic_comes_from_gets_its_own_area_back() -> None:
    memory = silicon.sram_area_mm2(752 * KIB, 16)
    assert 1024 * silicon.mac_unit_mm2(16) + memory == pytest.approx(4.01 / 1.29)


def test_mac_units_count_cores_and_pixels() -> None:
    assert silicon.mac_units(hardware_of()) == 1024
    assert silicon.mac_units(hardware_of(preset="ethos-u65-512")) == 512


@pytest.mark.parametrize(
    ("small", "large"),
    [
        ("memory.sram.size=256 KiB", "memory.sram.size=1 MiB"),
        ("mac_array.cols=16", "mac_array.cols=64"),
        ("technology.node=7 nm", "technology.node=28 nm"),
    ],
)
def test_more_of_it_takes_more_area(small: str, large: str) -> None:
    assert silicon.area(hardware_of(small)).value < silicon.area(hardware_of(large)).value


def test_density_stays_below_the_densest_chip_of_the_node() -> None:
    """1.024 TOPS at 500 MHz: less dense than Simba, which reaches 1.29 TOPS/mm2 at its best."""
    assert 0.1 < 1.024 / silicon.area(hardware_of()).value < 1.29
