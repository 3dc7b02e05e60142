"""Memory tables: sources for every number, and the arithmetic that follows from a standard."""

from __future__ import annotations

import pytest

from npusim.errors import DescriptionError
from npusim.hardware.memories import technology, technology_names
from npusim.hardware.memories.technology import CONTROLLER_S

STANDARD = ("ddr3-1600", "ddr4-3200", "lpddr4-3200", "lpddr4x-4266", "lpddr5-6400")


def test_the_standard_memories_have_complete_tables() -> None:
    assert set(technology_names()) == {*STANDARD, "flash", "sram_port", "host_link"}
    for name in STANDARD:
        assert None not in vars(technology(name)).values()


@pytest.mark.parametrize("name", technology_names())
def test_each_number_says_where_it_comes_from(name: str) -> None:
    for key, figure in technology(name).figures().items():
        assert len(figure.source) > 10, key
        assert figure.confidence in ("H", "M", "L")
        assert figure.value > 0


@pytest.mark.parametrize(
    ("name", "bytes_per_s", "burst_bytes"),
    [
        ("ddr3-1600", 12.8e9, 64),
        ("ddr4-3200", 25.6e9, 64),
        ("lpddr4-3200", 6.4e9, 32),
        ("lpddr4x-4266", 8.532e9, 32),
        ("lpddr5-6400", 12.8e9, 32),
    ],
)
def test_peak_and_burst_follow_from_the_standard(
    name: str, bytes_per_s: float, burst_bytes: int
) -> None:
    assert technology(name).peak_bytes_per_s == bytes_per_s
    assert technology(name).burst_bytes == burst_bytes


@pytest.mark.parametrize("name", STANDARD)
def test_derived_figures_stay_in_physical_bounds(name: str) -> None:
    table = technology(name)
    assert table.row_miss_s is not None and table.efficiency is not None
    assert 30e-9 < table.row_miss_s.value < 80e-9
    assert table.latency_s == table.row_miss_s.value + CONTROLLER_S.value
    assert 0.8 < table.efficiency.value < 0.9


def test_an_assumption_is_called_one() -> None:
    for name in STANDARD:
        efficiency = technology(name).efficiency
        assert efficiency is not None
        assert "assumed" in efficiency.source and efficiency.confidence == "L"


def test_ports_have_no_numbers_of_their_own() -> None:
    assert technology("flash").figures() == {}
    assert technology("sram_port").peak_bytes_per_s is None


def test_an_unknown_memory_gets_the_nearest_name() -> None:
    with pytest.raises(DescriptionError, match="did you mean 'lpddr5-6400'"):
        technology("lpddr5-6401")
