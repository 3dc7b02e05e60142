"""Memory tables: sources for every number, and the arithmetic that follows from a standard."""

from __future__ import annotations

import pytest

from npusim.errors import DescriptionError
from npusim.hardware.memories import RowTiming, technology, technology_names
from npusim.hardware.memories.technology import CONTROLLER_S

STANDARD = ("ddr3-1600", "ddr4-3200", "lpddr4-3200", "lpddr4x-4266", "lpddr5-6400")
NO_ENERGY = ("ddr5-4800", "psram-octal-200", "qspi-flash-133", "octal-flash-200")
NO_BACKGROUND = (*NO_ENERGY, "hbm2e-3200", "gddr6-14000")
ROWS = (*STANDARD, "lpddr5x-8533", *NO_BACKGROUND)
NS = 1e-9


def timing(name: str) -> RowTiming:
    rows = technology(name).rows
    assert rows is not None
    return rows


def test_memories_have_complete_tables_but_for_energies_that_nobody_states() -> None:
    assert set(technology_names()) == {*ROWS, "flash", "sram_port", "host_link"}
    for name in ROWS:
        table = technology(name)
        assert table.peak_bytes_per_s and table.burst_bytes and table.latency_s
        assert (table.energy_pj_per_bit is None) == (name in NO_ENERGY)
        assert (table.background_w is None) == (name in NO_BACKGROUND)


@pytest.mark.parametrize("name", technology_names())
def test_each_number_says_where_it_comes_from(name: str) -> None:
    for key, figure in technology(name).figures().items():
        assert len(figure.source) > 10, key
        assert figure.confidence in ("H", "M", "L")
        assert figure.value >= 0


@pytest.mark.parametrize(
    ("name", "bytes_per_s", "burst_bytes", "page_bytes"),
    [
        ("ddr3-1600", 12.8e9, 64, 8192),
        ("ddr4-3200", 25.6e9, 64, 8192),
        ("ddr5-4800", 19.2e9, 64, 4096),
        ("lpddr4-3200", 6.4e9, 32, 2048),
        ("lpddr4x-4266", 8.532e9, 32, 2048),
        ("lpddr5-6400", 12.8e9, 32, 2048),
        ("lpddr5x-8533", 17.066e9, 32, 2048),
        ("gddr6-14000", 28e9, 32, 2048),
        ("hbm2e-3200", 25.6e9, 32, 1024),
        ("psram-octal-200", 400e6, 32, 1024),
        ("qspi-flash-133", 66.5e6, 32, 1 << 30),
        ("octal-flash-200", 400e6, 32, 1 << 30),
    ],
)
def test_peak_burst_and_page_follow_from_the_standard(
    name: str, bytes_per_s: float, burst_bytes: int, page_bytes: int
) -> None:
    assert technology(name).peak_bytes_per_s == bytes_per_s
    assert technology(name).burst_bytes == burst_bytes
    assert timing(name).page_bytes == page_bytes


@pytest.mark.parametrize(
    ("name", "first_ns", "interval_ns", "to_read_ns", "to_write_ns", "refresh"),
    [
        # tRP + tRCD + RL; max(tRRD, tFAW/4, tRC/banks); tWTR + RL; bus gap; tRFC/tREFI
        ("ddr3-1600", 33 * 1.25, 8 * 1.25, 17 * 1.25, 2 * 1.25, 208 / 6240),
        ("ddr4-3200", 66 * 0.625, 12 * 0.625, 34 * 0.625, 2 * 0.625, 560 / 12480),
        ("ddr5-4800", 118 * 0.416, 8 * 0.416, 64 * 0.416, 4 * 0.416, 295 / 3900),
        ("lpddr4-3200", 89 * 0.625, 16 * 0.625, 47 * 0.625, 2 * 0.625, 448 / 6246),
        ("lpddr4x-4266", 118 * 0.469, 22 * 0.469, 62 * 0.469, 2 * 0.469, 599 / 8341),
        ("lpddr5-6400", 57.25, 5, 33.25, 1.25, 210 / 3900),
        ("lpddr5x-8533", 57.25, 5, 33.25, 1.25, 210 / 3900),
        ("gddr6-14000", 76 * 8 / 14, 7 * 8 / 14, 35 * 8 / 14, 4 * 8 / 14, 210 / 3333),
        ("hbm2e-3200", 51 * 0.833, 4, 27 * 0.833, 2 * 0.833, 350 / 3900),
        ("psram-octal-200", 17 * 5, 0, 17 * 5, 17 * 5, 85 / 4000),
        ("qspi-flash-133", 22 / 0.133, 0, 4 / 0.133, 0, 0),
        ("octal-flash-200", 25 * 5, 0, 20 * 5, 0, 0),
    ],
)
def test_rows_refresh_and_turn_around_by_hand(
    name: str, first_ns: float, interval_ns: float, to_read_ns: float, to_write_ns: float,
    refresh: float,
) -> None:  # fmt: skip
    rows = timing(name)
    assert rows.row_miss_s == pytest.approx(first_ns * NS)
    assert technology(name).latency_s == rows.row_miss_s + CONTROLLER_S.value
    assert rows.row_interval_s == pytest.approx(interval_ns * NS)
    assert rows.turn_to_read_s == pytest.approx(to_read_ns * NS)
    assert rows.turn_to_write_s == pytest.approx(to_write_ns * NS)
    assert rows.refresh_share == pytest.approx(refresh)


def test_a_jump_to_another_row_stays_in_the_bank_one_time_in_as_many_as_there_are() -> None:
    assert timing("lpddr4-3200").conflict_s == pytest.approx(58 * 0.625 * NS / 8)
    assert timing("octal-flash-200").conflict_s == pytest.approx(5 * 5 * NS)  # a new command


def test_ports_have_no_numbers_of_their_own() -> None:
    assert technology("flash").figures() == {}
    assert technology("sram_port").peak_bytes_per_s is None


def test_an_unknown_memory_gets_the_nearest_name() -> None:
    with pytest.raises(DescriptionError, match="did you mean 'lpddr5-6400'"):
        technology("lpddr5-6401")
